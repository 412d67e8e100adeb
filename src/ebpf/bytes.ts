/** Addresses, prefixes and interfaces as the fast path's keys have them. */
import { familyOf, formatIPv4, formatIPv6, writeAddress, writePrefix } from 'netlink-ts/inet';
import { Family } from './generated/layouts.js';
import type { Kernel } from '../kernel/kernel.js';

const ADDRESS_BYTES = 16;

/** Number of a family in keys (enum family of bpf/abi/types.h). */
export function familyNumber(text: string): number {
  return familyOf(text) === 4 ? Family.FAMILY_INET : Family.FAMILY_INET6;
}

/** An address, all of the text from `start`, in 16 bytes that are zero: IPv4 fills the first four. @returns its family's number */
export function putAddress(text: string, into: Buffer, at: number, start = 0): number {
  return writeAddress(text, into, at, start) === 4 ? Family.FAMILY_INET : Family.FAMILY_INET6;
}

/** A prefix's address in 16 bytes that are zero. @returns its length, bits */
export function putPrefix(text: string, into: Buffer, at: number, start = 0): number {
  return writePrefix(text, into, at, start);
}

export function getAddress(from: Buffer, at: number, family: number): string {
  return family === Family.FAMILY_INET ? formatIPv4(from, at) : formatIPv6(from, at);
}

/** 16 bytes of a mask of so many bits. */
export function maskOf(length: number): Buffer {
  const mask = Buffer.alloc(ADDRESS_BYTES);
  for (let bit = 0; bit < length; bit++) mask[bit >> 3] = (mask[bit >> 3] ?? 0) | (0x80 >> (bit & 7));
  return mask;
}

const GONE = /^ifindex ([0-9]+)$/;

/** Number of an interface, of one that is gone too where `Links.nameOf` made words of it; undefined: it never was. */
export function indexOfDevice(kernel: Kernel, device: string): number | undefined {
  const index = kernel.links.get(device)?.index;
  if (index !== undefined) return index;
  const gone = GONE.exec(device);
  return gone === null ? undefined : Number(gone[1]);
}

/** @throws Error when there is no such interface */
export function indexOfPresent(kernel: Kernel, device: string): number {
  return kernel.links.indexOf(device);
}
