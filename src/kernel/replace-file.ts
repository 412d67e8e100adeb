import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Writes a file beside the one that has its name, which it then replaces: readers find the one or the other, whole. Folders above it are made.
 *
 * @param mode permission bits
 * @throws Error of the file system; the file is as it was
 */
export function replaceFile(path: string, text: string, mode = 0o644): void {
  const made = `${path}.new`;
  makeFolders(dirname(path));
  // Not into what somebody put there, a link for one: the file is made.
  rmSync(made, { force: true });
  try {
    writeFileSync(made, text, { mode, flag: 'wx' });
    renameSync(made, path);
  } catch (error) {
    rmSync(made, { force: true });
    throw error;
  }
}

/** One after the other: mkdir with `recursive` does not return where the file system takes none (/proc, Node.js 24). */
function makeFolders(directory: string): void {
  if (existsSync(directory)) return;
  makeFolders(dirname(directory));
  try {
    mkdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
