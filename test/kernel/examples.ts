/** Programs of the libraries' examples/ folders, run as their READMEs say: by Node.js, which takes TypeScript, in a namespace. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { onTestFinished, vi } from 'vitest';
import { inNetns } from 'netlink-ts';

/** What only a hang exceeds, milliseconds. */
const PATIENCE = { timeout: 120_000, interval: 50 };

/** Lines that a program which does not end by itself has printed. */
class RunningExample {
  readonly #child: ChildProcess;
  #text = '';
  #errors = '';

  constructor(child: ChildProcess) {
    this.#child = child;
    child.stdout?.on('data', (chunk: Buffer) => (this.#text += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (this.#errors += chunk.toString()));
  }

  get lines(): string[] {
    return this.#text.split('\n').slice(0, -1);
  }

  /** Waits for a line. */
  async printed(line: string): Promise<void> {
    await vi.waitFor(() => {
      if (!this.lines.includes(line)) throw new Error(`no "${line}" in ${this.#text}${this.#errors}`);
    }, PATIENCE);
  }

  /** Interrupts it. @returns its exit code */
  async end(): Promise<number | null> {
    const ended = new Promise<number | null>((resolve) => this.#child.once('close', resolve));
    this.#child.kill('SIGINT');
    return ended;
  }
}

export class Examples {
  readonly #directory: string;

  /** @param directory where the programs are, and their library is found */
  constructor(directory: string) {
    this.#directory = directory;
  }

  get names(): string[] {
    return readdirSync(this.#directory).filter((name) => name.endsWith('.ts'));
  }

  /** @returns what it printed, by lines @throws Error with its words where it fails */
  run(netns: string, name: string, ...words: string[]): string[] {
    const { status, stdout, stderr } = inNetns(netns, () =>
      spawnSync('node', [name, ...words], { cwd: this.#directory, encoding: 'utf8' }),
    );
    if (status !== 0) throw new Error(`${name} ended with ${status}: ${stderr}`);
    return stdout.split('\n').slice(0, -1);
  }

  start(netns: string, name: string, ...words: string[]): RunningExample {
    const child = inNetns(netns, () =>
      spawn('node', [name, ...words], { cwd: this.#directory, stdio: ['ignore', 'pipe', 'pipe'] }),
    );
    onTestFinished(() => {
      child.kill('SIGKILL');
    });
    return new RunningExample(child);
  }
}
