import { realpathSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { replaceFile } from '../kernel/replace-file.js';
import { CommandError, EXIT } from './exit.js';

/**
 * Writes the file of `--output` atomically. Devices, FIFOs and directories are refused; symbolic links are followed.
 *
 * @param makesFolders creates missing parent directories; else they are an error
 * @throws CommandError
 */
export function writeOutput(option: string, file: string, text: string, makesFolders = false): void {
  const path = placeOf(option, file, makesFolders);
  try {
    replaceFile(path, text);
  } catch (error) {
    throw new CommandError(`${option} ${file}: cannot be written: ${(error as Error).message}`);
  }
}

function placeOf(option: string, file: string, makesFolders: boolean): string {
  const refuse = (why: string): never => {
    throw new CommandError(`${option} ${file}: ${why}`, EXIT.badInput);
  };
  const known = statSync(file, { throwIfNoEntry: false });
  if (known !== undefined)
    return known.isFile() ? realpathSync(file) : refuse('expected a regular file, or a path that does not exist');
  const directory = dirname(resolve(file));
  if (!makesFolders && statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) {
    refuse(`folder ${directory}: expected an existing folder`);
  }
  return resolve(file);
}
