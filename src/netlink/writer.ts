/**
 * Writes netlink messages back to back into one preallocated buffer, without garbage: 100,000 routes go through here.
 * Everything netlink lays out is aligned to 4 bytes and in host byte order, so whole words are stored through typed
 * arrays. Stores beyond the end of a typed array are silently lost, which `end` turns into an error.
 */
import { endianness } from 'node:os';
import { type AddressFamily, addressLength, familyOf, writeAddress } from './inet/address.js';
import { writeMac } from './inet/mac.js';
import { writePrefix } from './inet/prefix.js';
import { NLMSG_HDRLEN } from './constants.js';

/** No request of ours comes near; a message beyond it is refused before the kernel sees it. */
export const MAX_MESSAGE_BYTES = 64 * 1024;

// Single bytes are stored as the low end of a word here, and dumps are read as little-endian.
if (endianness() !== 'LE') throw new Error('segue: netlink codecs are written for little-endian machines only');

export class MessageWriter {
  readonly buffer: Buffer;
  readonly #u32: Uint32Array;
  readonly #u16: Uint16Array;
  #offset = 0;
  #messageStart = 0;

  /** @param capacity bytes, a multiple of 4 */
  constructor(capacity: number = 4 * MAX_MESSAGE_BYTES) {
    const memory = new ArrayBuffer(capacity);
    this.buffer = Buffer.from(memory);
    this.#u32 = new Uint32Array(memory);
    this.#u16 = new Uint16Array(memory);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#offset;
  }

  /** Is there room for one more message of the greatest size? */
  get hasRoom(): boolean {
    return this.#offset + MAX_MESSAGE_BYTES <= this.buffer.length;
  }

  /** Forgets everything from `offset` on. */
  rewind(offset = 0): void {
    this.#offset = offset;
  }

  /** The messages written so far; valid until the next write. */
  written(): Buffer {
    return this.buffer.subarray(0, this.#offset);
  }

  /** Starts a message: nlmsghdr. Sequence number and port id are the socket's to fill in (patch). */
  begin(type: number, flags: number): void {
    this.#messageStart = this.#offset;
    const at = this.#offset >> 2;
    this.#u32[at + 1] = type | (flags << 16);
    this.#u32[at + 2] = 0;
    this.#u32[at + 3] = 0;
    this.#offset += NLMSG_HDRLEN;
  }

  /**
   * Ends the message begun last.
   * @throws RangeError when it is too long
   */
  end(): void {
    const length = this.#offset - this.#messageStart;
    if (length > MAX_MESSAGE_BYTES || this.#offset > this.buffer.length) {
      this.#offset = this.#messageStart;
      throw new RangeError(`netlink message of ${length} bytes: expected at most ${MAX_MESSAGE_BYTES}`);
    }
    this.#u32[this.#messageStart >> 2] = length;
  }

  /** Fills in sequence number and further flags of the message that starts at `start`. */
  patch(start: number, seq: number, flags: number): void {
    this.#u32[(start >> 2) + 2] = seq;
    const at = (start >> 1) + 3;
    this.#u16[at] = (this.#u16[at] ?? 0) | flags;
  }

  /** A word of a fixed header. */
  word(value: number): void {
    this.#u32[this.#offset >> 2] = value;
    this.#offset += 4;
  }

  /** Four bytes of a fixed header, in order. */
  bytes4(a: number, b: number, c: number, d: number): void {
    this.#u32[this.#offset >> 2] = a | (b << 8) | (c << 16) | (d << 24);
    this.#offset += 4;
  }

  #header(type: number, payload: number): void {
    this.#u32[this.#offset >> 2] = (4 + payload) | (type << 16);
  }

  /** Attribute of no value (NLA_FLAG). */
  flag(type: number): void {
    this.#header(type, 0);
    this.#offset += 4;
  }

  u8(type: number, value: number): void {
    this.#header(type, 1);
    this.#u32[(this.#offset >> 2) + 1] = value & 0xff;
    this.#offset += 8;
  }

