/** Calls of libc that Node.js does not provide and that concern neither netlink nor eBPF. None may block. */
import koffi from 'koffi';
import { SystemCallError } from 'netlink-ts';

const libc = koffi.load(null);

type Native<A extends unknown[]> = (...args: A) => number;

function native<A extends unknown[]>(name: string, result: string, parameters: string[]): Native<A> {
  return libc.func(name, result, parameters);
}

export const libcSocket = native<[domain: number, type: number, protocol: number]>('socket', 'int', [
  'int',
  'int',
  'int',
]);
export const libcClose = native<[fd: number]>('close', 'int', ['int']);
export const libcBind = native<[fd: number, address: Buffer, length: number]>('bind', 'int', ['int', 'void *', 'uint']);
export const libcConnect = native<[fd: number, address: Buffer, length: number]>('connect', 'int', [
  'int',
  'void *',
  'uint',
]);
export const libcSend = native<[fd: number, data: Buffer, length: number, flags: number]>('send', 'intptr_t', [
  'int',
  'void *',
  'size_t',
  'int',
]);
export const libcRecv = native<[fd: number, data: Buffer, length: number, flags: number]>('recv', 'intptr_t', [
  'int',
  'void *',
  'size_t',
  'int',
]);
export const libcGetsockopt = native<[fd: number, level: number, name: number, value: Buffer, length: Buffer]>(
  'getsockopt',
  'int',
  ['int', 'int', 'int', 'void *', 'void *'],
);
export const libcSetsockopt = native<[fd: number, level: number, name: number, value: Buffer, length: number]>(
  'setsockopt',
  'int',
  ['int', 'int', 'int', 'void *', 'uint'],
);
export const libcRecvmsg = native<[fd: number, message: Buffer, flags: number]>('recvmsg', 'intptr_t', [
  'int',
  'void *',
  'int',
]);
export const libcSendmsg = native<[fd: number, message: Buffer, flags: number]>('sendmsg', 'intptr_t', [
  'int',
  'void *',
  'int',
]);
export const libcFlock = native<[fd: number, operation: number]>('flock', 'int', ['int', 'int']);
export const libcExit = native<[code: number]>('_exit', 'void', ['int']);

/** The address of bytes, for a pointer inside a struct. The caller keeps the bytes referenced while the pointer is used. */
export function addressOf(bytes: Buffer): bigint {
  return koffi.address(bytes);
}

/** The part of koffi.node.PollHandle that is used. */
export interface PollHandle {
  close(): void;
}

/**
 * Calls back whenever the descriptor is readable (uv_poll; undocumented in koffi). The callback runs outside of Node's callback scope: its exceptions
 * are lost, and promise jobs wait for the next callback from elsewhere.
 */
export function pollReadable(fd: number, callback: () => void): PollHandle {
  type Poll = (fd: number, options: { readable: boolean }, callback: () => void) => PollHandle;
  return (koffi.node.poll as unknown as Poll)(fd, { readable: true }, callback);
}

/** errno of the last failed call; must be read immediately. */
export function lastErrno(): number {
  return koffi.errno();
}

/** Returns the result of a call. @throws SystemCallError if it is negative */
export function check(result: number, syscall: string, what: string): number {
  if (result < 0) throw new SystemCallError(syscall, lastErrno(), what);
  return result;
}
