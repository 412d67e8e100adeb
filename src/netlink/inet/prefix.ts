/** Address prefixes, "10.0.0.0/24": strict text, no host bits. */
import {
  type AddressFamily,
  AddressError,
  addressLength,
  familyOf,
  formatAddress,
  parseAddress,
  tryWriteAddress,
} from './address.js';

export interface Prefix {
  family: AddressFamily;
  /** 4 or 16 bytes, network order, zero beyond length. */
  bytes: Uint8Array;
  /** Prefix length in bits. */
  length: number;
}

export type PrefixReason =
  /** no '/': a bare address is not taken for a host prefix */
  | 'no-length'
  /** what stands before '/' is no address (zone ids and IPv4 leading zeros included) */
  | 'bad-address'
  /** what stands after '/' is no decimal number without sign or leading zeros, as in '/08' */
  | 'bad-length'
  /** a number beyond 32 or 128 */
  | 'length-too-long'
  /** bits set beyond the length */
  | 'host-bits';

export type PrefixResult =
  | { ok: true; prefix: Prefix }
  | { ok: false; reason: PrefixReason; /** end of a sentence "expected …" */ expected: string };

/** Are all bits of buf[offset…] from bit `length` on zero? */
function isMasked(buf: Uint8Array, offset: number, bytes: number, length: number): boolean {
  let at = length >> 3;
  const rest = length & 7;
  if (rest !== 0) {
    if (((buf[offset + at] ?? 0) & (0xff >> rest)) !== 0) return false;
    at++;
  }
  for (; at < bytes; at++) if (buf[offset + at] !== 0) return false;
  return true;
}

/** Zeroes the bits of `bytes` from bit `length` on, in place. */
export function maskBytes(bytes: Uint8Array, length: number): void {
  const at = length >> 3;
  const rest = length & 7;
  if (at >= bytes.length) return;
  if (rest !== 0) bytes[at] = (bytes[at] ?? 0) & ~(0xff >> rest);
  bytes.fill(0, rest === 0 ? at : at + 1);
}

/** Decimal number in text[start…] without leading zeros, at most three digits; -1 otherwise. */
function parseLength(text: string, start: number): number {
  const digits = text.length - start;
  if (digits < 1 || digits > 3) return -1;
  let value = 0;
  for (let i = start; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9 || (digits > 1 && value === 0 && i > start)) return -1;
    value = value * 10 + digit;
  }
  return digits > 1 && text.charCodeAt(start) === 0x30 ? -1 : value;
}

/**
 * Parses "address/length" strictly.
 * @returns the prefix, or a reason with the end of the sentence "expected …"; it names the prefix that was probably
 * meant when only the host bits are wrong
 */
export function parsePrefix(text: string): PrefixResult {
  const slash = text.indexOf('/');
  const fail = (reason: PrefixReason, expected: string): PrefixResult => ({ ok: false, reason, expected });
  if (slash < 0) return fail('no-length', 'a prefix, address/length');
  const address = parseAddress(text.slice(0, slash));
  if (!address) return fail('bad-address', 'an IPv4 or IPv6 address before the "/"');
  const { family, bytes } = address;
  const bits = bytes.length * 8;
  const length = parseLength(text, slash + 1);
  if (length < 0) return fail('bad-length', `a decimal length from 0 to ${bits} without leading zeros after the "/"`);
  if (length > bits) return fail('length-too-long', `a length of at most ${bits}`);
  if (!isMasked(bytes, 0, bytes.length, length)) {
    const masked = bytes.slice();
    maskBytes(masked, length);
    return fail('host-bits', `no bits set beyond the length: ${formatAddress(masked)}/${length}`);
  }
  return { ok: true, prefix: { family, bytes, length } };
}

/** Canonical text of a prefix: "10.0.0.0/24", "fd00::/64". */
export function formatPrefix(prefix: Prefix): string {
  return `${formatAddress(prefix.bytes)}/${prefix.length}`;
}

