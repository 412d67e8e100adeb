/** Programs in namespaces: run to their end, or in the background until they are stopped. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { inNetns } from '../netlink/netns.js';

/** What a program left behind when it ended. */
export interface Ended {
  /** exit code; undefined when a signal ended it */
  status?: number;
  signal?: NodeJS.Signals;
  stdout: string;
  stderr: string;
  durationMs: number;
}

export interface RunOptions {
  /** then it is killed, and the result has signal SIGKILL; default RUN_TIMEOUT_MS */
  timeoutMs?: number;
  input?: string;
  env?: NodeJS.ProcessEnv;
}

/** Milliseconds. */
export const RUN_TIMEOUT_MS = 60_000;
const STOP_GRACE_MS = 5_000;
/** How often a log file is looked at, milliseconds. */
const LOG_POLL_MS = 50;

/** A program that could not be started. */
export class ProgramError extends Error {
  readonly code = 'PROGRAM';

  constructor(program: string, cause: Error) {
    super(`${program}: ${cause.message} (is it installed?)`, { cause });
    this.name = 'ProgramError';
  }
}

/**
 * Runs a program in a namespace to its end, whatever its exit code. Only the network namespace is entered: unlike with
 * `ip netns exec`, /sys stays the host's.
 *
 * @param netns undefined: this process's own
 * @throws ProgramError when it cannot be started
 */
export function runIn(netns: string | undefined, argv: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const [program = '', ...args] = argv;
  const start = performance.now();
  return new Promise((resolve, reject) => {
    const child = inNetns(netns, () =>
      spawn(program, args, {
        stdio: ['pipe', 'pipe', 'pipe'],
        timeout: options.timeoutMs ?? RUN_TIMEOUT_MS,
        killSignal: 'SIGKILL',
        ...(options.env && { env: options.env }),
      }),
    );
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('error', (error) => {
      reject(new ProgramError(program, error));
    });
    child.on('close', (status, signal) => {
      const durationMs = performance.now() - start;
      resolve({ ...(status !== null && { status }), ...(signal && { signal }), stdout, stderr, durationMs });
    });
    // A program that does not read its input is no failure of ours.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
  });
}

/** The standard output of a program that must succeed. @throws Error with its words when its exit code is not 0 */
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
  /** file that gets its output and errors, emptied first; else they are kept in memory */
  log?: string;
  /** in a session of its own: what ends this process's does not end it; needs a log */
  detached?: boolean;
  /** it reads what is written to `child.stdin`; default: it has no input */
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

  /** @throws NetnsError when the namespace is absent */
  constructor(netns: string | undefined, argv: readonly string[], { env, log, detached, input }: StartOptions = {}) {
    const [program = '', ...args] = argv;
    this.argv = argv;
    this.#log = log;
    const file = log === undefined ? undefined : openSync(log, 'w');
    try {
      this.child = inNetns(netns, () =>
        spawn(program, args, {
          stdio: [input === true ? 'pipe' : 'ignore', file ?? 'pipe', file ?? 'pipe'],
          detached: detached === true,
          ...(env && { env }),
        }),
      );
    } finally {
      if (file !== undefined) closeSync(file);
    }
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text;
        this.#tell();
      });
    }
    this.#ended = new Promise((resolve) => {
      const end = (error?: Error): void => {
        this.#error = error;
        this.#hasEnded = true;
        this.#tell();
        resolve();
      };
      this.child.on('error', (error) => {
        end(new ProgramError(program, error));
      });
      this.child.on('close', () => {
        end();
      });
    });
  }

  /** What it printed so far, output and errors as they came. */
  get output(): string {
    return this.#log === undefined ? this.#output : readFileSync(this.#log, 'utf8');
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /**
   * Resolves when it has printed something that matches.
   *
   * @throws Error when it ends before, or does not in time; with what it printed
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

  /** Asks it to end, and kills it when it does not; resolves when it is gone. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (!this.#hasEnded) {
      this.child.kill(signal);
      const killer = setTimeout(() => this.child.kill('SIGKILL'), STOP_GRACE_MS);
      await this.#ended;
      clearTimeout(killer);
    }
  }

  /** Lets this process end while it runs on. */
  release(): void {
    this.child.unref();
  }

  /** Resolves when it has ended by itself. */
  async wait(): Promise<void> {
    await this.#ended;
  }

  #tell(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }
}
