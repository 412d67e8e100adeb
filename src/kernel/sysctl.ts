import { readFileSync, writeFileSync } from 'node:fs';
import { inNetns } from 'netlink-ts';

const ROOT = '/proc/sys/';

/** Sysctls of one network namespace. /proc/sys/net shows the namespace of the thread that opens a file, so each call enters it. */
export class Sysctls {
  readonly #netns: string | undefined;

  constructor(netns: string | undefined) {
    this.#netns = netns;
  }

  /** Reads values by their paths below /proc/sys, without the newline; missing files are omitted. Enters the namespace once. */
  readAll(paths: Iterable<string>): Map<string, string> {
    return inNetns(this.#netns, () => {
      const values = new Map<string, string>();
      for (const path of paths) {
        const value = readOne(path);
        if (value !== undefined) values.set(path, value);
      }
      return values;
    });
  }

  read(path: string): string | undefined {
    return this.readAll([path]).get(path);
  }

  /** Writes values in order; returns errors by path. */
  writeAll(values: Iterable<readonly [path: string, value: string]>): Map<string, Error> {
    return inNetns(this.#netns, () => {
      const errors = new Map<string, Error>();
      for (const [path, value] of values) {
        try {
          writeFileSync(ROOT + path, value);
        } catch (error) {
          errors.set(path, error as Error);
        }
      }
      return errors;
    });
  }
}

function readOne(path: string): string | undefined {
  try {
    return readFileSync(ROOT + path, 'utf8').trim();
  } catch {
    return undefined;
  }
}
