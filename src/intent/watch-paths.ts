/** Determines the directories to watch for all possible changes of a file. */
import { readlinkSync, statSync } from 'node:fs';
import { dirname, parse, resolve, sep } from 'node:path';
import { MAX_SYMLINKS } from './bounds.js';

/** The target of a symbolic link; undefined if the path is none. */
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
 * The directories whose entries determine the path's target: the file's own, and for each symbolic link on the way (Kubernetes uses two) the
 * directory that contains it. The file itself is never watched: editors replace it by a rename, and the watch would stay with the old file. If the
 * path does not exist yet: the innermost existing directory.
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
