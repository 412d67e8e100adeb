/** Calls to etcd, over one connection for each member; if a member does not answer, the next is tried. */
import { status } from '@grpc/grpc-js';
import { KV, LEASE, WATCH } from '../rpc.js';
import { openClient } from '../tls.js';
import { callUnary } from '../unary.js';
import type { Client, ClientDuplexStream, MethodDefinition, ServiceDefinition, ServiceError } from '@grpc/grpc-js';
import type { RangeRequest, RangeResponse, TxnRequest, TxnResponse, WatchResponse } from '../rpc.js';
import type { EtcdConfig } from '../types.js';

/** Time-out of a call in milliseconds; electing a leader takes two to five seconds. */
const CALL_MS = 10_000;
/** Default number of attempts at all members before a call fails, and the pause between them in milliseconds. */
const ROUNDS = 3;
const ROUND_PAUSE_MS = 500;
/** Time-out of a large range, in milliseconds. */
const LARGE_CALL_MS = 60_000;
/**
 * A failed member is avoided for this long if there is another, in milliseconds. A hanging member accepts connections without answering, and
 * concurrent callers that each try the next member would keep returning to it.
 */
const AVOIDED_MS = 30_000;

const CHANNEL_OPTIONS = {
  'grpc.max_receive_message_length': -1,
  'grpc.max_send_message_length': -1,
  // A watch and large ranges starve each other on one TLS connection (etcd#15402).
  'grpc.use_local_subchannel_pool': 1,
  // etcd closes connections with pings more frequent than every 5 s (--grpc-keepalive-min-time).
  'grpc.keepalive_time_ms': 7000,
  'grpc.keepalive_timeout_ms': 3000,
  'grpc.initial_reconnect_backoff_ms': 200,
  'grpc.max_reconnect_backoff_ms': 2000,
};

/** A call failed at all members. */
export class EtcdError extends Error {
  readonly code = 'ETCD';
  /** Status code of gRPC. */
  readonly status: number;
  /** Whether the member may have executed the call. */
  readonly isUncertain: boolean;

  constructor(endpoint: string, error: ServiceError, isUncertain: boolean) {
    super(`etcd at ${endpoint}: ${error.details || error.message}`);
    this.name = 'EtcdError';
    this.status = error.code;
    this.isUncertain = isUncertain;
  }
}

/** Errors after which another member may succeed. */
const ELSEWHERE: readonly number[] = [status.UNAVAILABLE, status.DEADLINE_EXCEEDED, status.UNKNOWN, status.INTERNAL];

/** gRPC target of `https://host:2379`, or of a socket `unix:/path`. */
function targetOf(endpoint: string): string {
  if (endpoint.startsWith('unix:')) return endpoint;
  const { hostname, port, protocol } = new URL(endpoint);
  return `${hostname}:${port === '' ? (protocol === 'https:' ? '443' : '80') : port}`;
}

export class EtcdClient {
  readonly endpoints: readonly string[];
  readonly #config: EtcdConfig;
  readonly #clients = new Map<string, Client>();
  /** Times of members' last failures. */
  readonly #failedMs = new Map<string, number>();
  /** Index of the member that answered last; clients start at random members. */
  #at: number;
  #isClosed = false;
  readonly #rounds: number;

  /** @param options `rounds`: attempts at all members before a call fails */
  constructor(config: EtcdConfig, { rounds = ROUNDS }: { rounds?: number } = {}) {
    this.#config = config;
    this.#rounds = rounds;
    this.endpoints = config.endpoints;
    this.#at = Math.floor(Math.random() * config.endpoints.length);
  }

  /** Linearizable. @throws EtcdError */
  range(request: RangeRequest, { large = false }: { large?: boolean } = {}): Promise<RangeResponse> {
    return this.#call(KV, 'Range', request, large ? LARGE_CALL_MS : CALL_MS);
  }

  /** Not repeated if it may have been executed (EtcdError.isUncertain). @throws EtcdError */
  txn(request: TxnRequest): Promise<TxnResponse> {
    return this.#call(KV, 'Txn', request, CALL_MS, false);
  }

  /** @param seconds after which keys with the lease are deleted, unless it is kept alive */
  async grantLease(seconds: number): Promise<number> {
    const id = 1 + Math.floor(Math.random() * 2 ** 47);
    await this.#call(LEASE, 'LeaseGrant', { TTL: seconds, ID: id }, CALL_MS);
    return id;
  }

