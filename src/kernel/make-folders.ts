import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes a folder and those above it, one after the other: mkdir with `recursive` does not return where the file system takes none (/proc, Node.js 24).
 *
 * @param mode permission bits of those that are made
 * @throws Error of the file system, or of what is no folder
 */
export function makeFolders(directory: string, mode = 0o755): void {
  const known = statSync(directory, { throwIfNoEntry: false });
  if (known?.isDirectory() === true) return;
  if (known !== undefined) throw new Error(`${directory}: expected a folder, or none yet`);
  makeFolders(dirname(directory), mode);
  try {
    mkdirSync(directory, { mode });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
