/** Reports the node's status to the feed: regularly, at times that differ among nodes, and sooner after problems. */
import { status as grpcStatus } from '@grpc/grpc-js';

/** The first report is sent within this time after connecting, because thousands of nodes connect at once after a feed has failed. */
const FIRST_MS = 10_000;
/** Interval of reports until the feed sets one. */
const DEFAULT_MS = 30_000;
/** Random variation of the interval. */
const JITTER = 0.1;
/** Shortest time between two reports. */
const LEAST_MS = 2000;

export interface ReporterOptions {
  /** @returns the report, JSON */
  status: () => Buffer;
  /** @returns time until the next report in milliseconds */
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

  /** A feed has answered. */
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

  /** Requests a report before the interval is over. */
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
      // Feeds of earlier versions accept no reports. After any other failure the next report contains the same and more.
      if ((error as { code?: number }).code === grpcStatus.UNIMPLEMENTED) return;
    }
    if (this.#isConnected) this.#schedule(this.#everyMs * (1 - JITTER + 2 * JITTER * Math.random()));
  }
}
