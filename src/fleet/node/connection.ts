/** A node's connections to its feeds: one at a time, the next one where it fails, with pauses that keep a fleet from coming all at once. */
import { createHash } from 'node:crypto';
import { FEED, FEED_PROTOCOL } from '../rpc.js';
import { openClient } from '../tls.js';
import { callUnary } from '../unary.js';
import type { Client, ClientReadableStream, MethodDefinition } from '@grpc/grpc-js';
import type { FollowRequest, ReportReply, ReportRequest, Update } from '../rpc.js';
import type { TlsFiles } from '../types.js';

/** A feed that says nothing for so long is left, milliseconds; it says something every 5 s. */
const SILENT_MS = 20_000;
/**
 * The first message is waited for twice as long with each attempt that failed, up to this, milliseconds: a feed that thousands of nodes come to at
 * once serves them one after the other, and those that left before their turn would only be more work for it.
 */
const MAX_FIRST_MS = 320_000;
/** A timer that is later than this was held up with all else of the process, milliseconds. */
const LATE_MS = 2000;
/** Pauses before the next attempt: a random part of the most, which doubles, milliseconds. */
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
  /** What the node has when it asks. */
  has: () => Pick<FollowRequest, 'epoch' | 'sequence' | 'digest'>;
  /** A stream begins: of a message that another one did not complete, nothing counts. */
  begun: () => void;
  /** @returns why the feed is left; undefined: it is followed on */
  update: (update: Update, feed: string) => string | undefined;
  lost: (feed: string, why: string) => void;
}

/** How long a feed may take over a report, milliseconds. */
const REPORT_MS = 10_000;

/** Feeds in the order in which a node asks them: each node its own, which stays the same when a feed comes or goes (rendezvous hashing). */
function feedsInOrder(node: string, feeds: readonly string[]): string[] {
  const weight = (feed: string): string => createHash('sha256').update(`${node} ${feed}`).digest('hex');
  return [...feeds].sort((a, b) => (weight(a) < weight(b) ? 1 : -1));
}

/** One stream of a feed, from the request on. */
interface Attempt {
  feed: string;
  client?: Client;
  /** Ends it without an event. */
  cancel: () => void;
}

interface AttemptEvents {
  /** The first message has come. */
  begun: () => void;
  over: (why: string) => void;
}

export class FeedConnection {
  readonly #options: ConnectionOptions;
  readonly #feeds: readonly string[];
  #at = 0;
  #retryMs = RETRY_MS;
  #firstMs = SILENT_MS;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;
  #current: Attempt | undefined;
  /** Takes the place of the current one with its first message. */
  #next: Attempt | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#feeds = feedsInOrder(options.node, options.feeds);
  }

  /** The feed that is followed, or asked. */
  get feed(): string {
    return this.#feeds[this.#at % this.#feeds.length] ?? '';
  }

  start(): void {
    const { feed } = this;
    this.#current = undefined;
    const attempt = this.#open(feed, {
      begun: () => undefined,
      over: (why) => {
        // The feed ends the stream that another one replaces.
        if (this.#next !== undefined && this.#current === attempt) this.#current = undefined;
        else this.#lost(feed, why);
      },
    });
    this.#current = attempt;
  }

  /** Connects anew, with the certificate that is there now; what there is goes on until the first message comes. */
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
        // Where the old one is still there, it is gone on with.
        if (!isNext || this.#current === undefined) this.#lost(feed, why);
      },
    });
    this.#next = attempt;
  }

  /** Over the connection that there is. @returns when the next report is expected, milliseconds @throws Error of gRPC */
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
        // This process did not get to listen: what came meanwhile is read first.
        if (performance.now() - due > LATE_MS) alive();
        else leave(`nothing was heard for ${ms / 1000} s`);
      }, ms);
    };
    try {
      const { node, tls, version, has } = this.#options;
      // Certificates are read for each connection: renewed ones need no restart.
      client = openClient(feed, tls, CHANNEL_OPTIONS);
      const { path, requestSerialize, responseDeserialize } = FEED.Follow as unknown as MethodDefinition<
        object,
        Update
      >;
      const request: FollowRequest = { node, protocol: FEED_PROTOCOL, version, ...has() };
      stream = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request);
    } catch (error) {
      // Its caller does not have it yet.
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
        this.#options.begun();
        begun();
      }
      const why = this.#options.update(update, feed);
      if (why !== undefined) leave(why);
      // A feed that is refused time and again is not asked in a hurry.
      else if (!update.more) {
        this.#retryMs = RETRY_MS;
        this.#firstMs = SILENT_MS;
      }
    });
    stream.on('error', (error: Error & { details?: string }) => {
      leave(error.details ?? error.message);
    });
    stream.on('end', () => {
      leave('the feed ended');
    });
    return { feed, client, cancel };
  }
}
