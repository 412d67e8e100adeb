/** TLS credentials, whose files are read for each connection, so that renewed certificates need no restart. */
import { readRegularFile } from '../intent/regular-file.js';
import { isIP } from 'node:net';
import { checkServerIdentity, createSecureContext } from 'node:tls';
import { Client, credentials, experimental } from '@grpc/grpc-js';
import type { ClientOptions, ServerCredentials } from '@grpc/grpc-js';
import type { TlsSessions } from './tls-sessions.js';
import type { TlsFiles } from './types.js';

interface Pems {
  ca: Buffer;
  cert: Buffer;
  key: Buffer;
}

/** @throws Error that contains the name of the file */
function readPems(tls: TlsFiles): Pems {
  const read = (what: keyof TlsFiles): Buffer => {
    try {
      return readRegularFile(tls[what]);
    } catch (error) {
      throw new Error(`tls.${what}: ${(error as Error).message}`);
    }
  };
  return { ca: read('ca'), cert: read('cert'), key: read('key') };
}

/**
 * A client for `host:port` or `[IPv6]:port`.
 *
 * @param tls absent: no TLS, which the fleet file allows only for loopback
 * @param options options of the channel
 */
export function openClient(target: string, tls: TlsFiles | undefined, options: ClientOptions): Client {
  if (tls === undefined) return new Client(target, credentials.createInsecure(), options);
  const { ca, cert, key } = readPems(tls);
  return openSecureClient(target, { ca, cert, key }, options);
}

/** @param own the client's certificate and key; absent: none is sent */
export function openSecureClient(
  target: string,
  { ca, cert = null, key = null }: { ca: Buffer; cert?: Buffer | null; key?: Buffer | null },
  options: ClientOptions,
): Client {
  const host = hostOf(target);
  if (isIP(host) === 0) return new Client(target, credentials.createSsl(ca, key, cert), options);
  // An address is no server name (RFC 6066 section 3); the certificate is still compared with it.
  const secure = credentials.createSsl(ca, key, cert, {
    checkServerIdentity: (_name, shown) => checkServerIdentity(host, shown),
  });
  return new Client(target, secure, { ...options, 'grpc.ssl_target_name_override': NO_NAME });
}

/** The same, resuming a session with the server if there is one. */
export function openResumingClient(
  target: string,
  tls: TlsFiles,
  sessions: TlsSessions,
  options: ClientOptions,
): Client {
  const host = hostOf(target);
  const isName = isIP(host) === 0;
  const made = sessions.credentials(target, host, isName ? host : NO_NAME, readPems(tls));
  return new Client(target, made, isName ? options : { ...options, 'grpc.ssl_target_name_override': NO_NAME });
}

/** Host of `host:port` or `[IPv6]:port`. */
export function hostOf(target: string): string {
  return target.slice(0, target.lastIndexOf(':')).replace(/^\[|\]$/g, '');
}

/** Placeholder for a server name; reserved by RFC 2606. */
const NO_NAME = 'address.invalid';

/** Interval at which a server checks its files, in milliseconds. */
const LOOK_MS = 5000;

type IdentityListener = Parameters<experimental.CertificateProvider['addIdentityCertificateListener']>[0];
type CaListener = Parameters<experimental.CertificateProvider['addCaCertificateListener']>[0];

/** A server's files. New connections use replaced files once they match one another; files that do not are reported and ignored. */
class ServerFiles implements experimental.CertificateProvider {
  readonly #read: () => Pems;
  readonly #problem: (message: string) => void;
  readonly #identity = new Set<IdentityListener>();
  readonly #ca = new Set<CaListener>();
  #pems: Pems;
  #said = '';
  #timer: NodeJS.Timeout | undefined;

  /** @throws Error that contains the name of the file */
  constructor(read: () => Pems, problem: (message: string) => void) {
    this.#read = read;
    this.#problem = problem;
    this.#pems = fitting(read());
  }

  addIdentityCertificateListener(listener: IdentityListener): void {
    this.#identity.add(listener);
    this.#look();
    // Delayed, because the server only listens after it has registered.
    queueMicrotask(() => {
      listener({ certificate: this.#pems.cert, privateKey: this.#pems.key });
    });
  }

  addCaCertificateListener(listener: CaListener): void {
    this.#ca.add(listener);
    queueMicrotask(() => {
      listener({ caCertificate: this.#pems.ca });
    });
  }

  removeIdentityCertificateListener(listener: IdentityListener): void {
    this.#identity.delete(listener);
    if (this.#identity.size === 0) clearTimeout(this.#timer);
  }

  removeCaCertificateListener(listener: CaListener): void {
    this.#ca.delete(listener);
  }

  #look(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      try {
        const pems = this.#read();
        if (pems.ca.equals(this.#pems.ca) && pems.cert.equals(this.#pems.cert) && pems.key.equals(this.#pems.key))
          this.#said = '';
        else this.#take(fitting(pems));
      } catch (error) {
        const { message } = error as Error;
        if (message !== this.#said) this.#problem(`the certificates in use are kept: ${message}`);
        this.#said = message;
      }
      this.#look();
    }, LOOK_MS);
    this.#timer.unref();
  }

  #take(pems: Pems): void {
    this.#pems = pems;
    for (const listener of this.#ca) listener({ caCertificate: pems.ca });
    for (const listener of this.#identity) listener({ certificate: pems.cert, privateKey: pems.key });
  }
}

/** @throws Error if key and certificate do not match, or a file is no PEM */
function fitting(pems: Pems): Pems {
  createSecureContext(pems);
  return pems;
}

/**
 * Credentials of a server that requires clients' certificates of this CA.
 *
 * @param problem called if replaced files are unusable
 */
export function serverCredentials(tls: TlsFiles, problem: (message: string) => void): ServerCredentials {
  const files = new ServerFiles(() => readPems(tls), problem);
  return experimental.createCertificateProviderServerCredentials(files, files, true);
}

/**
 * Credentials of a server for clients without a certificate. It also sends the CAs, so that a client that has only a CA's pin can find its
 * certificate.
 */
export function enrollmentCredentials(tls: TlsFiles, problem: (message: string) => void): ServerCredentials {
  const read = (): Pems => {
    const { ca, cert, key } = readPems(tls);
    return { ca, key, cert: Buffer.concat([cert, Buffer.from('\n'), ca]) };
  };
  // The first argument is the identity, despite its name in @grpc/grpc-js 1.14.
  return experimental.createCertificateProviderServerCredentials(new ServerFiles(read, problem), null, false);
}
