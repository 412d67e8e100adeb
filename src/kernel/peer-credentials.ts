import { libcGetsockopt } from './libc.js';

/** asm-generic/socket.h; struct ucred: pid, uid and gid, 32 bits each. */
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const UCRED_BYTES = 12;
const UID_OFFSET = 4;

export interface PeerCredentials {
  pid: number;
  uid: number;
}

/**
 * Credentials of the peer of a connected Unix socket at the time of its connect (SO_PEERCRED, unix(7)).
 *
 * @returns undefined if the descriptor is no Unix socket, or the peer is not visible in this process's pid namespace
 */
export function peerCredentials(fd: number): PeerCredentials | undefined {
  const value = Buffer.alloc(UCRED_BYTES);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(UCRED_BYTES);
  if (libcGetsockopt(fd, SOL_SOCKET, SO_PEERCRED, value, length) < 0) return undefined;
  // For other sockets: pid 0, uid -1 (net/core/sock.c, cred_to_ucred).
  const pid = value.readInt32LE(0);
  return pid === 0 ? undefined : { pid, uid: value.readUInt32LE(UID_OFFSET) };
}
