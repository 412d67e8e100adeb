import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFile } from './replace-file.js';

const FILE = 'remembered.json';

interface Contents {
  /** SO_NETNS_COOKIE (socket(7)): a number that no other namespace has until the machine starts again */
  netnsCookie?: string;
  values: Record<string, string>;
}

const isContents = (read: Contents | Contents['values']): read is Contents => typeof read.values === 'object';

/**
 * How shared settings were before segue changed them, in /run/segue/<node>/remembered.json: written before the change,
 * so that a crash in between forgets nothing. Only purge needs them.
 * The file says whose settings they were: a network namespace that was made anew under its old name while nobody looked
 * has settings of its own.
 */
export class SavedSettings {
  readonly #directory: string;
  readonly #netnsCookie: string | undefined;
  #values: Map<string, string> | undefined;

  /** @param netnsCookie of the namespace; absent where the kernel tells none: what is in the file counts */
  constructor(directory: string, netnsCookie?: bigint) {
    this.#directory = directory;
    this.#netnsCookie = netnsCookie?.toString();
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

  /** The namespace whose settings these were is gone. */
  clear(): void {
    this.#values = new Map();
    this.#save();
  }

  #load(): Map<string, string> {
    if (this.#values === undefined) {
      try {
        const text = readFileSync(join(this.#directory, FILE), 'utf8');
        const contents = JSON.parse(text) as Contents | Contents['values'];
        // Version 0.1.0 wrote the values alone.
        const { netnsCookie, values } = isContents(contents) ? contents : { values: contents };
        const theirs =
          netnsCookie !== undefined && this.#netnsCookie !== undefined && netnsCookie !== this.#netnsCookie;
        this.#values = new Map(theirs ? [] : Object.entries(values));
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
    const contents: Contents = {
      ...(this.#netnsCookie !== undefined && { netnsCookie: this.#netnsCookie }),
      values: Object.fromEntries(values),
    };
    replaceFile(path, JSON.stringify(contents, undefined, 1) + '\n');
  }
}
