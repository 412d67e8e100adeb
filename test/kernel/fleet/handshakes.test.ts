/** A feed's bound on concurrent TLS handshakes: further connections wait, and none is forgotten. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { connect } from 'node:tls';
import { Server } from '@grpc/grpc-js';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { Handshakes } from '../../../src/fleet/feed/handshakes.js';
import { serverCredentials } from '../../../src/fleet/tls.js';
import { Authority, loopbackAddress, newDirectory, removeDirectory } from './etcd.js';
import { until } from './until.js';
import type { Socket } from 'node:net';

const AT_ONCE = 4;
const FOREVER_MS = 3_600_000;

const directory = newDirectory();
const authority = new Authority(directory);
const own = authority.issue('hv1', ['DNS:hv1']);
const pems = { ca: readFileSync(own.ca), cert: readFileSync(own.cert), key: readFileSync(own.key) };
const closers: (() => void)[] = [];

class Listening {
  readonly handshakes: Handshakes;
  readonly #server = new Server();
  readonly #address = loopbackAddress();
  #port = 0;

  constructor(countedMs: number) {
    this.handshakes = new Handshakes({ atOnce: AT_ONCE, countedMs });
    this.handshakes.attach(this.#server);
    closers.push(() => {
      this.#server.forceShutdown();
    });
  }

  async start(): Promise<this> {
    const tls = authority.issue('feed', [`IP:${this.#address}`]);
    this.#port = await new Promise<number>((resolve, reject) => {
      const credentials = serverCredentials(tls, () => undefined);
      this.#server.bindAsync(`${this.#address}:0`, credentials, (error, port) => {
        if (error === null) resolve(port);
        else reject(error);
      });
    });
    return this;
  }

  /** A client that says nothing. */
  silent(): Socket {
    const socket = connectTcp(this.#port, this.#address);
    socket.on('error', () => undefined);
    closers.push(() => socket.destroy());
    return socket;
  }

  /** Resolves after a client's handshake. */
  client(): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: this.#address, port: this.#port, ...pems, ALPNProtocols: ['h2'] }, resolve);
      socket.on('error', reject);
      closers.push(() => socket.destroy());
    });
  }
}

afterEach(() => {
  for (const close of closers.splice(0).reverse()) close();
});
afterAll(() => {
  removeDirectory(directory);
});

describe('Handshakes', () => {
  it('lets so many begin at once, and the others in turn', async () => {
    const listening = await new Listening(FOREVER_MS).start();
    const silent = Array.from({ length: AT_ONCE }, () => listening.silent());
    await until('the silent ones', () => listening.handshakes.active === AT_ONCE);
    let most = 0;
    const clients = Array.from({ length: 60 }, () =>
      listening.client().then(() => {
        most = Math.max(most, listening.handshakes.active);
      }),
    );
    await until('the others', () => listening.handshakes.waiting === clients.length);
    for (const socket of silent) socket.destroy();
    await Promise.all(clients);
    expect(most).toBeLessThanOrEqual(AT_ONCE);
    await until('the end of the last', () => listening.handshakes.active === 0);
    expect(listening.handshakes).toMatchObject({ waited: clients.length, mostWaiting: clients.length, waiting: 0 });
  });

  it('counts clients that stall only for a while', async () => {
    const listening = await new Listening(200).start();
    const silent = Array.from({ length: 3 * AT_ONCE }, () => listening.silent());
    await Promise.all(silent.map((socket) => once(socket, 'connect')));
    await listening.client();
    expect(silent.filter(({ destroyed }) => destroyed)).toEqual([]);
  });

  it('forgets waiting clients that go, and begins with the next when one of them goes', async () => {
    const listening = await new Listening(FOREVER_MS).start();
    const silent = Array.from({ length: AT_ONCE }, () => listening.silent());
    await until('the silent ones', () => listening.handshakes.active === AT_ONCE);
    const waiting = listening.silent();
    await until('one that waits', () => listening.handshakes.waiting === 1);
    waiting.destroy();
    await until('its end', () => listening.handshakes.waiting === 0);
    const served = listening.client();
    await until('another one', () => listening.handshakes.waiting === 1);
    silent[0]?.destroy();
    await served;
  });
});
