/** flock(2), which Node.js lacks. */
import { SystemCallError } from 'netlink-ts';
import { lastErrno, libcFlock } from './libc.js';

const LOCK_EX = 2;
const LOCK_NB = 4;
const EWOULDBLOCK = 11;

/**
 * Takes a file's exclusive lock if nobody has it. It goes with the descriptor: closing it, or dying, lets go.
 *
 * @returns whether it is ours now
 * @throws SystemCallError
 */
export function tryLockFile(fd: number, path: string): boolean {
  if (libcFlock(fd, LOCK_EX | LOCK_NB) === 0) return true;
  const errno = lastErrno();
  if (errno === EWOULDBLOCK) return false;
  throw new SystemCallError('flock', errno, `lock ${path}`);
}
