import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { makeFolders } from './make-folders.js';

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
