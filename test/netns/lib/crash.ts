/** Workers that apply an intent and are killed while they do, and the random moments of it. */
import { fileURLToPath } from 'node:url';
import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';

const WORKER = fileURLToPath(new URL('./crash-worker.js', import.meta.url));

/** Bundled for a slow machine, this file may not lie beside the worker. */
function workerPath(): string {
  return process.env.SEGUE_CRASH_WORKER ?? WORKER;
}

export interface Killed {
  /** milliseconds from the command to the first change; undefined: killed before */
  surveyMs?: number;
  /** milliseconds from the first change to the end; undefined: killed before */
  executeMs?: number;
}

export class CrashWorker {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #marks = new Map<string, number>();
  readonly #watchers = new Set<() => void>();
  readonly #ended: Promise<void>;
  errors = '';

  /** @param file what crash-worker.js reads */
  constructor(file: string) {
    this.#child = spawn(process.execPath, [workerPath(), file], { stdio: ['pipe', 'pipe', 'pipe'] });
    let text = '';
    this.#child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
        const mark = text.slice(0, end);
        if (!this.#marks.has(mark)) this.#marks.set(mark, performance.now());
        text = text.slice(end + 1);
      }
      for (const watcher of [...this.#watchers]) watcher();
    });
    this.#child.stderr.setEncoding('utf8').on('data', (chunk: string) => (this.errors += chunk));
    // A worker that is killed may leave what was written to it unread.
    this.#child.stdin.on('error', () => undefined);
    this.#ended = new Promise((resolve) => {
      this.#child.on('close', () => {
        resolve();
        for (const watcher of [...this.#watchers]) watcher();
      });
    });
  }

  /** Resolves when the worker has said something. @throws Error with its errors when it ends before */
  async until(mark: string): Promise<void> {
    while (!this.#marks.has(mark)) {
      if (this.#child.exitCode !== null) throw new Error(`the worker ended: ${this.errors}`);
      await new Promise<void>((resolve) => {
        const watcher = (): void => {
          this.#watchers.delete(watcher);
          resolve();
        };
        this.#watchers.add(watcher);
      });
    }
  }

  /** Applies an intent and kills the worker in the middle. @param delayMs from the command, or the first change */
  async killDuring(intent: string, from: 'command' | 'executing', delayMs: number): Promise<Killed> {
    const start = performance.now();
    this.#child.stdin.write(`${intent}\n`);
    if (from === 'executing') await this.until('executing');
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    return this.kill(start);
  }

  /** Applies an intent to the end. */
  async complete(intent: string): Promise<Killed> {
    const start = performance.now();
    this.#child.stdin.write(`${intent}\n`);
    await this.until('done');
    return this.kill(start);
  }

  async kill(start = 0): Promise<Killed> {
    this.#child.kill('SIGKILL');
    await this.#ended;
    const executing = this.#marks.get('executing');
    const done = this.#marks.get('done');
    return {
      ...(executing !== undefined && { surveyMs: executing - start }),
      ...(executing !== undefined && done !== undefined && { executeMs: done - executing }),
    };
  }
}

/** Numbers from 0 to 1 that a seed decides (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
