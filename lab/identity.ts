import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { inNetns } from 'netlink-ts';
import { runIn } from './process.js';

/** TCP port that answers with the VM's name. */
const IDENTITY_PORT = 7777;
/** Long enough for a busy emulated machine: no ICMP error and no time-out of the kernel ends the wait earlier. */
const ANSWER_TIMEOUT_MS = 60_000;

/**
 * Answers every TCP connection in a namespace with a name, over IPv4 and IPv6. If two tenants share addresses, it shows which VM answered.
 */
export class IdentityServer {
  readonly #server: Server;
  #connections = 0;

  constructor(netns: string, name: string, port = IDENTITY_PORT) {
    this.#server = createServer((socket) => {
      this.#connections += 1;
      socket.on('error', () => undefined);
      socket.end(`${name}\n`);
    });
    // Without a host name to resolve, listen() creates its socket at once, while this thread is in the namespace.
    inNetns(netns, () => this.#server.listen(port));
  }

  /** number of connections so far */
  get connections(): number {
    return this.#connections;
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
  }
}

/** The same over UDP: answers every datagram of one family. */
export class IdentityResponder {
  readonly #socket: Socket;

  constructor(netns: string, name: string, port: number, family: 4 | 6) {
    const any = family === 4 ? '0.0.0.0' : '::';
    this.#socket = createSocket({
      ...(family === 4 ? { type: 'udp4' } : { type: 'udp6', ipv6Only: true }),
      // Without a host name to resolve, bind() creates its socket at once, while this thread is in the namespace.
      lookup: (address, _options, found) => {
        found(null, address, family);
      },
    });
    this.#socket.on('error', () => undefined);
    this.#socket.on('message', (_data, { address, port: to }) => {
      this.#socket.send(`${name}\n`, to, address);
    });
    inNetns(netns, () => this.#socket.bind({ port, address: any, exclusive: true }));
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#socket.close(() => {
        resolve();
      });
    });
  }
}

/** Asks an address for its name. @returns the name; undefined if there is no answer */
export async function whoIs(netns: string, address: string): Promise<string | undefined> {
  const script = `exec 3<>/dev/tcp/${address}/${IDENTITY_PORT} && cat <&3`;
  const { stdout } = await runIn(netns, ['bash', '-c', script], { timeoutMs: ANSWER_TIMEOUT_MS });
  return stdout.trim() === '' ? undefined : stdout.trim();
}
