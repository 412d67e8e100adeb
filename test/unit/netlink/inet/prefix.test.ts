import fc from 'fast-check';
import ip6addr from 'ip6addr';
import { describe, expect, test } from 'vitest';
import { formatAddress } from '../../../../src/netlink/inet/address.js';
import {
  canonicalPrefix,
  formatPrefix,
  hostAddress,
  hostPrefix,
  maskBytes,
  parsePrefix,
  prefixContains,
  prefixOverlaps,
  writePrefix,
} from '../../../../src/netlink/inet/prefix.js';

const prefix = fc
  .constantFrom<4 | 6>(4, 6)
  .chain((family) =>
    fc.tuple(
      fc.constant(family),
      fc.uint8Array({ minLength: family === 4 ? 4 : 16, maxLength: family === 4 ? 4 : 16 }),
      fc.nat(family === 4 ? 32 : 128),
    ),
  )
  .map(([family, bytes, length]) => {
    maskBytes(bytes, length);
    return { family, bytes, length };
  });

/** All bits as one number: the definition everything clever is compared with. */
function bits(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
}

describe('parsePrefix', () => {
  test.each([
    ['10.0.0.0', 'no-length', 'a prefix, address/length'],
    ['10.0.0.1/24', 'host-bits', 'no bits set beyond the length: 10.0.0.0/24'],
    ['fd00::1/64', 'host-bits', 'no bits set beyond the length: fd00::/64'],
    ['10.0.0.0/31.', 'bad-length', 'a decimal length from 0 to 32 without leading zeros after the "/"'],
    ['10.0.0.0/08', 'bad-length', 'a decimal length from 0 to 32 without leading zeros after the "/"'],
    ['10.0.0.0/00', 'bad-length', 'a decimal length from 0 to 32 without leading zeros after the "/"'],
    ['10.0.0.0/+8', 'bad-length', 'a decimal length from 0 to 32 without leading zeros after the "/"'],
    ['10.0.0.0/', 'bad-length', 'a decimal length from 0 to 32 without leading zeros after the "/"'],
    ['fd00::/1 ', 'bad-length', 'a decimal length from 0 to 128 without leading zeros after the "/"'],
    ['10.0.0.0/33', 'length-too-long', 'a length of at most 32'],
    ['fd00::/129', 'length-too-long', 'a length of at most 128'],
    ['010.0.0.0/8', 'bad-address', 'an IPv4 or IPv6 address before the "/"'],
    ['fe80::%eth0/64', 'bad-address', 'an IPv4 or IPv6 address before the "/"'],
    ['/8', 'bad-address', 'an IPv4 or IPv6 address before the "/"'],
    ['10.0.0.0/8/8', 'bad-length', 'a decimal length from 0 to 32 without leading zeros after the "/"'],
  ])('refuses %s: %s', (text, reason, expected) => {
    expect(parsePrefix(text)).toEqual({ ok: false, reason, expected });
    expect(canonicalPrefix(text)).toBeUndefined();
    expect(() => writePrefix(text, new Uint8Array(16), 0)).toThrow(
      expect.objectContaining({ code: 'PREFIX_INVALID', value: text }),
    );
  });

  test.each([
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['FD00:0010::/64', 'fd00:10::/64'],
    ['::/0', '::/0'],
    ['10.0.0.10/32', '10.0.0.10/32'],
  ])('canonicalises %s to %s', (text, canonical) => {
    expect(canonicalPrefix(text)).toBe(canonical);
  });

  test('survives a round trip through text', () => {
    fc.assert(
      fc.property(prefix, (value) => {
        const text = formatPrefix(value);
        expect(parsePrefix(text)).toEqual({ ok: true, prefix: value });
        const out = new Uint8Array(16);
        expect(writePrefix(text, out, 0)).toBe(value.length);
        expect(out.subarray(0, value.bytes.length)).toEqual(value.bytes);
      }),
    );
  });

  test('refuses any bit beyond the length', () => {
    fc.assert(
      fc.property(prefix, fc.nat(127), (value, bit) => {
        const size = value.bytes.length * 8;
        fc.pre(value.length < size);
        const at = value.length + (bit % (size - value.length));
        const bytes = value.bytes.slice();
        bytes[at >> 3] = (bytes[at >> 3] ?? 0) | (0x80 >> (at & 7));
        const result = parsePrefix(`${formatAddress(bytes)}/${value.length}`);
        expect(result).toMatchObject({ ok: false, reason: 'host-bits' });
      }),
    );
  });
});

describe('prefix containment', () => {
  test('agrees with bit arithmetic and ip6addr', () => {
    fc.assert(
      fc.property(prefix, prefix, fc.boolean(), (a, b, related) => {
        // Random prefixes never meet: half of the time b is made from a.
        const other = related ? { ...a, bytes: a.bytes.slice(), length: Math.min(b.length, a.bytes.length * 8) } : b;
        maskBytes(other.bytes, other.length);
        const same = a.family === other.family;
        const shorter = Math.min(a.length, other.length);
        const inside =
          same && other.length >= a.length && bits(other.bytes).startsWith(bits(a.bytes).slice(0, a.length));
        expect(prefixContains(formatPrefix(a), formatPrefix(other))).toBe(inside);
        expect(prefixOverlaps(formatPrefix(a), formatPrefix(other))).toBe(
          same && bits(a.bytes).slice(0, shorter) === bits(other.bytes).slice(0, shorter),
        );
        expect(prefixOverlaps(other, a)).toBe(prefixOverlaps(a, other));
        if (same && a.family === 6) {
          const address = formatAddress(other.bytes);
          expect(prefixContains(a, address)).toBe(ip6addr.createCIDR(formatPrefix(a)).contains(address));
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('includes the address of a host prefix', () => {
    expect(hostPrefix('10.0.0.10')).toBe('10.0.0.10/32');
    expect(hostPrefix('fd00::a')).toBe('fd00::a/128');
    expect(hostAddress('10.0.0.10/32')).toBe('10.0.0.10');
    expect(hostAddress('fd00::a/128')).toBe('fd00::a');
    expect(hostAddress('fd00::/32')).toBeUndefined();
    expect(prefixContains('10.0.0.0/24', '10.0.0.10')).toBe(true);
    expect(prefixContains('10.0.0.0/24', '10.0.1.10')).toBe(false);
    expect(prefixContains('::/0', '10.0.1.10')).toBe(false);
    expect(() => prefixContains('10.0.0.0/24', 'ten')).toThrow('"ten/32"');
  });
});
