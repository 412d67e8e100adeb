/** Wire formats of numbers, addresses and domain names. */
import { addressLength, familyOf, parsePrefix, writeAddress } from 'netlink-ts/inet';

export function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

const IPV4_BITS = 32;

/** The mask of a prefix length of IPv4. */
export function maskOf(length: number): Buffer {
  return u32(length === 0 ? 0 : (0xffffffff << (IPV4_BITS - length)) >>> 0);
}

export function address(text: string): Buffer {
  const bytes = Buffer.alloc(addressLength(familyOf(text)));
  writeAddress(text, bytes, 0);
  return bytes;
}

export function mac(text: string): Buffer {
  return Buffer.from(text.replaceAll(':', ''), 'hex');
}

/** @throws RangeError if the text is no prefix */
export function prefix(text: string): { bytes: Buffer; length: number } {
  const parsed = parsePrefix(text);
  if (!parsed.ok) throw new RangeError(`${text}: expected ${parsed.expected}`);
  return { bytes: Buffer.from(parsed.prefix.bytes), length: parsed.prefix.length };
}

/** A domain name as labels with their lengths, without compression (RFC 1035 section 3.1). */
export function domainName(text: string): Buffer {
  const labels = text.split('.').map((label) => Buffer.concat([Buffer.of(label.length), Buffer.from(label, 'latin1')]));
  return Buffer.concat([...labels, Buffer.of(0)]);
}
