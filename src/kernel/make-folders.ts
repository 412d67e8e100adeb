import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Creates a directory and its parents one by one: mkdir with `recursive` never returns if the file system allows no directories (/proc, Node.js
 * 24).
 *
 * @param mode permission bits of created directories
 * @throws Error of the file system, or if a path component is no directory
 */
export function makeFolders(directory: string, mode = 0o755): void {
  const known = statSync(directory, { throwIfNoEntry: false });
  if (known?.isDirectory() === true) return;
  if (known !== undefined) throw new Error(`${directory}: expected a directory, or a path that does not exist`);
  makeFolders(dirname(directory), mode);
  try {
    mkdirSync(directory, { mode });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
