import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { inNetns } from 'netlink-ts';
import { Background } from './process.js';

const START_TIMEOUT_MS = 60_000;
/** Ten questions a second, each answered before the next. It ends when an answer does not come. */
const SCRIPT = `
exec 3<>"/dev/tcp/$0/$1" && echo connected
for ((n = 1; ; n++)); do echo "$n" >&3 && read -r -t 20 answer <&3 && [ "$answer" = "$n" ] || exit 1; echo "$n"; sleep 0.1; done
`;

/** A TCP connection between two namespaces on which something is always under way. */
export class LongConnection {
  readonly #server: Server;
  readonly #client: Background;

  private constructor(server: Server, client: Background) {
    this.#server = server;
    this.#client = client;
  }

  /** Opens it; resolves once it stands. @throws Error when it does not */
  static async open(from: string, to: string, address: string, port: number): Promise<LongConnection> {
    const server = createServer((socket) => socket.on('error', () => undefined).pipe(socket));
    // As IdentityServer has it.
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

  /** Answers so far. */
  get answers(): number {
    return Number(/(\d+)\n$/.exec(this.#client.output)?.[1] ?? 0);
  }

  /** Whether an answer has not come. */
  get isBroken(): boolean {
    return this.#client.hasEnded;
  }

  async close(): Promise<void> {
    await this.#client.stop();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
