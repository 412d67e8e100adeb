/**
 * Internet addresses as text and as bytes. Text is always the canonical form of RFC 5952 (IPv4: dotted decimal), so
 * that two equal addresses are equal strings; bytes are in network order and appear only where something is encoded.
 */
import { isIP } from 'node:net';

export type AddressFamily = 4 | 6;

export interface Address {
  family: AddressFamily;
  /** 4 or 16 bytes, network order. */
  bytes: Uint8Array;
}

/** Text that was expected to be an address and is not. */
export class AddressError extends Error {
  readonly code: 'ADDRESS_INVALID' | 'PREFIX_INVALID' | 'MAC_INVALID';
  readonly value: string;

  constructor(code: 'ADDRESS_INVALID' | 'PREFIX_INVALID' | 'MAC_INVALID', value: string, expected: string) {
    super(`"${value}": expected ${expected}`);
    this.name = 'AddressError';
    this.code = code;
    this.value = value;
  }
}

const COLON = 0x3a;
const DOT = 0x2e;
const ZERO = 0x30;

/** Number of bytes of an address of this family. */
export function addressLength(family: AddressFamily): 4 | 16 {
  return family === 4 ? 4 : 16;
}

/** Value of a hexadecimal digit's character code, or -1. */
function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/** Writes text[start, end) as dotted decimal, four parts without leading zeros. */
function writeIPv4(text: string, start: number, end: number, buf: Uint8Array, offset: number): boolean {
  let part = 0;
  let value = 0;
  let digits = 0;
  for (let i = start; i <= end; i++) {
    const code = i < end ? text.charCodeAt(i) : DOT;
    if (code === DOT) {
      if (digits === 0 || part === 4) return false;
      buf[offset + part++] = value;
      value = 0;
      digits = 0;
      continue;
    }
    const digit = code - ZERO;
    // "010" is ten to some and eight to others (inet_aton): it is nobody's canonical form.
    if (digit < 0 || digit > 9 || (digits > 0 && value === 0)) return false;
    value = value * 10 + digit;
    digits++;
    if (value > 255) return false;
  }
  return part === 4;
}

/** Writes text[start, end) as RFC 4291 section 2.2 text, all three forms, no zone. */
function writeIPv6(text: string, start: number, end: number, buf: Uint8Array, offset: number): boolean {
  let at = start;
  let length = 0;
  let gap = -1;
  if (text.charCodeAt(at) === COLON) {
    if (end - at < 2 || text.charCodeAt(at + 1) !== COLON) return false;
    gap = 0;
    at += 2;
  }
  while (at < end) {
    if (length === 16) return false;
    const groupStart = at;
    let value = 0;
    let code = 0;
    while (at < end) {
      code = text.charCodeAt(at);
      const digit = hexDigit(code);
      if (digit < 0) break;
      if (at - groupStart === 4) return false;
      value = (value << 4) | digit;
      at++;
    }
    if (at < end && code === DOT) {
      if (length > 12 || !writeIPv4(text, groupStart, end, buf, offset + length)) return false;
      length += 4;
      at = end;
      break;
    }
    if (at === groupStart) return false;
    buf[offset + length] = value >> 8;
    buf[offset + length + 1] = value & 0xff;
    length += 2;
    if (at === end) break;
    if (code !== COLON) return false;
    at++;
    if (at === end) return false;
    if (text.charCodeAt(at) === COLON) {
      if (gap >= 0) return false;
      gap = length;
      at++;
    }
  }
  if (gap < 0) return length === 16;
  if (length === 16) return false;
  // By hand: on so few bytes fill and copyWithin cost more than all of the parsing.
  let to = offset + 15;
  for (let from = offset + length - 1; from >= offset + gap; from--) buf[to--] = buf[from] ?? 0;
  while (to >= offset + gap) buf[to--] = 0;
  return true;
}

/**
 * Writes the address in text[start, end) to buf at offset without allocating; for codecs.
 * Returns the family, or 0 when the text is no address (buf may then hold part of it).
 */
