import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';

/**
 * Reads a file that somebody names: certificates, keys, caches. Opening a FIFO or a device may block for good, so it is opened without waiting, and
 * what is no regular file is refused.
 *
 * @throws Error that names the path
 */
export function readRegularFile(path: string): Buffer {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!fstatSync(fd).isFile()) throw new Error(`${path}: expected a regular file`);
    return readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}
