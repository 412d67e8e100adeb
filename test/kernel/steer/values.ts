/** Values of the maps out of text: addresses, MACs, encapsulations. */
import { parseMac } from 'netlink-ts/inet';
import * as layouts from '../../../src/ebpf/generated/layouts.js';
import { bytesOf } from '../fastpath/packets.js';

/** One struct's bytes. */
export function encode<T>(codec: { SIZE: number; encode(into: Buffer, at: number, value: T): void }, value: T): Buffer {
  const bytes = Buffer.alloc(codec.SIZE);
  codec.encode(bytes, 0, value);
  return bytes;
}

/** Family and address as keys have them: IPv4 in the first four bytes. */
export function endpoint(address: string): { family: number; address: Buffer } {
  const bytes = Buffer.alloc(16);
  bytesOf(address).copy(bytes);
  return { family: address.includes(':') ? layouts.Family.FAMILY_INET6 : layouts.Family.FAMILY_INET, address: bytes };
}

/** A prefix as the tries' keys have it: length counts the 64 bits before the address. */
export function prefixOf(text: string): { length: number; family: number; address: Buffer } {
  const [address = '', length = ''] = text.split('/');
  return { length: 64 + Number(length), ...endpoint(address) };
}

export function macOf(text: string): Uint8Array {
  const bytes = parseMac(text);
  if (bytes === undefined) throw new RangeError(`${text}: expected a MAC address`);
  return bytes;
}

/** H.Encaps.Red of a path, in travel order. */
export function encapOf(path: readonly string[], nexthopGroup: number): layouts.Encap {
  const [first = '', ...rest] = path;
  const srh = Buffer.alloc(56);
  if (rest.length > 0) {
    srh.writeUInt8(rest.length * 2, 1);
    srh.writeUInt8(4, 2);
    srh.writeUInt8(rest.length, 3);
    srh.writeUInt8(rest.length - 1, 4);
    for (const [index, segment] of [...rest].reverse().entries()) bytesOf(segment).copy(srh, 8 + 16 * index);
  }
  const srhBytes = rest.length === 0 ? 0 : 8 + 16 * rest.length;
  return { first: bytesOf(first), nexthopGroup, srhBytes, lastEntry: Math.max(rest.length - 1, 0), srh };
}
