/** Random requests, some of them nearly valid, over raw connections. */
import type { Socket } from 'node:net';

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
const POSTED = ['/v1/trace', '/v1/release'];
/** What is right of them has nothing to release, and is seldom traced: a command runs for it. */
const BODIES = [
  '{}',
  '{"port":"none","to":"10.0.0.2","size":1}',
  '{"port":"t100-1","to":"x"}',
  '{"to":"10.0.0.2"}',
  '{"port":"t100-1","to":"10.0.0.2","size":1e99}',
  '{"port":"t100-1","to":"10.0.0.2","ttl":-1}',
  '{"port":"--help","to":"10.0.0.2","from":"::1"}',
  '{"port":"a\\u0000b","to":"10.0.0.2"}',
  '{"__proto__":{"port":"a"},"to":"10.0.0.2"}',
  '[[[[[[',
  '{"port":{},"to":[]}',
  'null',
  '"',
  '[]',
];
const TRACEABLE = '{"port":"t100-1","to":"10.0.0.2"}';
const TRACED_OF = 200;
const TYPES = ['application/json', 'application/json; charset=x', 'text/plain', 'multipart/form-data; boundary=a'];
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
  if (random(6) === 0) {
    const posted = random(TRACED_OF) === 0 ? TRACEABLE : pick(BODIES);
    const type = random(4) === 0 ? pick(TYPES) : 'application/json';
    const odd = random(8) === 0 ? `${pick(MORE_HEADERS)}\r\n` : '';
    const length = random(10) === 0 ? random(40_000) : Buffer.byteLength(posted);
    const head = `${random(8) === 0 ? method : 'POST'} ${pick(POSTED)} HTTP/1.1\r\nhost: a\r\n${odd}`;
    return `${head}content-type: ${type}\r\ncontent-length: ${length}\r\n\r\n${posted}`;
  }
  const version = random(20) === 0 ? 'HTTP/9.9' : 'HTTP/1.1';
  return `${method} ${path}${pick(QUERIES, MORE_QUERIES)} ${version}\r\n${['host: a', ...headers].join('\r\n')}\r\n\r\n${body}`;
}

/**
 * @param open a connection
 * @param atATime connections at a time
 */
export async function fuzz(open: () => Socket, count: number, seed: number, atATime = 16): Promise<Tally> {
  const random = randomOf(seed);
  const tally: Tally = { statuses: new Map(), unanswered: 0 };
  let left = count;
  const work = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const answer = await send(open(), requestOf(random), random(ENDS_OF) === 0);
      const status = Number(/^HTTP\/1\.1 ([0-9]{3})/.exec(answer)?.[1] ?? 0);
      if (status === 0) tally.unanswered += 1;
      else tally.statuses.set(status, (tally.statuses.get(status) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: atATime }, work));
  return tally;
}

/** How long an answer is waited for before the other side is told that no more comes, milliseconds: a request that is cut short has none. */
const PATIENCE_MS = 500;
/** One of so many ends its side at once: Node's server takes that for a client that has gone. */
const ENDS_OF = 8;

/** Sends the bytes and reads the first answer. */
function send(socket: Socket, request: string, endsAtOnce: boolean): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      answer += chunk;
      // The head of the first is enough; streams would not end.
      if (answer.includes('\r\n\r\n')) socket.destroy();
    });
    socket.on('error', () => undefined);
    const timer = setTimeout(() => socket.end(), PATIENCE_MS);
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(answer);
    });
    const bytes = Buffer.from(request, 'latin1');
    if (endsAtOnce) socket.end(bytes);
    else socket.write(bytes);
  });
}
