/**
 * A UDP socket in the services' namespace. Node.js tells of a datagram only its source; here its destination is needed, too, which has a part of the
 * VM's address and is the source of the answer (IPV6_PKTINFO).
 */
import {
  addressOf,
  check,
  lastErrno,
  libcBind,
  libcClose,
  libcRecvmsg,
  libcSendmsg,
  libcSetsockopt,
  libcSocket,
  pollReadable,
} from '../kernel/libc.js';
import type { PollHandle } from '../kernel/libc.js';

const AF_INET6 = 10;
const SOCK_DGRAM_NONBLOCK_CLOEXEC = 2 | 0o4000 | 0o2_000_000;
const IPPROTO_IPV6 = 41;
const IPPROTO_UDP = 17;
const IPV6_V6ONLY = 26;
const IPV6_RECVPKTINFO = 49;
const IPV6_PKTINFO = 50;
/** The destinations are not addresses of an interface, only of a local route. */
const IPV6_FREEBIND = 78;
/** Accepts a checksum of zero: IPv4 allows it, and programs of ports leave it. */
const UDP_NO_CHECK6_RX = 102;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const RECEIVE_BUFFER_BYTES = 4_194_304;
const MSG_DONTWAIT = 0x40;
const EAGAIN = 11;
const EINTR = 4;

/** struct sockaddr_in6. */
const NAME = { SIZE: 28, port: 2, address: 8 } as const;
/** struct msghdr, of 64-bit machines. */
const MESSAGE = { SIZE: 56, name: 0, nameBytes: 8, iov: 16, iovs: 24, control: 32, controlBytes: 40 } as const;
const IOV_BYTES = 16;
/** struct cmsghdr with struct in6_pktinfo. */
const CONTROL = { SIZE: 40, LENGTH: 36, level: 8, type: 12, address: 16, ifindex: 32 } as const;
const ADDRESS_BYTES = 16;
const MAX_DATAGRAM_BYTES = 65_535;
/** Datagrams read before others have their turn. */
const BATCH = 64;

/** Where a datagram is from, and to which address it was sent: an answer goes the way back. */
export interface Endpoints {
  /** struct sockaddr_in6 of the sender. */
  name: Buffer;
  /** The sender's address, within `name`. */
  from: Buffer;
  to: Buffer;
}

/** Buffers of a call: their addresses are written once. */
class Message {
  readonly head = Buffer.alloc(MESSAGE.SIZE);
  readonly name = Buffer.alloc(NAME.SIZE);
  readonly control = Buffer.alloc(CONTROL.SIZE);
  readonly data: Buffer;
  readonly #iov = Buffer.alloc(IOV_BYTES);

  constructor(bytes: number) {
    this.data = Buffer.alloc(bytes);
    this.head.writeBigUInt64LE(addressOf(this.name), MESSAGE.name);
    this.head.writeBigUInt64LE(addressOf(this.#iov), MESSAGE.iov);
    this.head.writeBigUInt64LE(1n, MESSAGE.iovs);
    this.head.writeBigUInt64LE(addressOf(this.control), MESSAGE.control);
    this.#iov.writeBigUInt64LE(addressOf(this.data), 0);
    this.reset(bytes);
  }

  /** @param bytes length of the data */
  reset(bytes: number): void {
    this.head.writeUInt32LE(NAME.SIZE, MESSAGE.nameBytes);
    this.head.writeBigUInt64LE(BigInt(CONTROL.SIZE), MESSAGE.controlBytes);
    this.#iov.writeBigUInt64LE(BigInt(bytes), 8);
  }
}

function set(fd: number, level: number, option: number, value: number): void {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  check(libcSetsockopt(fd, level, option, bytes, bytes.length), 'setsockopt', `option ${option}`);
}

export class Datagrams {
  readonly #fd: number;
  readonly #received = new Message(MAX_DATAGRAM_BYTES);
  readonly #sent = new Message(MAX_DATAGRAM_BYTES);
  #poll: PollHandle | undefined;
  #isClosed = false;

  private constructor(fd: number) {
    this.#fd = fd;
    set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    set(fd, IPPROTO_IPV6, IPV6_FREEBIND, 1);
    set(fd, IPPROTO_UDP, UDP_NO_CHECK6_RX, 1);
    set(fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER_BYTES);
    this.#sent.control.writeBigUInt64LE(BigInt(CONTROL.LENGTH), 0);
    this.#sent.control.writeInt32LE(IPPROTO_IPV6, CONTROL.level);
    this.#sent.control.writeInt32LE(IPV6_PKTINFO, CONTROL.type);
  }

  /** Opens a socket in the network namespace of the calling thread. @throws SystemCallError */
  static open(port: number): Datagrams {
    const fd = check(libcSocket(AF_INET6, SOCK_DGRAM_NONBLOCK_CLOEXEC, 0), 'socket', 'UDP');
    try {
      set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
      const name = Buffer.alloc(NAME.SIZE);
      name.writeUInt16LE(AF_INET6, 0);
      name.writeUInt16BE(port, NAME.port);
      check(libcBind(fd, name, name.length), 'bind', `UDP port ${port}`);
      return new Datagrams(fd);
    } catch (error) {
      libcClose(fd);
      throw error;
    }
  }

  /** @param fd a bound UDP socket over IPv6 @throws SystemCallError */
  static of(fd: number): Datagrams {
    return new Datagrams(fd);
  }

  /** @param receive is called with bytes that are valid during the call; it throws nothing */
  start(receive: (data: Buffer, endpoints: Endpoints) => void): void {
    this.#poll = pollReadable(this.#fd, () => {
      for (let i = 0; i < BATCH && !this.#isClosed && this.#read(receive); i += 1);
    });
  }

  #read(receive: (data: Buffer, endpoints: Endpoints) => void): boolean {
    const { head, data, name, control } = this.#received;
    this.#received.reset(MAX_DATAGRAM_BYTES);
    const bytes = libcRecvmsg(this.#fd, head, MSG_DONTWAIT);
    // An error of the socket belongs to an earlier answer, whose client is gone.
    if (bytes < 0) return ![EAGAIN, EINTR].includes(lastErrno());
    if (control.readInt32LE(CONTROL.type) !== IPV6_PKTINFO) return true;
    const sender = Buffer.from(name);
    receive(data.subarray(0, bytes), {
      name: sender,
      from: sender.subarray(NAME.address, NAME.address + ADDRESS_BYTES),
      to: Buffer.from(control.subarray(CONTROL.address, CONTROL.address + ADDRESS_BYTES)),
    });
    return true;
  }

  /** Sends the answer to a datagram; it is lost where there is no room for it. */
  answer(data: Buffer, { name, to }: Endpoints): void {
    if (this.#isClosed) return;
    const { head } = this.#sent;
    this.#sent.reset(data.length);
    data.copy(this.#sent.data);
    name.copy(this.#sent.name);
    to.copy(this.#sent.control, CONTROL.address);
    this.#sent.control.writeUInt32LE(0, CONTROL.ifindex);
    libcSendmsg(this.#fd, head, MSG_DONTWAIT);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#poll?.close();
    libcClose(this.#fd);
  }
}
