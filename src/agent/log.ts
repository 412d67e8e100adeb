import { fstatSync, writeSync } from 'node:fs';
import { pino } from 'pino';
import type { Logger } from 'pino';

export type { Logger };

export interface LogOptions {
  level: string;
  node: string;
  /** Told of each line. */
  onLine?: (line: string) => void;
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
  readonly #isJournal: boolean;
  readonly #onLine: (line: string) => void;
  #lost = 0;

  constructor(fd: number, node: string, onLine: (line: string) => void = () => undefined) {
    this.#fd = fd;
    this.#node = node;
    this.#isJournal = isJournal(fd);
    this.#onLine = onLine;
  }

  /** Lines that could not be written since the last that was. */
  get lost(): number {
    return this.#lost;
  }

  write(line: string): void {
    this.#onLine(line);
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
    const bytes = Buffer.from(this.#isJournal ? `<${priorityOf(line)}>${line}` : line);
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(this.#fd, bytes, at);
      return true;
    } catch {
      return false;
    }
  }
}

/** Structured log on standard error: standard output belongs to what commands print. */
export function createLogger({ level, node, onLine }: LogOptions): Logger {
  return pino({ level, base: { node }, timestamp: pino.stdTimeFunctions.isoTime }, new LogStream(2, node, onLine));
}

/** Syslog's severities (sd-daemon(3)) from pino's levels up to these. */
const PRIORITIES: readonly [level: number, priority: number][] = [
  [20, 7],
  [30, 6],
  [40, 4],
  [50, 3],
];
const CRITICAL = 2;

function priorityOf(line: string): number {
  const level = Number(/^\{"level":([0-9]+)/.exec(line)?.[1] ?? 0);
  return PRIORITIES.find(([most]) => level <= most)?.[1] ?? CRITICAL;
}

/** Whether a descriptor is the journal's, which takes `<3>` before a line for its priority (systemd.exec(5), JOURNAL_STREAM). */
function isJournal(fd: number): boolean {
  try {
    const { dev, ino } = fstatSync(fd);
    return process.env.JOURNAL_STREAM === `${dev}:${ino}`;
  } catch {
    return false;
  }
}