  u16(type: number, value: number): void {
    this.#header(type, 2);
    this.#u32[(this.#offset >> 2) + 1] = value & 0xffff;
    this.#offset += 8;
  }

  u32(type: number, value: number): void {
    this.#header(type, 4);
    this.#u32[(this.#offset >> 2) + 1] = value;
    this.#offset += 8;
  }

  u64(type: number, value: bigint): void {
    this.#header(type, 8);
    const at = this.#offset >> 2;
    this.#u32[at + 1] = Number(value & 0xffffffffn);
    this.#u32[at + 2] = Number((value >> 32n) & 0xffffffffn);
    this.#offset += 12;
  }

  /** A 64-bit value in network order. */
  u64be(type: number, value: bigint): void {
    this.#header(type, 8);
    this.buffer.writeBigUInt64BE(value, this.#offset + 4);
    this.#offset += 12;
  }

  /** Bytes with padding to a multiple of 4. */
  bytes(type: number, value: Uint8Array): void {
    this.#header(type, value.length);
    this.buffer.set(value, this.#offset + 4);
    this.#pad(value.length);
  }

  /** Text with a terminating NUL, as strings are for rtnetlink. */
  string(type: number, value: string): void {
    const length = Buffer.byteLength(value) + 1;
    if (length > MAX_MESSAGE_BYTES) throw new RangeError(`netlink string of ${length} bytes`);
    this.#header(type, length);
    this.buffer.write(value, this.#offset + 4);
    this.buffer[this.#offset + 3 + length] = 0;
    this.#pad(length);
  }

  /** Text without NUL, as ip sends kinds and aliases: for aliases the length counts. */
  text(type: number, value: string): void {
    const length = Buffer.byteLength(value);
    if (length > MAX_MESSAGE_BYTES) throw new RangeError(`netlink string of ${length} bytes`);
    this.#header(type, length);
    this.buffer.write(value, this.#offset + 4);
    this.#pad(length);
  }

  #pad(length: number): void {
    const end = this.#offset + 4 + length;
    this.#offset = (end + 3) & ~3;
    for (let at = end; at < this.#offset; at++) this.buffer[at] = 0;
  }

  /**
   * An address as attribute.
   * @returns its family
   * @throws AddressError
   */
  address(type: number, text: string): AddressFamily {
    const family = writeAddress(text, this.buffer, this.#offset + 4);
    const length = addressLength(family);
    this.#header(type, length);
    this.#offset += 4 + length;
    return family;
  }

  /** An address that must be of the given family. */
  addressOf(type: number, family: AddressFamily, text: string): void {
    if (this.address(type, text) !== family) {
      throw new RangeError(`address ${text}: expected an IPv${family} address`);
    }
  }

  /**
   * A prefix's address as attribute.
   * @returns the prefix length in bits
   * @throws AddressError
   */
  prefix(type: number, text: string): number {
    const bits = writePrefix(text, this.buffer, this.#offset + 4);
    const length = addressLength(familyOf(text));
    this.#header(type, length);
    this.#offset += 4 + length;
    return bits;
  }

  /** A MAC address as attribute. */
  mac(type: number, text: string): void {
    writeMac(text, this.buffer, this.#offset + 4);
    this.#header(type, 6);
    this.#pad(6);
  }

  /** An address without attribute header, inside some structure. */
  rawAddress(text: string, family: AddressFamily): void {
    const written = writeAddress(text, this.buffer, this.#offset);
    if (written !== family) throw new RangeError(`address ${text}: expected an IPv${family} address`);
    this.#offset += addressLength(family);
  }

  /** Starts a nested attribute; give what it returns to endNest. */
  nest(type: number): number {
    const start = this.#offset;
    this.#u32[start >> 2] = type << 16;
    this.#offset += 4;
    return start;
  }

  endNest(start: number): void {
    this.#u16[start >> 1] = this.#offset - start;
  }

  /** Stores one byte anywhere in what was written, for headers known only after their attributes. */
  setByte(offset: number, value: number): void {
    this.buffer[offset] = value;
  }
}