/** Canonical text of a prefix in any accepted form, undefined when it is none. */
export function canonicalPrefix(text: string): string | undefined {
  const result = parsePrefix(text);
  return result.ok ? formatPrefix(result.prefix) : undefined;
}

/**
 * Writes a prefix's address to buf at offset (4 or 16 bytes) without allocating; for codecs.
 * @param start where in the text it begins; it is all that follows
 * @returns the prefix length in bits; the family is familyOf(text)
 * @throws AddressError (PREFIX_INVALID) when the text is no prefix or has host bits
 */
export function writePrefix(text: string, buf: Uint8Array, offset: number, start = 0): number {
  const slash = text.lastIndexOf('/');
  if (slash > start) {
    const family = tryWriteAddress(text, slash, buf, offset, start);
    if (family !== 0) {
      const length = parseLength(text, slash + 1);
      const bytes = addressLength(family);
      if (length >= 0 && length <= bytes * 8 && isMasked(buf, offset, bytes, length)) return length;
    }
  }
  const prefix = text.slice(start);
  const result = parsePrefix(prefix);
  throw new AddressError('PREFIX_INVALID', prefix, result.ok ? 'a prefix' : result.expected);
}

/** Do the first `length` bits of a and b agree? */
function sameBits(a: Uint8Array, b: Uint8Array, length: number): boolean {
  const whole = length >> 3;
  for (let i = 0; i < whole; i++) if (a[i] !== b[i]) return false;
  const rest = length & 7;
  return rest === 0 || (((a[whole] ?? 0) ^ (b[whole] ?? 0)) & (0xff << (8 - rest)) & 0xff) === 0;
}

function mustParse(text: string): Prefix {
  const result = parsePrefix(text);
  if (!result.ok) throw new AddressError('PREFIX_INVALID', text, result.expected);
  return result.prefix;
}

/**
 * Is an address, or the whole of a second prefix, inside a prefix? Texts of different families never are.
 * @throws AddressError when one of the texts is no prefix or address
 */
export function prefixContains(prefix: string | Prefix, inner: string | Prefix | Uint8Array): boolean {
  const outer = typeof prefix === 'string' ? mustParse(prefix) : prefix;
  if (inner instanceof Uint8Array) {
    return inner.length === outer.bytes.length && sameBits(outer.bytes, inner, outer.length);
  }
  const other = typeof inner === 'string' ? mustParse(inner.includes('/') ? inner : hostPrefix(inner)) : inner;
  return (
    other.family === outer.family && other.length >= outer.length && sameBits(outer.bytes, other.bytes, outer.length)
  );
}

/**
 * Do two prefixes have an address in common, that is, is one inside the other?
 * @throws AddressError when one of the texts is no prefix
 */
export function prefixOverlaps(a: string | Prefix, b: string | Prefix): boolean {
  const one = typeof a === 'string' ? mustParse(a) : a;
  const two = typeof b === 'string' ? mustParse(b) : b;
  return one.family === two.family && sameBits(one.bytes, two.bytes, Math.min(one.length, two.length));
}

/** The address of a prefix in text, as it stands there: of a locator the one that its node is asked for by. */
export function prefixAddress(prefix: string): string {
  return prefix.slice(0, prefix.indexOf('/'));
}

/** The prefix that holds just this address (canonical text in, canonical text out): "10.0.0.10" → "10.0.0.10/32". */
export function hostPrefix(address: string): string {
  return familyOf(address) === 4 ? `${address}/32` : `${address}/128`;
}

/** The address of a prefix that holds just one, undefined when it holds more: "10.0.0.10/32" → "10.0.0.10". */
export function hostAddress(prefix: string): string | undefined {
  const suffix = familyOf(prefix) === 4 ? '/32' : '/128';
  return prefix.endsWith(suffix) ? prefix.slice(0, -suffix.length) : undefined;
}
