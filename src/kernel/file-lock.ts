/** flock(2), which Node.js does not provide. */
import { SystemCallError } from 'netlink-ts';
import { lastErrno, libcFlock } from './libc.js';

const LOCK_EX = 2;
const LOCK_NB = 4;
const EWOULDBLOCK = 11;

/**
 * Takes a file's exclusive lock unless another process has it. The lock belongs to the descriptor: closing it, or the end of the process, unlocks.
 *
 * @returns whether the lock was taken
 * @throws SystemCallError
 */
export function tryLockFile(fd: number, path: string): boolean {
  if (libcFlock(fd, LOCK_EX | LOCK_NB) === 0) return true;
  const errno = lastErrno();
  if (errno === EWOULDBLOCK) return false;
  throw new SystemCallError('flock', errno, `lock ${path}`);
}
