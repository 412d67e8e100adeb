import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { inNetns } from 'netlink-ts';
import { Background } from './process.js';

const START_TIMEOUT_MS = 300_000;
/** Sends ten requests a second, each after the previous answer. Ends if an answer is missing. */
const SCRIPT = `
exec 3<>"/dev/tcp/$0/$1" && echo connected
for ((n = 1; ; n++)); do echo "$n" >&3 && read -r -t 20 answer <&3 && [ "$answer" = "$n" ] || exit 1; echo "$n"; sleep 0.1; done
`;

/** A TCP connection between two namespaces with continuous traffic. */
export class LongConnection {
  readonly #server: Server;
  readonly #client: Background;

  private constructor(server: Server, client: Background) {
    this.#server = server;
    this.#client = client;
  }

  /** Opens the connection; resolves once it is established. @throws Error if that fails */
  static async open(from: string, to: string, address: string, port: number): Promise<LongConnection> {
    const server = createServer((socket) => socket.on('error', () => undefined).pipe(socket));
    // See IdentityServer.
    inNetns(to, () => server.listen(port));
    const client = new Background(from, ['bash', '-c', SCRIPT, address, String(port)]);
    const connection = new LongConnection(server, client);
    try {
      await client.waitFor(/connected/, START_TIMEOUT_MS);
    } catch (error) {
      await connection.close();
      throw error;
    }
    return connection;
  }

  /** Number of answers so far. */
  get answers(): number {
    return Number(/(\d+)\n$/.exec(this.#client.output)?.[1] ?? 0);
  }

  /** Whether an answer was missing. */
  get isBroken(): boolean {
    return this.#client.hasEnded;
  }

  async close(): Promise<void> {
    await this.#client.stop();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
