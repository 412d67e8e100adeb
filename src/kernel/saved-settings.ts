import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { readRegularFile } from '../intent/regular-file.js';
import { replaceFile } from './replace-file.js';

const FILE = 'remembered.json';

interface Contents {
  /** SO_NETNS_COOKIE (socket(7)): a number unique to the namespace until the next boot */
  netnsCookie?: string;
  values: Record<string, string>;
}

const isContents = (read: Contents | Contents['values']): read is Contents => typeof read.values === 'object';

/**
 * Previous values of shared settings that segue changed, in /run/segue/<node>/remembered.json. A value is written before the change, so that a
 * crash in between loses nothing. Only purge needs them. The file identifies the namespace: one that was created under the same name meanwhile has
 * settings of its own.
 */
export class SavedSettings {
  readonly #directory: string;
  readonly #netnsCookie: string | undefined;
  #values: Map<string, string> | undefined;

  /** @param netnsCookie cookie of the namespace; absent if the kernel does not support it: the file's values are then used */
  constructor(directory: string, netnsCookie?: bigint) {
    this.#directory = directory;
    this.#netnsCookie = netnsCookie?.toString();
  }

  /** Discards values read before: another process may have written the file. */
  forgetRead(): void {
    this.#values = undefined;
  }

  get(key: string): string | undefined {
    return this.#load().get(key);
  }

  keys(): string[] {
    return [...this.#load().keys()];
  }

  /** Saves values of keys that have none yet: a later value of a key is segue's own. */
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

  /** Discards all values, because their namespace is gone. */
  clear(): void {
    this.#values = new Map();
    this.#save();
  }

  #load(): Map<string, string> {
    if (this.#values === undefined) {
      try {
        const text = readRegularFile(join(this.#directory, FILE)).toString();
        const contents = JSON.parse(text) as Contents | Contents['values'];
        // Version 0.1.0 wrote only the values.
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
