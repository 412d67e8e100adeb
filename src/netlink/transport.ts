/** Opening a netlink socket, and taking datagrams from one: what requests and notifications share. */
import { NETLINK_GENERIC, NETLINK_NETFILTER, NETLINK_ROUTE } from './constants.js';
import { isNetlinkError, NetlinkError } from './error.js';
import {
  check,
  lastErrno,
  libcBind,
  libcClose,
  libcGetsockname,
  libcGetsockopt,
  libcRecvfrom,
  libcSetsockopt,
  libcSocket,
} from './ffi.js';
import { inNetns } from './netns.js';
import { MessageView } from './reader.js';

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
const SO_NETNS_COOKIE = 71;
const SOL_NETLINK = 270;
const NETLINK_ADD_MEMBERSHIP = 1;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const NETLINK_GET_STRICT_CHK = 12;
export const MSG_DONTWAIT = 0x40;
const MSG_TRUNC = 0x20;
const EAGAIN = 11;
export const ENOBUFS = 105;
const SOCKADDR_NL_BYTES = 12;

/** The kernel fills at most 32 KiB of a dump at a time, and ours is the bigger of both. */
const RECEIVE_BYTES = 128 * 1024;
const DEFAULT_RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;
const SEND_BUFFER_BYTES = 1024 * 1024;

export type NetlinkProtocol = 'route' | 'generic' | 'netfilter';

const PROTOCOLS: Record<NetlinkProtocol, number> = {
  route: NETLINK_ROUTE,
  generic: NETLINK_GENERIC,
  netfilter: NETLINK_NETFILTER,
};

export interface NetlinkSocketOptions {
  protocol: NetlinkProtocol;
  /** a name in /run/netns; absent: the calling thread's namespace */
  netns?: string | undefined;
  /** multicast groups by number (RouteGroup, NetfilterGroup) */
  groups?: readonly number[];
  /**
   * what the kernel may queue for us, in its own accounting (a small message counts for about 800 bytes); without
   * CAP_NET_ADMIN the kernel bounds it by net.core.rmem_max
   */
  receiveBufferBytes?: number;
}

function setOption(fd: number, level: number, name: number, value: number, what: string): void {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32LE(value);
  check(libcSetsockopt(fd, level, name, buffer, 4), 'setsockopt', what);
}

/** A buffer beyond the machine's bound (…FORCE: CAP_NET_ADMIN, in the user namespace of the machine), else up to it. */
function setBuffer(fd: number, forced: number, bounded: number, bytes: number, what: string): void {
  try {
    setOption(fd, SOL_SOCKET, forced, bytes, what);
  } catch (error) {
    if (!isNetlinkError(error, 'EPERM')) throw error;
    setOption(fd, SOL_SOCKET, bounded, bytes, what);
  }
}

/** The number of a socket's network namespace (SO_NETNS_COOKIE, Linux 5.14), which no other has until the machine starts again; undefined where there is none. */
export function netnsCookie(fd: number): bigint | undefined {
  const value = Buffer.alloc(8);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(value.length);
  return libcGetsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, value, length) < 0 ? undefined : value.readBigUInt64LE();
}

/** Opens and binds a socket with the options every netlink socket of ours has; gives descriptor and port id. */
export function openNetlink(options: NetlinkSocketOptions): { fd: number; portId: number } {
  const { protocol, netns } = options;
  const what = `netlink ${protocol} socket${netns === undefined ? '' : ` in network namespace ${netns}`}`;
  const type = SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC;
  const fd = inNetns(netns, () => check(libcSocket(AF_NETLINK, type, PROTOCOLS[protocol]), 'socket', what));
  try {
    setBuffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, options.receiveBufferBytes ?? DEFAULT_RECEIVE_BUFFER_BYTES, what);
    setBuffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, SEND_BUFFER_BYTES, what);
    setOption(fd, SOL_NETLINK, NETLINK_CAP_ACK, 1, what);
    setOption(fd, SOL_NETLINK, NETLINK_EXT_ACK, 1, what);
    // nfnetlink and generic netlink ignore it; in rtnetlink it makes dump filters real.
    setOption(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1, what);
    const address = Buffer.alloc(SOCKADDR_NL_BYTES);
    address.writeUInt16LE(AF_NETLINK);
    check(libcBind(fd, address, SOCKADDR_NL_BYTES), 'bind', what);
    // nl_groups in the address reaches 32 groups; this reaches all.
    for (const group of options.groups ?? []) setOption(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group, what);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(SOCKADDR_NL_BYTES);
    check(libcGetsockname(fd, address, length), 'getsockname', what);
    return { fd, portId: address.readUInt32LE(4) };
  } catch (error) {
    libcClose(fd);
    throw error;
  }
}

/** Receives datagrams from the kernel, one buffer for all. */
export class NetlinkReceiver {
  readonly view: MessageView;
  readonly #fd: number;
  readonly #buffer = Buffer.alloc(RECEIVE_BYTES);
  readonly #address = Buffer.alloc(SOCKADDR_NL_BYTES);
  readonly #addressLength = Buffer.alloc(4);

  constructor(fd: number) {
    this.#fd = fd;
    this.view = new MessageView(this.#buffer);
  }

  /**
   * Takes one datagram from the kernel into the buffer; those of other processes are thrown away.
   * @returns its length in bytes, 0 when there is none, −errno when reading failed
   * @throws NetlinkError NETLINK_PROTOCOL when it is longer than any the kernel sends
   */
  receive(): number {
    const flags = MSG_DONTWAIT | MSG_TRUNC;
    for (;;) {
      this.#addressLength.writeUInt32LE(SOCKADDR_NL_BYTES);
      const length = libcRecvfrom(this.#fd, this.#buffer, RECEIVE_BYTES, flags, this.#address, this.#addressLength);
      if (length < 0) {
        const errno = lastErrno();
        return errno === EAGAIN ? 0 : -errno;
      }
      // Only the kernel has port 0.
      if (this.#address.readUInt32LE(4) !== 0) continue;
      if (length <= RECEIVE_BYTES) return length;
      throw new NetlinkError({
        operation: 'netlink receive',
        errno: 0,
        code: 'NETLINK_PROTOCOL',
        kernelMessage: `datagram of ${length} bytes: expected at most ${RECEIVE_BYTES}`,
      });
    }
  }
}
