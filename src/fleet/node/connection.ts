/**
 * A node's connections to its feeds: one at a time, with the next feed after a failure, and with random pauses so that a fleet does not connect all
 * at once.
 */
import { createHash } from 'node:crypto';
import { FEED, FEED_PROTOCOL } from '../rpc.js';
import { openResumingClient } from '../tls.js';
import { TlsSessions } from '../tls-sessions.js';
import { callUnary } from '../unary.js';
import type { Client, ClientReadableStream, MethodDefinition } from '@grpc/grpc-js';
import type { FollowRequest, ReportReply, ReportRequest, Update } from '../rpc.js';
import type { TlsFiles } from '../types.js';

/** A silent feed is left after this time, in milliseconds; feeds send a heartbeat every 5 s. */
const SILENT_MS = 20_000;
/**
 * Most time to wait for the first message, in milliseconds. It doubles with each failed attempt: a feed serves thousands of new nodes one after the
 * other, and nodes that leave before their turn would only add work.
 */
const MAX_FIRST_MS = 320_000;
/** A timer that is later than this was delayed by a busy process, in milliseconds. */
const LATE_MS = 2000;
/** Pause before the next attempt in milliseconds: random, below a limit that doubles. */
const RETRY_MS = 500;
const MAX_RETRY_MS = 30_000;

const CHANNEL_OPTIONS = {
  'grpc.max_receive_message_length': 16 * 1024 * 1024,
  'grpc.use_local_subchannel_pool': 1,
  'grpc.enable_retries': 0,
};

export interface ConnectionOptions {
  node: string;
  feeds: readonly string[];
  tls: TlsFiles;
  version: string;
  /** The node's position for the request. */
  has: () => Pick<FollowRequest, 'epoch' | 'sequence' | 'digest'>;
  /** Called when a stream starts: an incomplete message of an earlier stream is discarded. */
  begun: () => void;
  /** @returns why the feed must be left; undefined: it is followed further */
  update: (update: Update, feed: string) => string | undefined;
  lost: (feed: string, why: string) => void;
}

/** Time-out of a report, in milliseconds. */
const REPORT_MS = 10_000;

/** Feeds in the node's own order, which stays stable when feeds are added or removed (rendezvous hashing). */
function feedsInOrder(node: string, feeds: readonly string[]): string[] {
  const weight = (feed: string): string => createHash('sha256').update(`${node} ${feed}`).digest('hex');
  return [...feeds].sort((a, b) => (weight(a) < weight(b) ? 1 : -1));
}

/** A stream of a feed, from its request. */
interface Attempt {
  feed: string;
  client?: Client;
  /** Ends it without an event. */
  cancel: () => void;
}

interface AttemptEvents {
  /** Called with the first message. */
  begun: () => void;
  over: (why: string) => void;
}

