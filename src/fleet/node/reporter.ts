/** Tells the feed how the node is: now and then, each node at a moment of its own, sooner when something is wrong. */
import { status as grpcStatus } from '@grpc/grpc-js';

/** The first report after a connection comes within this time: after a feed's death thousands of nodes come at once. */
const FIRST_MS = 10_000;
/** Between reports while the feed does not say. */
const DEFAULT_MS = 30_000;
/** The interval varies by this share. */
const JITTER = 0.1;
/** The least between one report and the next. */
const LEAST_MS = 2000;

export interface ReporterOptions {
  /** @returns the report, JSON */
  status: () => Buffer;
  /** @returns when the next one is expected, milliseconds */
  send: (status: Buffer) => Promise<number>;
}

export class Reporter {
  readonly #options: ReporterOptions;
  #timer: NodeJS.Timeout | undefined;
  #everyMs = DEFAULT_MS;
  #lastMs = 0;
  #dueMs = 0;
  #isConnected = false;

  constructor(options: ReporterOptions) {
    this.#options = options;
  }

  /** A feed answers. */
  connected(): void {
    if (this.#isConnected) return;
    this.#isConnected = true;
    this.#schedule(Math.random() * Math.min(FIRST_MS, this.#everyMs));
  }

  disconnected(): void {
    this.#isConnected = false;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Something is to be known before the interval is over. */
  soon(): void {
    if (!this.#isConnected || this.#timer === undefined) return;
    const ms = Math.max(LEAST_MS - (Date.now() - this.#lastMs), 0) + Math.random() * LEAST_MS;
    if (Date.now() + ms < this.#dueMs) this.#schedule(ms);
  }

  #schedule(ms: number): void {
    clearTimeout(this.#timer);
    this.#dueMs = Date.now() + ms;
    this.#timer = setTimeout(() => void this.#report(), ms);
    this.#timer.unref();
  }

  async #report(): Promise<void> {
    this.#timer = undefined;
    this.#lastMs = Date.now();
    try {
      this.#everyMs = Math.max(await this.#options.send(this.#options.status()), LEAST_MS / 2);
    } catch (error) {
      // A feed of an earlier version takes none. Whatever else it was: the next report says the same, and more.
      if ((error as { code?: number }).code === grpcStatus.UNIMPLEMENTED) return;
    }
    if (this.#isConnected) this.#schedule(this.#everyMs * (1 - JITTER + 2 * JITTER * Math.random()));
  }
}
