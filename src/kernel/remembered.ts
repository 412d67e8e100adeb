import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FILE = 'remembered.json';

/**
 * How shared settings were before segue changed them, in /run/segue/<node>/remembered.json: written before the change,
 * so that a crash in between forgets nothing. This is no state of segue's own: without it, all but purge works the same.
 */
export class Remembered {
  readonly #directory: string;
  #values: Map<string, string> | undefined;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Another process may have written meanwhile: what was read counts no more. */
  forgetRead(): void {
    this.#values = undefined;
  }

  get(key: string): string | undefined {
    return this.#load().get(key);
  }

  keys(): string[] {
    return [...this.#load().keys()];
  }

  /** Keeps the first value it is given for a key: later ones are segue's own. */
  remember(values: Iterable<readonly [key: string, value: string]>): void {
    const known = this.#load();
    let changed = false;
    for (const [key, value] of values) {
      if (known.has(key)) continue;
      known.set(key, value);
      changed = true;
    }
    if (changed) this.#save();
  }

  forget(keys: Iterable<string>): void {
    const known = this.#load();
    let changed = false;
    for (const key of keys) {
      changed = known.delete(key) || changed;
    }
    if (changed) this.#save();
  }

  #load(): Map<string, string> {
    if (this.#values === undefined) {
      try {
        const text = readFileSync(join(this.#directory, FILE), 'utf8');
        this.#values = new Map(Object.entries(JSON.parse(text) as Record<string, string>));
      } catch {
        this.#values = new Map();
      }
    }
    return this.#values;
  }

  #save(): void {
    const path = join(this.#directory, FILE);
    const values = this.#load();
    if (values.size === 0) {
      rmSync(path, { force: true });
      return;
    }
    mkdirSync(this.#directory, { recursive: true });
    writeFileSync(`${path}.new`, JSON.stringify(Object.fromEntries(values), undefined, 1) + '\n');
    renameSync(`${path}.new`, path);
  }
}
