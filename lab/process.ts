/** Runs programs in namespaces: until they end, or in the background until they are stopped. */
import type { ChildProcess, StdioOptions } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { runProgram, startProgram } from '../src/kernel/program.js';
import type { Ended, RunOptions } from '../src/kernel/program.js';

export type { Ended, RunOptions } from '../src/kernel/program.js';

const STOP_GRACE_MS = 5_000;
/** An emulated machine that others keep busy takes a minute to load the command. */
const RUN_TIMEOUT_MS = 300_000;
/** Interval of reading a log file, in milliseconds. */
const LOG_POLL_MS = 50;

/**
 * Runs a program in a namespace until it ends, with any exit code.
 *
 * @param netns undefined: the process's own
 * @throws ProgramError if it cannot be started
 */
export function runIn(netns: string | undefined, argv: readonly string[], options: RunOptions = {}): Promise<Ended> {
  return runProgram(netns, argv, { timeoutMs: RUN_TIMEOUT_MS, ...options });
}

/** The standard output of a successful program. @throws Error with its output if the exit code is not 0 */
export async function outputOf(
  netns: string | undefined,
  argv: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const { status, signal, stdout, stderr } = await runIn(netns, argv, options);
  if (status === 0) return stdout;
  throw new Error(
    `${argv.join(' ')}${netns === undefined ? '' : ` in ${netns}`}: ${stderr.trim() || stdout.trim() || 'no message'} ` +
      `(${signal ?? `exit code ${status ?? '?'}`})`,
  );
}

export interface StartOptions {
  env?: NodeJS.ProcessEnv;
  /** file for its output and errors, truncated first; default: they are kept in memory */
  log?: string;
  /** in a separate session, which survives the end of this process's; requires a log */
  detached?: boolean;
  /** connects `child.stdin`; default: no input */
  input?: boolean;
}

/** A program in the background. */
export class Background {
  readonly argv: readonly string[];
  readonly child: ChildProcess;
  readonly #log: string | undefined;
  readonly #ended: Promise<void>;
  readonly #watchers = new Set<() => void>();
  #output = '';
  #error: Error | undefined;
  #hasEnded = false;

  /** @throws NetnsError if the namespace does not exist */
  constructor(netns: string | undefined, argv: readonly string[], { env, log, detached, input }: StartOptions = {}) {
    this.argv = argv;
    this.#log = log;
    let end: (error?: Error) => void = () => undefined;
    this.#ended = new Promise((resolve) => {
      end = (error) => {
        this.#error = error;
        this.#hasEnded = true;
        this.#tell();
        resolve();
      };
    });
    const file = log === undefined ? undefined : openSync(log, 'w');
    try {
      const stdio: StdioOptions = [input === true ? 'pipe' : 'ignore', file ?? 'pipe', file ?? 'pipe'];
      this.child = startProgram(netns, argv, { stdio, detached: detached === true, ...(env && { env }) }, end);
    } finally {
      if (file !== undefined) closeSync(file);
    }
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text;
        this.#tell();
      });
    }
    this.child.on('close', () => {
      end();
    });
  }

  /** Its output so far, including errors, in order. */
  get output(): string {
    return this.#log === undefined ? this.#output : readFileSync(this.#log, 'utf8');
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /**
   * Resolves when its output matches.
   *
   * @throws Error with its output if it ends earlier, or does not match in time
   */
  async waitFor(pattern: RegExp, timeoutMs: number): Promise<void> {
    const name = this.argv.join(' ');
    await new Promise<void>((resolve, reject) => {
      const done = (error?: Error): void => {
        clearTimeout(timer);
        clearInterval(poll);
        this.#watchers.delete(look);
        if (error === undefined) resolve();
        else reject(error);
      };
      const look = (): void => {
        if (pattern.test(this.output)) done();
        else if (this.#hasEnded) done(this.#error ?? new Error(`${name} ended: ${this.output.trim()}`));
      };
      const timer = setTimeout(() => {
        done(
          new Error(`${name}: expected ${String(pattern)} within ${timeoutMs} ms, it printed: ${this.#output.trim()}`),
        );
      }, timeoutMs);
      const poll = this.#log === undefined ? undefined : setInterval(look, LOG_POLL_MS);
      this.#watchers.add(look);
      look();
    });
  }

  /** Ends it by a signal, or kills it after a time-out; resolves when it has ended. @param graceMs the time-out */
  async stop(signal: NodeJS.Signals = 'SIGTERM', graceMs = STOP_GRACE_MS): Promise<void> {
    if (!this.#hasEnded) {
      this.child.kill(signal);
      const killer = setTimeout(() => this.child.kill('SIGKILL'), graceMs);
      await this.#ended;
      clearTimeout(killer);
    }
  }

  /** Allows this process to end while it continues to run. */
  release(): void {
    this.child.unref();
  }

  /** Resolves when it has ended on its own. */
  async wait(): Promise<void> {
    await this.#ended;
  }

  #tell(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }
}
