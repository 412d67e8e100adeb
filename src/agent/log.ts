import { writeSync } from 'node:fs';
import { pino } from 'pino';
import type { Logger } from 'pino';

export type { Logger };

export interface LogOptions {
  level: string;
  node: string;
}

/** pino's number for `warn`. */
const WARN = 40;

/**
 * Lines to a descriptor. A log that cannot be written (a full disk, a closed pipe, one that nobody reads) is no reason to end, nor to
 * wait: what could not be written is counted, and said with the first line that can be written again.
 */
export class LogStream {
  readonly #fd: number;
  readonly #node: string;
  #lost = 0;

  constructor(fd: number, node: string) {
    this.#fd = fd;
    this.#node = node;
  }

  /** Lines that could not be written since the last that was. */
  get lost(): number {
    return this.#lost;
  }

  write(line: string): void {
    if (this.#lost > 0) {
      const { node, lost } = { node: this.#node, lost: this.#lost };
      const message = {
        level: WARN,
        time: new Date().toISOString(),
        node,
        lost,
        msg: 'log lines could not be written',
      };
      if (!this.#writeWhole(`${JSON.stringify(message)}\n`)) {
        this.#lost += 1;
        return;
      }
      this.#lost = 0;
    }
    if (!this.#writeWhole(line)) this.#lost += 1;
  }

  #writeWhole(line: string): boolean {
    const bytes = Buffer.from(line);
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(this.#fd, bytes, at);
      return true;
    } catch {
      return false;
    }
  }
}

/** Structured log on standard error: standard output belongs to what commands print. */
export function createLogger({ level, node }: LogOptions): Logger {
  return pino({ level, base: { node }, timestamp: pino.stdTimeFunctions.isoTime }, new LogStream(2, node));
}
