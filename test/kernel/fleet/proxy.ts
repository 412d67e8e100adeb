import { createServer, connect } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

/** Passes bytes on between nodes and a feed, until it is told to cut a connection after so many of them. */
export class Proxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  cutAfter: number | undefined;
  cuts = 0;

  constructor(to: { host: string; port: number }) {
    this.#server = createServer((near) => {
      const far = connect(to);
      let passed = 0;
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket.on('error', () => undefined);
        socket.on('close', () => {
          this.#sockets.delete(socket);
          near.destroy();
          far.destroy();
        });
      }
      near.on('data', (bytes) => far.write(bytes));
      far.on('data', (bytes) => {
        const left = this.cutAfter === undefined ? bytes.length : this.cutAfter - passed;
        passed += bytes.length;
        if (left >= bytes.length) near.write(bytes);
        else {
          this.cuts += 1;
          near.end(bytes.subarray(0, Math.max(left, 0)), () => near.destroy());
          far.destroy();
        }
      });
    });
  }

  async listen(host: string): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, host, resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  cutAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): void {
    this.#server.close();
    this.cutAll();
  }
}