export class FeedConnection {
  readonly sessions = new TlsSessions();
  /** Streams that started, and the time of the last start in milliseconds since 1970. */
  streams = 0;
  lastStreamMs = 0;
  readonly #options: ConnectionOptions;
  readonly #feeds: readonly string[];
  #at = 0;
  #retryMs = RETRY_MS;
  #firstMs = SILENT_MS;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;
  #current: Attempt | undefined;
  /** Replaces the current one with its first message. */
  #next: Attempt | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#feeds = feedsInOrder(options.node, options.feeds);
  }

  /** The feed that is followed or being connected. */
  get feed(): string {
    return this.#feeds[this.#at % this.#feeds.length] ?? '';
  }

  start(): void {
    const { feed } = this;
    this.#current = undefined;
    const attempt = this.#open(feed, {
      begun: () => undefined,
      over: (why) => {
        // The feed ends a stream when another one replaces it.
        if (this.#next !== undefined && this.#current === attempt) this.#current = undefined;
        else this.#lost(feed, why);
      },
    });
    this.#current = attempt;
  }

  /** Drops the connection, as if it had failed, and connects again. */
  reconnect(): void {
    if (this.#current === undefined || this.#next !== undefined || this.#isClosed) return;
    this.#current.cancel();
    this.start();
  }

  /** Connects again with the present certificate; the old connection is used until the new one's first message. */
  replace(): void {
    const { feed } = this;
    if (this.#current === undefined || this.#next !== undefined || this.#isClosed) return;
    const attempt = this.#open(feed, {
      begun: () => {
        this.#current?.cancel();
        this.#current = attempt;
        this.#next = undefined;
      },
      over: (why) => {
        const isNext = this.#next === attempt;
        if (isNext) this.#next = undefined;
        // If the old connection still exists, it remains in use.
        if (!isNext || this.#current === undefined) this.#lost(feed, why);
      },
    });
    this.#next = attempt;
  }

  /** Sends a report over the current connection. @returns time until the next report in milliseconds @throws Error of gRPC */
  async report(status: Buffer): Promise<number> {
    const client = this.#current?.client;
    if (client === undefined) throw new Error('no feed answers');
    const request: ReportRequest = { node: this.#options.node, status };
    const method = FEED.Report as unknown as MethodDefinition<object, ReportReply>;
    return (await callUnary(client, method, request, REPORT_MS)).next_ms;
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#current?.cancel();
    this.#next?.cancel();
  }

  #lost(feed: string, why: string): void {
    if (this.#isClosed) return;
    this.#current = undefined;
    this.#options.lost(feed, why);
    this.#at += 1;
    this.#timer = setTimeout(() => {
      this.start();
    }, Math.random() * this.#retryMs);
    this.#retryMs = Math.min(this.#retryMs * 2, MAX_RETRY_MS);
    this.#firstMs = Math.min(this.#firstMs * 2, MAX_FIRST_MS);
  }

  #open(feed: string, { begun, over }: AttemptEvents): Attempt {
    let client: Client | undefined;
    let stream: ClientReadableStream<Update> | undefined;
    let silent: NodeJS.Timeout | undefined;
    let isOver = false;
    let hasBegun = false;
    const cancel = (): void => {
      isOver = true;
      clearTimeout(silent);
      stream?.cancel();
      client?.close();
    };
    const leave = (why: string): void => {
      if (isOver) return;
      cancel();
      over(why);
    };
    const alive = (): void => {
      clearTimeout(silent);
      const ms = hasBegun ? SILENT_MS : this.#firstMs;
      const due = performance.now() + ms;
      silent = setTimeout(() => {
        // The process was too busy to read: messages that arrived meanwhile are read first.
        if (performance.now() - due > LATE_MS) alive();
        else leave(`no message for ${ms / 1000} s`);
      }, ms);
    };
    try {
      const { node, tls, version, has } = this.#options;
      // Certificates are read for each connection: renewed ones need no restart.
      client = openResumingClient(feed, tls, this.sessions, CHANNEL_OPTIONS);
      const { path, requestSerialize, responseDeserialize } = FEED.Follow as unknown as MethodDefinition<
        object,
        Update
      >;
      const request: FollowRequest = { node, protocol: FEED_PROTOCOL, version, ...has() };
      stream = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request);
    } catch (error) {
      // Asynchronous, because the caller does not have the attempt yet.
      const { message } = error as Error;
      setImmediate(() => {
        leave(message);
      });
      return { feed, cancel };
    }
    alive();
    stream.on('data', (update: Update) => {
      if (isOver) return;
      alive();
      if (!hasBegun) {
        hasBegun = true;
        this.streams += 1;
        this.lastStreamMs = Date.now();
        this.#options.begun();
        begun();
      }
      const why = this.#options.update(update, feed);
      if (why !== undefined) leave(why);
      // The pauses are only reset by an accepted message, so that a feed whose messages are refused repeatedly is asked slowly.
      else if (!update.more) {
        this.#retryMs = RETRY_MS;
        this.#firstMs = SILENT_MS;
      }
    });
    stream.on('error', (error: Error & { details?: string }) => {
      leave(error.details ?? error.message);
    });
    stream.on('end', () => {
      leave('the feed closed the connection');
    });
    return { feed, client, cancel };
  }
}
