import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalMac, formatMac, isUnicastMac, parseMac, writeMac } from '../../../../src/netlink/inet/mac.js';

test('a MAC address survives a round trip through text, in either case', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 6, maxLength: 6 }), (bytes) => {
      const text = formatMac(bytes);
      expect(parseMac(text)).toEqual(bytes);
      expect(canonicalMac(text.toUpperCase())).toBe(text);
      const out = new Uint8Array(8);
      writeMac(text, out, 1);
      expect(out.subarray(1, 7)).toEqual(bytes);
    }),
  );
});

test.each(['02:00:00:00:00', '02:00:00:00:00:0a:0b', '2:0:0:0:0:a', '02-00-00-00-00-0a', '02:00:00:00:00:0g', ''])(
  '"%s" is not a MAC address',
  (text) => {
    expect(parseMac(text)).toBeUndefined();
    expect(canonicalMac(text)).toBeUndefined();
    expect(() => {
      writeMac(text, new Uint8Array(6), 0);
    }).toThrow(expect.objectContaining({ code: 'MAC_INVALID', value: text }));
  },
);

test('isUnicastMac() refuses multicast and zero addresses', () => {
  expect(isUnicastMac(Uint8Array.from([2, 0, 0, 0, 0, 1]))).toBe(true);
  expect(isUnicastMac(Uint8Array.from([3, 0, 0, 0, 0, 1]))).toBe(false);
  expect(isUnicastMac(new Uint8Array(6))).toBe(false);
});
