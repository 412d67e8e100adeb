import { isIP } from 'node:net';
import fc from 'fast-check';
import ip6addr from 'ip6addr';
import { describe, expect, test } from 'vitest';
import {
  AddressError,
  canonicalAddress,
  familyOf,
  formatAddress,
  parseAddress,
  tryWriteAddress,
  writeAddress,
} from '../../../../src/netlink/inet/address.js';

const ipv6Bytes = fc.oneof(
  fc.uint8Array({ minLength: 16, maxLength: 16 }),
  // Sparse ones, where the rules about zero runs decide.
  fc
    .array(fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: 0, max: 0xffff })), {
      minLength: 8,
      maxLength: 8,
    })
    .map((groups) => Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]))),
);
const ipv4Bytes = fc.uint8Array({ minLength: 4, maxLength: 4 });
const isMapped = (bytes: Uint8Array): boolean =>
  bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;

/** Text that is nearly an address, with the mistakes that matter. */
const nearAddress = fc.oneof(
  fc.string({ unit: fc.constantFrom(...'0123456789abcdefABF:.%/ g'), maxLength: 45 }),
  fc.ipV4(),
  fc.ipV6(),
  fc
    .tuple(fc.oneof(fc.ipV4(), fc.ipV6()), fc.nat(50), fc.constantFrom(':', '.', '0', '', '::', 'f', '1', ' '))
    .map(([text, at, put]) => text.slice(0, at) + put + text.slice(at + 1)),
);

describe('the canonical text (RFC 5952)', () => {
  test.each([
    // section 4.1, leading zeros
    ['2001:0db8::0001', '2001:db8::1'],
    // 4.2.1, as short as possible
    ['2001:db8:0:0:0:0:2:1', '2001:db8::2:1'],
    // 4.2.2, one group alone is not shortened
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    // 4.2.3, the longest run; the first of two as long
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    // 4.3, lower case
    ['2001:DB8::ABCD', '2001:db8::abcd'],
    ['::', '::'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['1::', '1::'],
    ['0:1::', '0:1::'],
    ['::ffff:192.0.2.1', '::ffff:192.0.2.1'],
    ['::ffff:c000:201', '::ffff:192.0.2.1'],
    ['64:ff9b::192.0.2.1', '64:ff9b::c000:201'],
    ['fd00:5e:1:4600:64:0:0:0', 'fd00:5e:1:4600:64::'],
    ['10.0.0.10', '10.0.0.10'],
    ['255.255.255.255', '255.255.255.255'],
  ])('of %s is %s', (text, canonical) => {
    expect(canonicalAddress(text)).toBe(canonical);
  });

  test('agrees with URL (WHATWG) and ip6addr', () => {
    fc.assert(
      fc.property(ipv6Bytes, (bytes) => {
        // Both write mapped addresses in hexadecimal, against RFC 5952 section 5 and inet_ntop.
        fc.pre(!isMapped(bytes));
        const groups = Array.from({ length: 8 }, (_, i) => ((bytes[i * 2] ?? 0) << 8) | (bytes[i * 2 + 1] ?? 0));
        const full = groups.map((group) => group.toString(16)).join(':');
        expect(formatAddress(bytes)).toBe(new URL(`http://[${full}]/`).hostname.slice(1, -1));
        // ip6addr shortens a single zero group, against section 4.2.2.
        const hasRun = groups.some((group, i) => group === 0 && groups[i + 1] === 0);
        if (hasRun || !groups.includes(0)) expect(formatAddress(bytes)).toBe(ip6addr.parse(full).toString());
      }),
      { numRuns: 2000 },
    );
  });

  test('parses to the same bytes', () => {
    fc.assert(
      fc.property(fc.oneof(ipv6Bytes, ipv4Bytes), (bytes) => {
        const text = formatAddress(bytes);
        expect(parseAddress(text)).toEqual({ family: bytes.length === 4 ? 4 : 6, bytes });
        expect(familyOf(text)).toBe(bytes.length === 4 ? 4 : 6);
        const out = new Uint8Array(20).fill(0xee);
        expect(writeAddress(text, out, 2)).toBe(bytes.length === 4 ? 4 : 6);
        expect(out.subarray(2, 2 + bytes.length)).toEqual(bytes);
        expect([out[1], out[2 + bytes.length]]).toEqual([0xee, 0xee]);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('parsing of addresses', () => {
  test.each([
    '010.1.1.1',
    '1.2.3',
    '1.2.3.4.5',
    '256.1.1.1',
    '1.2.3.4 ',
    'fe80::1%eth0',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1::2::3',
    '1:2:3:4:5:6:7::8',
    ':1::',
    '1:',
    '::1:',
    '00001::',
    '::1.2.3',
    '::01.2.3.4',
    '1:2:3:4:5:6:7:1.2.3.4',
    '',
    '10.0.0.0/8',
    '٣.1.1.1',
  ])('refuses "%s"', (text) => {
    expect(parseAddress(text)).toBeUndefined();
    expect(canonicalAddress(text)).toBeUndefined();
    expect(() => writeAddress(text, new Uint8Array(16), 0)).toThrow(AddressError);
  });

  test('agrees with net.isIP on any text without a zone id', () => {
    let accepted = 0;
    fc.assert(
      fc.property(nearAddress, (text) => {
        const expected = text.includes('%') ? 0 : isIP(text);
        if (expected !== 0) accepted++;
        expect(tryWriteAddress(text, text.length, new Uint8Array(16), 0)).toBe(expected);
      }),
      { numRuns: 20_000 },
    );
    expect(accepted).toBeGreaterThan(2000);
  });

  test('agrees with ip6addr on the bytes of any address', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV6(), fc.ipV4()), (text) => {
        const family = isIP(text);
        // ip6addr does not know the mixed notation.
        fc.pre(family === 4 || !text.includes('.'));
        const other = Uint8Array.from(ip6addr.parse(text).toBuffer());
        expect(parseAddress(text)).toEqual({ family, bytes: family === 4 ? other.slice(12) : other });
      }),
      { numRuns: 2000 },
    );
  });

  test('fails with the expected form in its message', () => {
    expect(() => writeAddress('010.1.1.1', new Uint8Array(16), 0)).toThrow(
      expect.objectContaining({ code: 'ADDRESS_INVALID', message: '"010.1.1.1": expected an IPv4 or IPv6 address' }),
    );
    expect(() => formatAddress(new Uint8Array(5))).toThrow('"0000000000": expected 4 or 16 bytes');
  });
});