  async revokeLease(id: number): Promise<void> {
    await this.#call(LEASE, 'LeaseRevoke', { ID: id }, CALL_MS);
  }

  /** Keeps a lease alive until the returned function is called. */
  keepLease(id: number, everyMs: number): () => void {
    const endpoint = this.#endpoint(0);
    const { path, requestSerialize, responseDeserialize } = methodOf(LEASE, 'LeaseKeepAlive');
    let stream = open(this.#client(endpoint));
    function open(client: Client): ClientDuplexStream<object, object> {
      const opened = client.makeBidiStreamRequest<object, object>(path, requestSerialize, responseDeserialize);
      opened.on('error', () => undefined);
      opened.on('data', () => undefined);
      return opened;
    }
    const timer = setInterval(() => {
      if (stream.destroyed || stream.writableEnded) stream = open(this.#client(this.#endpoint(0)));
      stream.write({ ID: id });
    }, everyMs);
    stream.write({ ID: id });
    return () => {
      clearInterval(timer);
      stream.cancel();
    };
  }

  /** Opens a stream of watches at one member, on its own connection. `failed`: try another member next time. */
  openWatch(): {
    endpoint: string;
    stream: ClientDuplexStream<object, WatchResponse>;
    failed: () => void;
    close: () => void;
  } {
    const endpoint = this.#endpoint(1);
    const client = this.#newClient(endpoint);
    const { path, requestSerialize, responseDeserialize } = methodOf(WATCH, 'Watch');
    const stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize) as ClientDuplexStream<
      object,
      WatchResponse
    >;
    const close = (): void => {
      stream.cancel();
      client.close();
    };
    return { endpoint, stream, failed: () => this.#failedMs.set(endpoint, Date.now()), close };
  }

  close(): void {
    this.#isClosed = true;
    for (const client of this.#clients.values()) client.close();
    this.#clients.clear();
  }

  /** The member to ask: the last one that answered, or `step` members further; avoids members that failed recently. */
  #endpoint(step: number): string {
    const { length } = this.endpoints;
    const from = Date.now() - AVOIDED_MS;
    const places = Array.from({ length }, (_, more) => (this.#at + step + more) % length);
    const isWell = (place: number): boolean => (this.#failedMs.get(this.endpoints[place] ?? '') ?? 0) < from;
    this.#at = places.find(isWell) ?? places[0] ?? 0;
    return this.endpoints[this.#at] ?? '';
  }

  #newClient(endpoint: string): Client {
    const tls = endpoint.startsWith('https:') ? this.#config.tls : undefined;
    return openClient(targetOf(endpoint), tls, CHANNEL_OPTIONS);
  }

  #client(endpoint: string): Client {
    let client = this.#clients.get(endpoint);
    if (client === undefined) this.#clients.set(endpoint, (client = this.#newClient(endpoint)));
    return client;
  }

  async #call<T>(service: ServiceDefinition, name: string, request: object, ms: number, again = true): Promise<T> {
    const method = methodOf(service, name) as unknown as MethodDefinition<object, T>;
    let last: EtcdError | undefined;
    for (let attempt = 0; attempt < this.#rounds * this.endpoints.length; attempt++) {
      if (attempt > 0 && attempt % this.endpoints.length === 0)
        await new Promise((resolve) => setTimeout(resolve, ROUND_PAUSE_MS));
      const endpoint = this.#endpoint(attempt === 0 ? 0 : 1);
      const client = this.#client(endpoint);
      try {
        return await callUnary(client, method, request, ms);
      } catch (error) {
        const failure = error as ServiceError;
        // A connection that was never established has transmitted nothing.
        const isRefused =
          failure.code === status.UNAVAILABLE && /No connection established|ECONNREFUSED/.test(failure.details);
        const isElsewhere = ELSEWHERE.includes(failure.code);
        last = new EtcdError(endpoint, failure, isElsewhere && !isRefused);
        // A new connection reads a renewed certificate.
        if (isElsewhere && !this.#isClosed) {
          this.#failedMs.set(endpoint, Date.now());
          this.#clients.delete(endpoint);
          client.close();
        }
        if (!isElsewhere || this.#isClosed || (!again && !isRefused)) break;
      }
    }
    throw last ?? new Error('etcd: no endpoint');
  }
}

type Method = MethodDefinition<object, object>;

function methodOf(service: ServiceDefinition, name: string): Method {
  const method = service[name] as Method | undefined;
  if (method === undefined) throw new Error(`${name}: no method of the service`);
  return method;
}
