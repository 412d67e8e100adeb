/**
 * libc through koffi. Every argument that repeats is a number or a Buffer: objects as structs cost forty times as much.
 * All calls are synchronous and none may block (sockets are used with MSG_DONTWAIT).
 */
import koffi from 'koffi';
import { SystemCallError } from './error.js';

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
export const libcGetsockname = native<[fd: number, address: Buffer, length: Buffer]>('getsockname', 'int', [
  'int',
  'void *',
  'void *',
]);
export const libcSetsockopt = native<[fd: number, level: number, name: number, value: Buffer, length: number]>(
  'setsockopt',
  'int',
  ['int', 'int', 'int', 'void *', 'uint'],
);
export const libcGetsockopt = native<[fd: number, level: number, name: number, value: Buffer, length: Buffer]>(
  'getsockopt',
  'int',
  ['int', 'int', 'int', 'void *', 'void *'],
);
export const libcSend = native<[fd: number, data: Buffer, length: number, flags: number]>('send', 'intptr_t', [
  'int',
  'void *',
  'size_t',
  'int',
]);
export const libcRecvfrom = native<
  [fd: number, data: Buffer, length: number, flags: number, address: Buffer, addressLength: Buffer]
>('recvfrom', 'intptr_t', ['int', 'void *', 'size_t', 'int', 'void *', 'void *']);
export const libcSetns = native<[fd: number, type: number]>('setns', 'int', ['int', 'int']);

export const libcUnshare = native<[flags: number]>('unshare', 'int', ['int']);
export const libcMount = native<[source: string, target: string, type: string | null, flags: number, data: null]>(
  'mount',
  'int',
  ['str', 'str', 'str', 'ulong', 'void *'],
);
export const libcUmount2 = native<[target: string, flags: number]>('umount2', 'int', ['str', 'int']);

/** errno of the last call that failed; ask at once. */
export function lastErrno(): number {
  return koffi.errno();
}

/** The result of a call, or SystemCallError when it is negative. */
export function check(result: number, syscall: string, what: string): number {
  if (result < 0) throw new SystemCallError(syscall, lastErrno(), what);
  return result;
}

/** The part of koffi.node.PollHandle that is used. */
export interface PollHandle {
  start(options: { readable: boolean }, callback: (status: number) => void): void;
  stop(): void;
  close(): void;
  ref(): void;
  unref(): void;
}

/**
 * Calls back whenever the descriptor is readable (uv_poll). Undocumented in koffi, read in its uv.cc:
 * the callback really gets (status, events); it runs outside of Node's callback scope, so exceptions vanish and
 * promise jobs wait for the next callback from elsewhere; on POLLERR libuv reports a negative status and stops polling.
 * The handle must be kept referenced.
 */
export function pollReadable(fd: number, callback: (status: number) => void): PollHandle {
  type Poll = (fd: number, options: { readable: boolean }, callback: (status: number) => void) => PollHandle;
  const poll = koffi.node.poll as unknown as Poll;
  return poll(fd, { readable: true }, callback);
}
