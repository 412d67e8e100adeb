/** The HTTP server on a socket, with services that answer at once or not at all: raw requests. */
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EventStreams } from '../../../src/api/events.js';
import { createApiServer } from '../../../src/api/server.js';
import { Turns } from '../../../src/api/turns.js';
import type { Services } from '../../../src/api/services.js';

const counted: [string, number][] = [];
let answerState = (): Promise<unknown> => Promise.resolve({});
const services = {
  basis: {},
  turns: new Turns(),
  events: new EventStreams(() => undefined),
  counts: { note: ({ route }: { route: string }, status: number) => counted.push([route, status]) },
  agentState: () => answerState(),
} as unknown as Services;

describe('the HTTP server', () => {
  const directory = mkdtempSync(join(tmpdir(), 'segue-api-'));
  const path = join(directory, 'api.sock');
  const server = createApiServer(services, () => undefined);

  beforeAll(() => new Promise<void>((resolve) => server.listen(path, resolve)));
  afterAll(async () => {
    await new Promise((resolve) => server.close(resolve));
    rmSync(directory, { recursive: true });
  });

  /** Sends bytes as they are. @returns everything until the server closes the connection */
  const raw = (head: string): Promise<string> =>
    new Promise((resolve, reject) => {
      let text = '';
      const socket = connect(path, () => socket.write(`${head}\r\n\r\n`));
      socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      socket.on('error', reject).on('end', () => {
        resolve(text);
      });
    });

  it.each([
    ['GET /healthz HTTP/1.1\r\nconnection: close', 400, 'bad-input'],
    ['GET /healthz HTTP/1.1\r\nhost: a\r\nhost: b\r\nconnection: close', 400, 'bad-input'],
    ['GET /healthz HTTP/1.1\r\nhost: a\r\nexpect: x\r\nconnection: close', 417, 'expectation'],
    ['GET /healthz HTTP/1.1\r\nhost: a\r\nupgrade: x\r\nconnection: upgrade', 400, 'bad-input'],
    ['GET ftp://a/healthz HTTP/1.1\r\nhost: a\r\nconnection: close', 400, 'bad-input'],
    ['OPTIONS * HTTP/1.1\r\nhost: a\r\nconnection: close', 400, 'bad-input'],
    ['BREW / HTTP/1.1\r\nhost: a', 400, 'bad-input'],
    ['GET http://a/nowhere HTTP/1.1\r\nhost: a\r\nconnection: close', 404, 'not-found'],
  ])('refuses with a problem: %j', async (head, status, code) => {
    const answer = await raw(head);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(answer).toMatch(/^content-type: application\/problem\+json\r$/im);
    expect(answer).toContain(`"code":"${code}"`);
  });

  it.each(['HTTP/1.0', 'HTTP/1.0\r\nhost: a', 'HTTP/1.1\r\nhost: a\r\nconnection: close'])(
    'answers %j',
    async (version) => {
      expect(await raw(`GET /healthz ${version}`)).toMatch(/^HTTP\/1\.1 200 /);
      expect(await raw(`GET http://a/healthz ${version}`)).toMatch(/^HTTP\/1\.1 200 /);
    },
  );

  it('answers HEAD of the events at once', { timeout: 5000 }, async () => {
    const answer = await raw('HEAD /v1/events HTTP/1.1\r\nhost: a\r\nconnection: close');
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\ncontent-type: text\/event-stream\r\n/);
    expect(answer.endsWith('\r\n\r\n')).toBe(true);
  });

  it.each([
    ['that sends nothing', ''],
    ['that sends half a head', 'GET /healthz HTTP/1.1\r\nho'],
    ['that asks for an upgrade', 'GET /healthz HTTP/1.1\r\nhost: a\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'],
    ['that asks for a tunnel', 'CONNECT a:1 HTTP/1.1\r\nhost: a\r\n\r\n'],
    ['that sends no HTTP', 'BREW\r\n\r\n'],
  ])('closes the connection of a client %s and closes nothing', { timeout: 20_000 }, async (_name, sent) => {
    const socket = connect({ path, allowHalfOpen: true }, () => socket.write(sent));
    socket.resume();
    const openOnes = (): Promise<number> =>
      new Promise((resolve) => {
        server.getConnections((_error, count) => {
          resolve(count);
        });
      });
    await new Promise((resolve) => socket.once('end', resolve));
    await expect.poll(openOnes, { timeout: 5000 }).toBe(0);
    socket.destroy();
  });

  it('survives a client that asks for an upgrade and disconnects', async () => {
    const head = 'GET /healthz HTTP/1.1\r\nhost: a\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n';
    for (let tried = 0; tried < 20; tried++) {
      await new Promise<void>((resolve) => {
        const socket = connect(path, () => {
          socket.write(head, () => {
            socket.destroy();
          });
        }).on('close', () => {
          resolve();
        });
      });
    }
    expect(await raw('GET /healthz HTTP/1.0')).toMatch(/^HTTP/);
  });

  it('counts a request whose client disconnects as refused', async () => {
    let answer: (state: unknown) => void = () => undefined;
    const isAsked = new Promise<void>((resolve) => {
      answerState = () => {
        resolve();
        return new Promise((settle) => (answer = settle));
      };
    });
    const socket = connect(path, () => socket.write('GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n'));
    await isAsked;
    counted.length = 0;
    socket.destroy();
    await expect.poll(() => counted).toEqual([['/healthz', 499]]);
    answer({});
  });
});