export function tryWriteAddress(
  text: string,
  end: number,
  buf: Uint8Array,
  offset: number,
  start = 0,
): AddressFamily | 0 {
  const limit = Math.min(end, start + 5);
  for (let i = start; i < limit; i++) {
    // A colon is among the first five characters of every IPv6 text and in no IPv4 text.
    if (text.charCodeAt(i) === COLON) return writeIPv6(text, start, end, buf, offset) ? 6 : 0;
  }
  return writeIPv4(text, start, end, buf, offset) ? 4 : 0;
}

/**
 * Writes an address to buf at offset (4 or 16 bytes, network order) without allocating.
 * @param start where in the text it begins; it is all that follows
 * @returns the family
 * @throws AddressError (ADDRESS_INVALID) when the text is no address
 */
export function writeAddress(text: string, buf: Uint8Array, offset: number, start = 0): AddressFamily {
  const family = tryWriteAddress(text, text.length, buf, offset, start);
  if (family === 0) throw new AddressError('ADDRESS_INVALID', text.slice(start), 'an IPv4 or IPv6 address');
  return family;
}

/**
 * Parses an address strictly: no zone id, no leading zeros in IPv4, no surrounding space.
 * @returns family and bytes, undefined when the text is no address
 */
export function parseAddress(text: string): Address | undefined {
  // isIP takes zone ids; our writer does not.
  if (isIP(text) === 0) return undefined;
  const bytes = new Uint8Array(text.includes(':') ? 16 : 4);
  const family = tryWriteAddress(text, text.length, bytes, 0);
  return family === 0 ? undefined : { family, bytes };
}

/** Family of an address or prefix in canonical text; does not check the rest of the text. */
export function familyOf(text: string): AddressFamily {
  return text.includes(':') ? 6 : 4;
}

/** Canonical text of the 4 bytes at offset. */
export function formatIPv4(bytes: Uint8Array, offset = 0): string {
  return `${bytes[offset] ?? 0}.${bytes[offset + 1] ?? 0}.${bytes[offset + 2] ?? 0}.${bytes[offset + 3] ?? 0}`;
}

/**
 * Canonical text of the 16 bytes at offset (RFC 5952): lower case, no leading zeros, the first longest run of two or
 * more zero groups as "::". IPv4-mapped addresses (::ffff:0:0/96) are in mixed notation (section 5), as inet_ntop has it.
 */
export function formatIPv6(bytes: Uint8Array, offset = 0): string {
  let bestStart = -1;
  let bestLength = 1;
  let runStart = -1;
  for (let group = 0; group < 8; group++) {
    const at = offset + group * 2;
    if (bytes[at] === 0 && bytes[at + 1] === 0) {
      if (runStart < 0) runStart = group;
      if (group - runStart + 1 > bestLength) {
        bestStart = runStart;
        bestLength = group - runStart + 1;
      }
    } else {
      runStart = -1;
    }
  }
  if (bestStart === 0 && bestLength === 5 && bytes[offset + 10] === 0xff && bytes[offset + 11] === 0xff) {
    return `::ffff:${formatIPv4(bytes, offset + 12)}`;
  }
  let text = '';
  for (let group = 0; group < 8; group++) {
    if (group === bestStart) {
      text += '::';
      group += bestLength - 1;
      continue;
    }
    if (group > 0 && group !== bestStart + bestLength) text += ':';
    const at = offset + group * 2;
    text += (((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)).toString(16);
  }
  return text;
}

/**
 * Canonical text of an address given as 4 or 16 bytes in network order.
 * @throws AddressError for any other length
 */
export function formatAddress(bytes: Uint8Array): string {
  if (bytes.length === 4) return formatIPv4(bytes);
  if (bytes.length === 16) return formatIPv6(bytes);
  throw new AddressError('ADDRESS_INVALID', Buffer.from(bytes).toString('hex'), '4 or 16 bytes');
}

/** Canonical text of an address written in any accepted form, undefined when it is none. */
export function canonicalAddress(text: string): string | undefined {
  const address = parseAddress(text);
  return address && formatAddress(address.bytes);
}
