/** Reads netlink messages in place. Nothing here keeps a reference into the buffer: values are copied out. */
import { formatIPv4, formatIPv6 } from './inet/address.js';
import { formatMac } from './inet/mac.js';
import { NLA_TYPE_MASK, NLMSG_HDRLEN } from './constants.js';

/** One message in a receive buffer; valid until the next read. */
export class MessageView {
  readonly buffer: Buffer;
  /** nlmsg_type */
  type = 0;
  /** nlmsg_flags */
  flags = 0;
  seq = 0;
  /** nlmsg_pid: for a notification, whose request caused it */
  portId = 0;
  /** payload, from after nlmsghdr */
  start = 0;
  end = 0;

  constructor(buffer: Buffer) {
    this.buffer = buffer;
  }

  /**
   * Moves to the message at `offset` of a datagram of `length` bytes.
   * @returns offset of the next message, -1 when there is no whole message here
   */
  moveTo(offset: number, length: number): number {
    if (offset + NLMSG_HDRLEN > length) return -1;
    const size = this.buffer.readUInt32LE(offset);
    if (size < NLMSG_HDRLEN || offset + size > length) return -1;
    this.type = this.buffer.readUInt16LE(offset + 4);
    this.flags = this.buffer.readUInt16LE(offset + 6);
    this.seq = this.buffer.readUInt32LE(offset + 8);
    this.portId = this.buffer.readUInt32LE(offset + 12);
    this.start = offset + NLMSG_HDRLEN;
    this.end = offset + size;
    return offset + ((size + 3) & ~3);
  }

  u8(offset: number): number {
    return this.buffer[this.start + offset] ?? 0;
  }

  u16(offset: number): number {
    return this.buffer.readUInt16LE(this.start + offset);
  }

  u32(offset: number): number {
    return this.buffer.readUInt32LE(this.start + offset);
  }

  i32(offset: number): number {
    return this.buffer.readInt32LE(this.start + offset);
  }

  /** The attributes after a family header of `headerBytes`. */
  attributes(headerBytes: number): AttributeReader {
    return new AttributeReader(this.buffer, this.start + ((headerBytes + 3) & ~3), this.end);
  }
}

/** A message alone in a buffer, for tests and tools. */
export function viewMessage(bytes: Uint8Array): MessageView {
  const view = new MessageView(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  if (view.moveTo(0, bytes.length) < 0) throw new RangeError(`${bytes.length} bytes: expected a whole netlink message`);
  return view;
}

/** Walks attributes: `while (reader.next()) switch (reader.type) …`. */
export class AttributeReader {
  readonly #buffer: Buffer;
  readonly #end: number;
  #next: number;
  /** nla_type without its flag bits */
  type = 0;
  /** offset of the value in the buffer */
  at = 0;
  /** bytes of the value */
  length = 0;

  constructor(buffer: Buffer, start: number, end: number) {
    this.#buffer = buffer;
    this.#next = start;
    this.#end = end;
  }

  next(): boolean {
    const at = this.#next;
    if (at + 4 > this.#end) return false;
    const size = this.#buffer.readUInt16LE(at);
    if (size < 4 || at + size > this.#end) return false;
    this.type = this.#buffer.readUInt16LE(at + 2) & NLA_TYPE_MASK;
    this.at = at + 4;
    this.length = size - 4;
    this.#next = at + ((size + 3) & ~3);
    return true;
  }

  u8(offset = 0): number {
    return this.#buffer.readUInt8(this.at + offset);
  }

  u16(offset = 0): number {
    return this.#buffer.readUInt16LE(this.at + offset);
  }

  u32(offset = 0): number {
    return this.#buffer.readUInt32LE(this.at + offset);
  }

  i32(offset = 0): number {
    return this.#buffer.readInt32LE(this.at + offset);
  }

  u64(offset = 0): bigint {
    return this.#buffer.readBigUInt64LE(this.at + offset);
  }

  u64be(offset = 0): bigint {
    return this.#buffer.readBigUInt64BE(this.at + offset);
  }

  /** Text up to the first NUL. */
  string(): string {
    let end = this.at;
    while (end < this.at + this.length && this.#buffer[end] !== 0) end++;
    return this.#buffer.toString('utf8', this.at, end);
  }

  /** A copy of the value. */
  bytes(): Uint8Array {
    return Uint8Array.prototype.slice.call(this.#buffer, this.at, this.at + this.length);
  }

  /** The value as address text: 4 or 16 bytes from `offset` on. */
  address(offset = 0, length = this.length - offset): string {
    return length === 4 ? formatIPv4(this.#buffer, this.at + offset) : formatIPv6(this.#buffer, this.at + offset);
  }

  /** The value as link-layer address text. */
  mac(): string {
    return formatMac(this.#buffer, this.at, this.length);
  }

  /** The attributes inside this one, from `offset` on. */
  nested(offset = 0): AttributeReader {
    return new AttributeReader(this.#buffer, this.at + offset, this.at + this.length);
  }
}
