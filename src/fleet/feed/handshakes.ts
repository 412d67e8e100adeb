import type { Server as GrpcServer } from '@grpc/grpc-js';
import type { Socket } from 'node:net';
import type { Server as TlsServer, TLSSocket } from 'node:tls';

/** TLS handshakes at a time: a feed to which all nodes return at once completes some instead of delaying all. */
const AT_ONCE = 64;
/** A client that does not answer counts for this long, in milliseconds: clients that stall do not keep others waiting. */
const COUNTED_MS = 500;
/** Lateness of a timer in milliseconds, beyond which the process was too busy to read what the client sent. */
const LATE_MS = 100;

/** Bounds concurrent TLS handshakes of a server. Further connections wait in the order of their arrival. */
export class Handshakes {
  /** Connections that had to wait, and the largest number of waiting ones. */
  waited = 0;
  mostWaiting = 0;
  readonly #atOnce: number;
  readonly #countedMs: number;
  readonly #waiting = new Set<Socket>();
  /** Ends of counted handshakes, by the peer's address and port. */
  readonly #ends = new Map<string, () => void>();

  constructor({ atOnce = AT_ONCE, countedMs = COUNTED_MS } = {}) {
    this.#atOnce = atOnce;
    this.#countedMs = countedMs;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  get active(): number {
    return this.#ends.size;
  }

  /** Bounds the handshakes of the TLS servers that a server of gRPC makes from now on. */
  attach(server: GrpcServer): void {
    // @grpc/grpc-js has no public access to its listening sockets.
    const made = server as unknown as { createHttp2Server: (credentials: unknown) => TlsServer };
    const original = made.createHttp2Server.bind(server);
    made.createHttp2Server = (credentials) => {
      const listening = original(credentials);
      this.#bound(listening);
      return listening;
    };
  }

  #bound(server: TlsServer): void {
    const begin = server.listeners('connection') as ((socket: Socket) => void)[];
    server.removeAllListeners('connection');
    const start = (socket: Socket): void => {
      this.#count(socket, () => {
        const next = this.#waiting.values().next().value;
        if (next === undefined) return;
        this.#waiting.delete(next);
        start(next);
      });
      for (const listener of begin) listener.call(server, socket);
    };
    server.on('connection', (socket: Socket) => {
      if (this.#ends.size < this.#atOnce) return void start(socket);
      this.waited += 1;
      this.#waiting.add(socket);
      this.mostWaiting = Math.max(this.mostWaiting, this.#waiting.size);
      socket.once('close', () => this.#waiting.delete(socket));
      socket.once('error', () => undefined);
    });
    server.on('secureConnection', (socket: TLSSocket) => this.#ends.get(nameOf(socket))?.());
  }

  #count(socket: Socket, ended: () => void): void {
    const name = nameOf(socket);
    const end = (): void => {
      clearTimeout(timer);
      if (this.#ends.get(name) !== end) return;
      this.#ends.delete(name);
      ended();
    };
    let timer: NodeJS.Timeout;
    const wait = (): void => {
      const due = performance.now() + this.#countedMs;
      timer = setTimeout(() => {
        if (performance.now() > due + LATE_MS) wait();
        else end();
      }, this.#countedMs);
    };
    wait();
    this.#ends.set(name, end);
    socket.once('close', end);
  }
}

function nameOf({ remoteAddress = '', remotePort = 0 }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
