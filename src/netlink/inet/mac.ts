/** Ethernet addresses: "02:00:00:00:00:0a", lower case, colons. */
import { AddressError } from './address.js';

const PATTERN = /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/i;

/** 6 bytes of a colon-separated MAC address in either case, undefined when the text is none. */
export function parseMac(text: string): Uint8Array | undefined {
  if (!PATTERN.test(text)) return undefined;
  const bytes = new Uint8Array(6);
  for (let i = 0; i < 6; i++) bytes[i] = parseInt(text.slice(i * 3, i * 3 + 2), 16);
  return bytes;
}

/** Canonical text of `length` bytes at offset (6 for Ethernet; other link layers have other lengths). */
export function formatMac(bytes: Uint8Array, offset = 0, length = 6): string {
  let text = '';
  for (let i = 0; i < length; i++) {
    const byte = bytes[offset + i] ?? 0;
    text += `${i > 0 ? ':' : ''}${byte < 16 ? '0' : ''}${byte.toString(16)}`;
  }
  return text;
}

/** Lower-case text of a MAC address, undefined when the text is none. */
export function canonicalMac(text: string): string | undefined {
  return PATTERN.test(text) ? text.toLowerCase() : undefined;
}

/**
 * Writes 6 bytes to buf at offset.
 * @throws AddressError (MAC_INVALID)
 */
export function writeMac(text: string, buf: Uint8Array, offset: number): void {
  const bytes = parseMac(text);
  if (!bytes) throw new AddressError('MAC_INVALID', text, 'a MAC address such as 02:00:00:00:00:0a');
  buf.set(bytes, offset);
}

/** Is it an address one host can have: group bit clear and not all zero? */
export function isUnicastMac(bytes: Uint8Array): boolean {
  return ((bytes[0] ?? 1) & 1) === 0 && bytes.some((byte) => byte !== 0);
}
