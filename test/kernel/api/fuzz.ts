/** Requests at random, some of them nearly right, over raw connections. */
import { connect } from 'node:net';

export interface Tally {
  /** Answers by status. */
  statuses: Map<number, number>;
  /** Connections that ended without an answer. */
  unanswered: number;
}

/** A generator of the same numbers for the same seed (xorshift32). */
function randomOf(seed: number): (below: number) => number {
  let state = seed | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE', 'CONNECT', 'get', '', 'G\0T'];
const PATHS = [
  '/',
  '/healthz',
  '/readyz',
  '/v1/status',
  '/v1/intent',
  '/v1/ports',
  '/v1/routes',
  '/v1/flows',
  '/v1/sids',
];
const MORE_PATHS = [
  '/v1/vrfs',
  '/v1/nexthops',
  '/v1/policies',
  '/v1/gateways',
  '/metrics/ports',
  '//x',
  '/..',
  '/v1/../..',
];
const QUERIES = [
  '',
  '?',
  '?tenant=t100',
  '?tenant=%00',
  '?port=a&port=b',
  '?address=::',
  '?address=10.0.0.1%2f33',
  '?limit=-1',
];
const MORE_QUERIES = [
  '?all=true',
  '?all=x',
  '?l4Port=99999',
  '?proto=%ff',
  '?x=y',
  `?tenant=${'a'.repeat(300)}`,
  '?%',
  '?&&==',
];
const HEADERS = [
  'accept: text/plain',
  'accept: x/y',
  'accept: *',
  'segue-node-file: %22x%22',
  'segue-node-file: %',
  'te: trailers',
];
const MORE_HEADERS = ['content-length: 5', 'content-length: -1', 'transfer-encoding: chunked', 'expect: 100-continue'];
const ODD_HEADERS = [
  'upgrade: websocket\r\nconnection: upgrade',
  'a',
  ': b',
  `x: ${'y'.repeat(9000)}`,
  'host: b',
  'range: bytes=0-1',
];

/** One request, whole or not. */
function requestOf(random: (below: number) => number): string {
  const pick = <T>(...lists: readonly (readonly T[])[]): T => {
    const list = lists[random(lists.length)] ?? [];
    return list[random(list.length)] as T;
  };
  const noise = (length: number): string => Array.from({ length }, () => String.fromCharCode(random(256))).join('');
  if (random(20) === 0) return `${noise(random(200))}\r\n\r\n`;
  // Half of them are what a client sends, else nothing would get past the parser.
  const method = random(2) === 0 ? 'GET' : pick(METHODS);
  const path = random(8) === 0 ? `/${encodeURI(noise(random(30)))}` : pick(PATHS, MORE_PATHS);
  const headers = Array.from({ length: random(4) }, () =>
    random(2) === 0 ? pick(HEADERS) : pick(MORE_HEADERS, ODD_HEADERS),
  );
  const body = random(4) === 0 ? noise(random(100)) : '';
  const version = random(20) === 0 ? 'HTTP/9.9' : 'HTTP/1.1';
  return `${method} ${path}${pick(QUERIES, MORE_QUERIES)} ${version}\r\n${['host: a', ...headers].join('\r\n')}\r\n\r\n${body}`;
}

/** @param atATime connections at a time */
export async function fuzz(socketPath: string, count: number, seed: number, atATime = 16): Promise<Tally> {
  const random = randomOf(seed);
  const tally: Tally = { statuses: new Map(), unanswered: 0 };
  let left = count;
  const work = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const answer = await send(socketPath, requestOf(random));
      const status = Number(/^HTTP\/1\.1 ([0-9]{3})/.exec(answer)?.[1] ?? 0);
      if (status === 0) tally.unanswered += 1;
      else tally.statuses.set(status, (tally.statuses.get(status) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: atATime }, work));
  return tally;
}

/** Sends the bytes, says that no more come, and reads the first answer. */
function send(socketPath: string, request: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    let answer = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      answer += chunk;
      // The head of the first is enough; streams would not end.
      if (answer.includes('\r\n\r\n')) socket.destroy();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      resolve(answer);
    });
    socket.end(Buffer.from(request, 'latin1'));
  });
}
