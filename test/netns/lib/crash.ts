/** Workers that apply an intent and are killed while they do, and the random moments of it. */
import { fileURLToPath } from 'node:url';
import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';

const WORKER = fileURLToPath(new URL('./crash-worker.js', import.meta.url));

export interface Finished {
  /** netlink requests, sysctls and nft transactions */
  things: number;
  /** from the command to the end */
  ms: number;
}

export class CrashWorker {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #lines: string[] = [];
  readonly #watchers = new Set<() => void>();
  readonly #ended: Promise<void>;
  errors = '';

  /** @param file what crash-worker.js reads */
  constructor(file: string) {
    this.#child = spawn(process.execPath, [WORKER, file], { stdio: ['pipe', 'pipe', 'pipe'] });
    let text = '';
    this.#child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (text + chunk).split('\n');
      text = lines.pop() ?? '';
      this.#lines.push(...lines);
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

  /** The line that begins with a word, when the worker has said it. @throws Error with its errors when it ends before */
  async until(word: string): Promise<string> {
    for (;;) {
      const line = this.#lines.find((one) => one.split(' ')[0] === word);
      if (line !== undefined) return line;
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
        throw new Error(`the worker ended: ${this.errors}`);
      }
      await new Promise<void>((resolve) => {
        const watcher = (): void => {
          this.#watchers.delete(watcher);
          resolve();
        };
        this.#watchers.add(watcher);
      });
    }
  }

  /** Applies an intent to the end. */
  async complete(intent: string): Promise<Finished> {
    const start = performance.now();
    this.#child.stdin.write(`${intent} 0\n`);
    const things = Number((await this.until('done')).split(' ')[1]);
    const ms = performance.now() - start;
    await this.kill();
    return { things, ms };
  }

  /** Applies an intent; the worker dies by SIGKILL once so many things were done to the kernel, or ends well before. @throws Error otherwise */
  async dieAfter(intent: string, things: number): Promise<void> {
    this.#child.stdin.write(`${intent} ${things}\n`);
    await this.#ended;
    if (this.#child.signalCode !== 'SIGKILL' && this.#child.exitCode !== 0)
      throw new Error(`the worker ended: ${this.errors}`);
  }

  /** Applies an intent and kills the worker when its time is up, wherever it is then. */
  async killAfter(intent: string, ms: number): Promise<void> {
    this.#child.stdin.write(`${intent} 0\n`);
    await new Promise((resolve) => setTimeout(resolve, ms));
    await this.kill();
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
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
