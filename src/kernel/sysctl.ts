import { readFileSync, writeFileSync } from 'node:fs';
import { inNetns } from 'netlink-ts';

const ROOT = '/proc/sys/';

/** Sysctls of one network namespace. /proc/sys/net shows the namespace of the task that opens it, so each call goes in. */
export class Sysctls {
  readonly #netns: string | undefined;

  constructor(netns: string | undefined) {
    this.#netns = netns;
  }

  /** Values by path below /proc/sys, without the newline; what is not there is left out. One visit for all. */
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

  /** Writes in order; returns the errors by path. */
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
