/** The HTTP server: limits, dispatch, errors. */
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { Problem, rawAnswer } from './problem.js';
import { BAD_INPUT, decodeHeader, HEADER, PROBLEM } from './protocol.js';
import { NO_ROUTE } from './request-counts.js';
import { ROUTES } from './routes.js';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { ServerOptions as TlsOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import type { Route } from './routes.js';
import type { Services } from './services.js';

/** Limit of a request's line and headers in bytes. */
const MAX_HEADER_BYTES = 8192;
const MAX_URL_CHARS = 4096;
const MAX_CONNECTIONS = 64;
const MAX_REQUESTS_A_CONNECTION = 1000;
/** Time-outs of a request's arrival and of an idle connection, in milliseconds. */
const REQUEST_MS = 5000;
const IDLE_MS = 15_000;
const CHECK_MS = 1000;
/** Time in milliseconds that a client has to read why its connection ends. */
const LINGER_MS = 1000;
/** What requests are counted as whose clients disconnected before the answer; the number is nginx's. */
const CLIENT_GONE = 499;
/** The form of targets that clients send to proxies, and that servers must accept (RFC 9112 section 3.2.2). */
const ABSOLUTE_FORM = /^https?:\/\/./i;

export type OnError = (error: unknown) => void;

/** @param tls absent: plain HTTP, for a socket with file permissions */
export function createApiServer(services: Services, onError: OnError, tls?: TlsOptions): Server {
  const bounds = {
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: REQUEST_MS,
    requestTimeout: REQUEST_MS,
    keepAliveTimeout: IDLE_MS,
    connectionsCheckingInterval: CHECK_MS,
    // Node.js' own refusal is no problem document: refuseBadHead.
    requireHostHeader: false,
  };
  const handler = (request: IncomingMessage, response: ServerResponse): void => {
    void handle(request, response, services, onError);
  };
  const server =
    tls === undefined
      ? createServer(bounds, handler)
      : createTlsServer({ ...bounds, handshakeTimeout: REQUEST_MS, ...tls }, handler);
  server.maxConnections = MAX_CONNECTIONS;
  server.maxRequestsPerSocket = MAX_REQUESTS_A_CONNECTION;
  // Expect: 100-continue announces a body, which is only accepted on some routes.
  server.on('checkContinue', handler);
  server.on('checkExpectation', handler);
  // Upgrade and CONNECT request another protocol; none is supported.
  server.on('upgrade', (_request, socket) => endWith(socket, badRequest('Upgrade: expected none')));
  server.on('connect', (_request, socket) => endWith(socket, methodRefused('CONNECT', 'GET, HEAD, POST')));
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const isTooLarge = error.code === 'HPE_HEADER_OVERFLOW';
    const problem = isTooLarge
      ? new Problem(431, { code: 'too-large', detail: `expected at most ${MAX_HEADER_BYTES} bytes of headers` })
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? new Problem(408, { code: 'timeout', detail: `expected a request within ${REQUEST_MS} ms` })
        : badRequest('expected a request of HTTP/1.1');
    if (socket.writable) endWith(socket, problem);
    else socket.destroy();
  });
  return server;
}

/** Answers on a connection that is no request's any more, and closes it even if the client does not: the server allows half-open ones. */
function endWith(socket: Duplex, problem: Problem): void {
  // Node.js removes its own listener from the socket of an upgrade.
  socket.on('error', () => undefined);
  socket.end(rawAnswer(problem));
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  services: Services,
  onError: OnError,
): Promise<void> {
  const started = performance.now();
  let counted = NO_ROUTE;
  response.once('close', () => {
    const status = response.headersSent ? response.statusCode : CLIENT_GONE;
    services.counts.note(counted, status, (performance.now() - started) / 1000);
  });
  response.on('error', () => undefined);
  request.on('error', () => undefined);
  try {
    refuseBadHead(request);
    const { pathname, searchParams: query } = parseUrl(request);
    const found = ROUTES.get(pathname);
    if (found === undefined) {
      throw new Problem(404, { code: 'not-found', detail: `${pathname}: expected a path of /openapi.json` });
    }
    ({ counted } = found);
    refuseOthers(request, found, services);
    await found.handle({ message: request, query, headers: request.headers, response }, services);
  } catch (error) {
    const problem = error instanceof Problem ? error : undefined;
    if (problem === undefined) onError(error);
    refuse(request, response, problem ?? internal(error));
  }
}

function parseUrl({ url = '' }: IncomingMessage): URL {
  if (url.length > MAX_URL_CHARS) {
    throw new Problem(414, { code: 'too-large', detail: `expected a target of at most ${MAX_URL_CHARS} characters` });
  }
  const isAbsolute = ABSOLUTE_FORM.test(url);
  if (!isAbsolute && !url.startsWith('/')) throw badRequest('expected a target that begins with /');
  try {
    // With a fixed authority: `//name/path` is a path like others.
    return new URL(isAbsolute ? url : `http://segue${url}`);
  } catch {
    throw badRequest('expected a target that is a path with a query');
  }
}

/** @throws Problem without one Host (RFC 9112 section 3.2), and for unknown expectations (RFC 9110 section 10.1.1) */
function refuseBadHead({ httpVersion, headers: { expect }, headersDistinct: { host } }: IncomingMessage): void {
  if (host?.length !== 1 && (host !== undefined || httpVersion !== '1.0')) {
    throw badRequest(`Host: expected once, found ${host?.length ?? 'none'}`);
  }
  if (expect !== undefined && expect.toLowerCase() !== '100-continue') {
    throw new Problem(417, { code: 'expectation', detail: `Expect: ${expect}: expected 100-continue` });
  }
}

/** @throws Problem for other methods, a GET with a body, and a node file other than the agent's */
function refuseOthers({ method = '', headers }: IncomingMessage, route: Route, { basis }: Services): void {
  const methods = route.method === 'GET' ? ['GET', 'HEAD'] : ['POST'];
  if (!methods.includes(method)) throw methodRefused(method, methods.join(', '));
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0;
  if (route.method === 'GET' && hasBody) {
    throw new Problem(413, { code: 'body', detail: 'expected a request without a body' });
  }
  const asked = headers[HEADER.nodeFile];
  if (asked === undefined) return;
  const signature = decodeHeader(asked);
  if (signature !== '' && signature === basis.nodeFileSignature) return;
  throw new Problem(421, {
    code: 'other-node-file',
    detail: 'the agent runs with another node file than the one asked for',
  });
}

function refuse(request: IncomingMessage, response: ServerResponse, problem: Problem): void {
  if (response.headersSent) {
    // Part of the answer has been sent: only closing the connection shows that it is incomplete.
    response.destroy();
    return;
  }
  // The rest of the request is not read.
  const isDone = request.complete && request.method !== undefined;
  response.writeHead(problem.status, {
    'content-type': PROBLEM,
    ...problem.headers,
    ...(!isDone && { connection: 'close' }),
  });
  response.end(`${JSON.stringify(problem.body)}\n`);
}

function methodRefused(method: string, allow: string): Problem {
  return new Problem(405, { code: 'method', detail: `${method}: expected ${allow}`, headers: { allow } });
}

function badRequest(detail: string): Problem {
  return new Problem(400, { code: BAD_INPUT, detail });
}

function internal(error: unknown): Problem {
  return new Problem(500, { code: 'internal', detail: error instanceof Error ? error.message : String(error) });
}
