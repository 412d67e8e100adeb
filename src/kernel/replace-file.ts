import { chmodSync, chownSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { makeFolders } from './make-folders.js';

/**
 * Replaces a file atomically: writes a new one and renames it, so that readers see either the old or the new contents. Creates missing parent
 * directories.
 *
 * @param mode permission bits
 * @param options ignoresUmask: set all bits of `mode`; group: its number, default the process's
 * @throws Error of the file system; the old file is then unchanged
 */
export function replaceFile(
  path: string,
  text: string,
  mode = 0o644,
  { ignoresUmask = false, group }: { ignoresUmask?: boolean; group?: number | undefined } = {},
): void {
  const made = `${path}.new`;
  makeFolders(dirname(path));
  // Removes whatever is at this path, such as a symbolic link, rather than writing to it.
  rmSync(made, { force: true });
  try {
    writeFileSync(made, text, { mode, flag: 'wx' });
    if (group !== undefined) chownSync(made, statSync(made).uid, group);
    if (ignoresUmask) chmodSync(made, mode);
    renameSync(made, path);
  } catch (error) {
    rmSync(made, { force: true });
    throw error;
  }
}
