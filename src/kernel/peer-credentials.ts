import { libcGetsockopt } from './libc.js';

/** asm-generic/socket.h; struct ucred: pid, uid and gid, each of 32 bits. */
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const UCRED_BYTES = 12;
const UID_OFFSET = 4;

export interface PeerCredentials {
  pid: number;
  uid: number;
}

/**
 * Who is at the other end of a connected Unix socket, as it was when that connected (SO_PEERCRED, unix(7)).
 *
 * @returns undefined for a socket that is none, or whose other end is a process that this one's pid namespace does not see
 */
export function peerCredentials(fd: number): PeerCredentials | undefined {
  const value = Buffer.alloc(UCRED_BYTES);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(UCRED_BYTES);
  if (libcGetsockopt(fd, SOL_SOCKET, SO_PEERCRED, value, length) < 0) return undefined;
  // Of what is no Unix socket: pid 0, uid -1 (net/core/sock.c, cred_to_ucred).
  const pid = value.readInt32LE(0);
  return pid === 0 ? undefined : { pid, uid: value.readUInt32LE(UID_OFFSET) };
}
