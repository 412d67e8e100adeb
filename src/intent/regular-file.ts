import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';

/**
 * Reads a file by its name: certificates, keys, caches. Opening a FIFO or a device may block forever, so it is opened with O_NONBLOCK, and anything
 * but a regular file is refused.
 *
 * @throws Error that contains the path
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
