/**
 * Resumption of TLS sessions by a client (RFC 8446 section 2.2): connections to a known server need neither signatures nor certificate chains.
 * @grpc/grpc-js has no option for it, but allows custom credentials.
 */
import { createHash } from 'node:crypto';
import { checkServerIdentity, connect, createSecureContext } from 'node:tls';
import { CallCredentials, ChannelCredentials } from '@grpc/grpc-js';
import type { Socket } from 'node:net';
import type { SecureContext, TLSSocket } from 'node:tls';
import type { SecureConnector } from '@grpc/grpc-js/build/src/channel-credentials.js';

interface SessionPems {
  ca: Buffer;
  cert: Buffer;
  key: Buffer;
}

interface Held {
  session: Buffer;
  /** End of the server certificate's validity, in milliseconds since 1970: a resumed session does not show it again. */
  untilMs: number;
}

/** Sessions of a client, by server. They belong to its certificate and CAs: with others none is resumed. */
export class TlsSessions {
  readonly #held = new Map<string, Held>();
  #files = '';
  #context: SecureContext | undefined;
  /** Number of connections with a resumed session, and with a full handshake. */
  resumed = 0;
  full = 0;

  /** @param host the server's name or address in its certificate @param servername name sent as SNI; addresses are not allowed there */
  credentials(target: string, host: string, servername: string, pems: SessionPems): ChannelCredentials {
    const files = createHash('sha256').update(pems.ca).update(pems.cert).update(pems.key).digest('hex');
    if (files !== this.#files || this.#context === undefined) {
      this.#held.clear();
      this.#files = files;
      this.#context = createSecureContext(pems);
    }
    return new SessionCredentials(this, this.#context, { target, host, servername });
  }

  /** Saves a session of a context that is still in use. */
  keep(context: SecureContext, target: string, held: Held): void {
    if (context === this.#context) this.#held.set(target, held);
  }

  find(context: SecureContext, target: string): Buffer | undefined {
    const held = context === this.#context ? this.#held.get(target) : undefined;
    return held !== undefined && held.untilMs > Date.now() ? held.session : undefined;
  }

  forget(): void {
    this.#held.clear();
  }

  /** A handshake failed: the next one does not resume. */
  drop(target: string): void {
    this.#held.delete(target);
  }
}

interface Server {
  target: string;
  host: string;
  servername: string;
}

class SessionCredentials extends ChannelCredentials {
  readonly #sessions: TlsSessions;
  readonly #context: SecureContext;
  readonly #server: Server;

  constructor(sessions: TlsSessions, context: SecureContext, server: Server) {
    super();
    this.#sessions = sessions;
    this.#context = context;
    this.#server = server;
  }

  _isSecure(): boolean {
    return true;
  }

  _equals(other: ChannelCredentials): boolean {
    return this === other;
  }

  _createSecureConnector(_target: unknown, _options: unknown, calls = CallCredentials.createEmpty()): SecureConnector {
    return {
      connect: async (socket) => ({ socket: await this.#connect(socket), secure: true }),
      waitForReady: () => Promise.resolve(),
      getCallCredentials: () => calls,
      destroy: () => undefined,
    };
  }

  #connect(socket: Socket): Promise<TLSSocket> {
    const { target, host, servername } = this.#server;
    const session = this.#sessions.find(this.#context, target);
    return new Promise((resolve, reject) => {
      const made = connect({
        ...{ socket, servername, secureContext: this.#context, ALPNProtocols: ['h2'] },
        checkServerIdentity: (_name, shown) => checkServerIdentity(host, shown),
        ...(session && { session }),
      });
      let untilMs = 0;
      made.on('session', (next) => {
        // Before the end of the handshake (TLS 1.2) the certificate has not been verified.
        if (untilMs > 0) this.#sessions.keep(this.#context, target, { session: next, untilMs });
      });
      made.once('secureConnect', () => {
        if (!made.authorized) {
          reject(new Error(`the server's certificate is not accepted: ${String(made.authorizationError)}`));
          made.destroy();
          return;
        }
        untilMs = Date.parse(made.getPeerCertificate().valid_to);
        if (made.isSessionReused()) this.#sessions.resumed += 1;
        else this.#sessions.full += 1;
        resolve(made);
      });
      made.on('error', (error: Error) => {
        if (untilMs === 0) this.#sessions.drop(target);
        reject(error);
      });
    });
  }
}
