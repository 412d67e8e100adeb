/** A 32-bit filter in a port's entry: inner sources that a program must look up before it delivers a packet. */
import { putAddress } from './bytes.js';

/** All sources are looked up. */
export const ALL_SOURCES = 0xffffffff;

const MULTIPLIER = 0x9e3779b1;
const INDEX_SHIFT = 27;
const ADDRESS_BYTES = 16;

/** The bit of an address, equal to source_bit() of bpf/srv6/inner_source.h. */
function sourceBit(address: string): number {
  const bytes = Buffer.alloc(ADDRESS_BYTES);
  putAddress(address, bytes, 0);
  let folded = 0;
  for (let at = 0; at < ADDRESS_BYTES; at += 4) folded ^= bytes.readUInt32LE(at);
  return (1 << (Math.imul(folded, MULTIPLIER) >>> INDEX_SHIFT)) >>> 0;
}

/** The filter of a set of addresses. */
export function sourceFilter(addresses: Iterable<string>): number {
  let filter = 0;
  for (const address of addresses) filter |= sourceBit(address);
  return filter >>> 0;
}
