/** Addresses, prefixes and interfaces as the keys of the fast path's maps encode them. */
import { familyOf, formatIPv4, formatIPv6, writeAddress, writePrefix } from 'netlink-ts/inet';
import { Family } from './generated/layouts.js';
import type { Kernel } from '../kernel/kernel.js';

const ADDRESS_BYTES = 16;

/** Number of a family in keys (enum family in bpf/abi/types.h). */
export function familyNumber(text: string): number {
  return familyOf(text) === 4 ? Family.FAMILY_INET : Family.FAMILY_INET6;
}

/** Writes an address, the text from `start` on, into 16 zero bytes: IPv4 fills the first four. @returns the number of its family */
export function putAddress(text: string, into: Buffer, at: number, start = 0): number {
  return writeAddress(text, into, at, start) === 4 ? Family.FAMILY_INET : Family.FAMILY_INET6;
}

/** Writes a prefix's address into 16 zero bytes. @returns its length in bits */
export function putPrefix(text: string, into: Buffer, at: number, start = 0): number {
  return writePrefix(text, into, at, start);
}

export function getAddress(from: Buffer, at: number, family: number): string {
  return family === Family.FAMILY_INET ? formatIPv4(from, at) : formatIPv6(from, at);
}

/** A mask of this many leading bits, in 16 bytes. */
export function maskOf(length: number): Buffer {
  const mask = Buffer.alloc(ADDRESS_BYTES);
  for (let bit = 0; bit < length; bit++) mask[bit >> 3] = (mask[bit >> 3] ?? 0) | (0x80 >> (bit & 7));
  return mask;
}

const GONE = /^ifindex ([0-9]+)$/;

/** Index of an interface, or of the text by which `Links.nameOf` names one that is gone; undefined if it never existed. */
export function indexOfDevice(kernel: Kernel, device: string): number | undefined {
  const index = kernel.links.get(device)?.index;
  if (index !== undefined) return index;
  const gone = GONE.exec(device);
  return gone === null ? undefined : Number(gone[1]);
}

/** @throws Error if there is no such interface */
export function indexOfPresent(kernel: Kernel, device: string): number {
  return kernel.links.indexOf(device);
}
