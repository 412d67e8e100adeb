import { fstatSync, writeSync } from 'node:fs';
import { pino } from 'pino';
import type { Logger } from 'pino';

export type { Logger };

export interface LogOptions {
  level: string;
  node: string;
  /** Called with each line. */
  onLine?: (line: string) => void;
}

/** pino's number for `warn`. */
const WARN = 40;

/**
 * Writes lines to a descriptor. A failed write (a full disk, a closed pipe, a full pipe that nobody reads) neither ends nor blocks the agent: lost
 * lines are counted, and the count is written before the next line.
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

  /** Lines lost since the last successful write. */
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

/** Structured log on standard error; standard output is for the output of commands. */
export function createLogger({ level, node, onLine }: LogOptions): Logger {
  return pino({ level, base: { node }, timestamp: pino.stdTimeFunctions.isoTime }, new LogStream(2, node, onLine));
}

/** Syslog severities (sd-daemon(3)), each for pino's levels up to the given one. */
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

/** Whether a descriptor is connected to the journal, which reads a priority from a prefix such as `<3>` (systemd.exec(5), JOURNAL_STREAM). */
function isJournal(fd: number): boolean {
  try {
    const { dev, ino } = fstatSync(fd);
    return process.env.JOURNAL_STREAM === `${dev}:${ino}`;
  } catch {
    return false;
  }
}
