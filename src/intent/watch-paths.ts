/** Which directories must be watched to hear of every way in which a file can change. */
import { readlinkSync, statSync } from 'node:fs';
import { dirname, parse, resolve, sep } from 'node:path';
import { MAX_SYMLINKS } from './bounds.js';

/** What a symbolic link holds, undefined when the path is none (any more). */
function linkAt(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/**
 * The directories in which an entry decides what the path leads to: the one the file is in, and for every symbolic link
 * on the way (Kubernetes puts two there) the one that holds the link. A file is never watched itself: editors replace
 * it by renaming another over it, and the watch would stay with the old one. Where the path does not exist yet it is the
 * innermost directory that does.
 */
export function watchedDirectories(file: string): Set<string> {
  const directories = new Set<string>();
  let links = 0;
  const root = parse(resolve(file)).root;
  let pending = resolve(file).slice(root.length).split(sep);
  let at = root;
  while (pending.length > 0) {
    const [name = '', ...rest] = pending;
    const next = resolve(at, name);
    const link = linkAt(next);
    if (link !== undefined) {
      directories.add(at);
      if (++links > MAX_SYMLINKS) return directories;
      const target = resolve(at, link);
      pending = [...target.slice(root.length).split(sep), ...rest].filter((part) => part !== '');
      at = root;
      continue;
    }
    if (rest.length === 0 || !isDirectory(next)) {
      directories.add(at);
      return directories;
    }
    at = next;
    pending = rest;
  }
  directories.add(dirname(at));
  return directories;
}
