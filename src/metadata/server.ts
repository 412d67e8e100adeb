/** The HTTP server of the metadata service: limits on requests, and dispatch. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { peerOf, Ports } from '../service/asker.js';
import { FileAnswers, refusal } from './files.js';
import { PortCounts } from '../service/port-counts.js';
import { Rates } from '../service/rate.js';
import { Room } from './room.js';
import { endToEnd, Upstream } from './upstream.js';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Logger } from '../agent/log.js';
import type { Answer } from './files.js';
import type { Peer } from '../service/asker.js';
import type { PortFile } from '../service/port-file.js';
import type { ServiceServer } from '../service/process.js';

const PORT = 80;
const BACKLOG = 1024;
const MAX_HEADER_BYTES = 65_536;
const MAX_BODY_BYTES = 1_048_576;
/** Bytes of bodies that are incomplete or unanswered; the unit has MemoryMax=256M. */
const MAX_BODIES_BYTES = 64 * MAX_BODY_BYTES;
const MAX_PORT_BODIES_BYTES = 4 * MAX_BODY_BYTES;
/** Concurrent connections of a port. */
const MAX_PORT_CONNECTIONS = 64;
const MAX_CONNECTIONS = 8192;
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
const KEEP_ALIVE_MS = 5000;
/** A VM that reads nothing of its answer ends its connection so; an upstream's time-out is shorter. */
const IDLE_MS = 60_000;
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT']);

interface MetadataOptions {
  /** Directory of the agent's files of ports. */
  ports: string;
  from: 'files' | { url: string; secret: string };
  /** Requests per second of each port. */
  rate: number;
  log: Logger;
}

class TooLargeError extends Error {
  constructor() {
    super(`the body has more than ${MAX_BODY_BYTES} bytes`);
    this.name = 'TooLargeError';
  }
}

/** There is no memory for a body at present. */
class BusyError extends Error {
  constructor() {
    super('too many request bodies at a time');
    this.name = 'BusyError';
  }
}

export class MetadataServer implements ServiceServer {
  readonly #server: Server;
  readonly #ports: Ports;
  readonly #rates: Rates;
  readonly #room = new Room(MAX_BODIES_BYTES, MAX_PORT_BODIES_BYTES);
  readonly #files = new FileAnswers();
  readonly #upstream: Upstream | undefined;
  readonly #log: Logger;
  readonly #connections = new PortCounts(MAX_PORT_CONNECTIONS);

  constructor({ ports, from, rate, log }: MetadataOptions) {
    this.#ports = new Ports(ports);
    this.#rates = new Rates(rate);
    this.#upstream = from === 'files' ? undefined : new Upstream(from.url, from.secret);
    this.#log = log;
    this.#server = createServer(
      {
        maxHeaderSize: MAX_HEADER_BYTES,
        headersTimeout: HEADERS_TIMEOUT_MS,
        requestTimeout: REQUEST_TIMEOUT_MS,
        keepAliveTimeout: KEEP_ALIVE_MS,
        // Neither this server nor Nova sends interim responses.
        insecureHTTPParser: false,
      },
      (request, response) => {
        this.#handle(request, response).catch((error: unknown) => {
          this.#fail(response, error);
        });
      },
    );
    this.#server.maxConnections = MAX_CONNECTIONS;
    this.#server.timeout = IDLE_MS;
    this.#server.on('connection', (socket) => {
      this.#accept(socket);
    });
  }

  open([fd]: readonly number[] = []): void {
    if (fd === undefined) this.#server.listen(PORT, undefined, BACKLOG);
    else this.#server.listen({ fd });
  }

  async ready(): Promise<void> {
    await once(this.#server, 'listening');
  }

  onError(handle: (error: Error) => void): void {
    this.#server.on('error', handle);
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
    this.#upstream?.close();
  }

  #accept(socket: Socket): void {
    const peer = peerOf(socket.remoteAddress, socket.localAddress);
    if (peer === undefined || !this.#connections.take(peer.ifindex)) {
      socket.destroy();
      return;
    }
    const { ifindex } = peer;
    socket.once('close', () => {
      this.#connections.give(ifindex);
    });
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { socket, method = '', url = '' } = request;
    const peer = peerOf(socket.remoteAddress, socket.localAddress);
    if (peer === undefined) {
      socket.destroy();
      return;
    }
    if (!this.#rates.take(peer.ifindex)) {
      end(request, response, refusal(429));
      return;
    }
    const port = this.#ports.get(peer.ifindex);
    if (port === undefined) {
      end(request, response, refusal(404));
      return;
    }
    // Only paths: a whole URL or an authority would name another server.
    if (!METHODS.has(method) || !url.startsWith('/')) {
      end(request, response, refusal(METHODS.has(method) ? 400 : 405));
      return;
    }
    if (this.#upstream === undefined) {
      end(request, response, this.#files.answer(request, port, peer.ifindex));
      return;
    }
    await this.#forward(this.#upstream, request, response, port, peer);
  }

  async #forward(
    upstream: Upstream,
    request: IncomingMessage,
    response: ServerResponse,
    port: PortFile,
    { address, ifindex }: Peer,
  ): Promise<void> {
    const { instance } = port;
    if (instance === undefined) {
      end(request, response, refusal(404));
      return;
    }
    let held = 0;
    response.once('close', () => {
      this.#room.give(ifindex, held);
    });
    const body = await readBody(request, (bytes) => {
      if (response.closed || !this.#room.take(ifindex, bytes)) throw new BusyError();
      held += bytes;
    });
    const headers = upstream.headersOf(request, { ...port, instance }, address);
    const asked = upstream.ask(
      request,
      headers,
      body,
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, endToEnd(answer.headers));
        answer.pipe(response);
        // A partial answer can only be aborted.
        answer.on('error', () => response.destroy());
      },
      () => {
        if (response.headersSent) response.destroy();
        else end(request, response, refusal(503));
      },
    );
    response.on('close', () => asked.destroy());
  }

  #fail(response: ServerResponse, error: unknown): void {
    if (response.headersSent || response.destroyed) {
      response.destroy();
      return;
    }
    const status = error instanceof TooLargeError ? 413 : error instanceof BusyError ? 503 : 500;
    if (status === 500) this.#log.warn({ err: error }, 'a request could not be answered');
    end(response.req, response, refusal(status));
  }
}

/** The rest of a request is not read: its connection is closed after the answer. */
function end(request: IncomingMessage, response: ServerResponse, { status, text, headers }: Answer): void {
  const hasMore = !request.complete && request.headers['content-length'] !== '0' && hasBody(request);
  response.writeHead(status, {
    ...headers,
    'content-length': Buffer.byteLength(text),
    ...(hasMore && { connection: 'close' }),
  });
  response.end(request.method === 'HEAD' ? undefined : text);
  if (hasMore) request.resume();
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
}

/** @param take reserves memory before a part is kept; its exceptions end the reading @throws TooLargeError */
async function readBody(request: IncomingMessage, take: (bytes: number) => void): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) throw new TooLargeError();
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > MAX_BODY_BYTES) throw new TooLargeError();
    take(part.length);
    parts.push(part);
  }
  return Buffer.concat(parts);
}
