import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reservedRole } from '../../../src/intent/check/tenants.js';
import { type AddressField, type PrefixField, readAddress, readPrefix } from '../../../src/intent/fields.js';
import { Refusal } from '../../../src/intent/findings.js';
import { LineIndex } from '../../../src/intent/lines.js';
import { nearest } from '../../../src/intent/nearest.js';
import { PrefixIndex } from '../../../src/intent/prefix-index.js';
import { showValue } from '../../../src/intent/show.js';
import { formatAddress, maskBytes, prefixContains } from 'netlink-ts/inet';

const bytes = fc.oneof(
  fc.uint8Array({ minLength: 4, maxLength: 4 }),
  fc.uint8Array({ minLength: 16, maxLength: 16 }),
  // Close to each other, so that prefixes meet.
  fc.uint8Array({ minLength: 4, maxLength: 4, max: 3 }),
  fc.uint8Array({ minLength: 16, maxLength: 16, max: 1 }),
);
const prefix = fc.tuple(bytes, fc.nat({ max: 128 })).map(([address, n]): PrefixField => {
  const length = n % (address.length * 8 + 1);
  const masked = address.slice();
  maskBytes(masked, length);
  return { family: masked.length === 4 ? 4 : 6, bytes: masked, length, text: `${formatAddress(masked)}/${length}` };
});

describe('PrefixIndex', { timeout: 300_000 }, () => {
  it('finds the same prefixes as a linear search', () => {
    fc.assert(
      fc.property(fc.array(prefix, { maxLength: 40 }), bytes, (prefixes, address) => {
        const index = new PrefixIndex<string>();
        for (const one of prefixes) index.add(one, one.text);
        const expected = [...new Map(prefixes.map((one) => [one.text, one])).values()]
          .filter((one) => prefixContains(one, address))
          .sort((a, b) => a.length - b.length)
          .map(({ text }) => text);
        expect([...index.covering(address)]).toEqual(expected);
        expect(index.cover(address)).toBe(expected[0]);
      }),
      { numRuns: 500 },
    );
  });
});

describe('reservedRole', { timeout: 300_000 }, () => {
  it('agrees with integer arithmetic', () => {
    fc.assert(
      fc.property(prefix, fc.nat({ max: 3 }), fc.bigInt({ min: 0n, max: 1n << 128n }), (subnet, which, random) => {
        const bits = subnet.bytes.length * 8;
        const size = 1n << BigInt(bits - subnet.length);
        const host = [0n, size - 1n, 1n % size, random % size][which] ?? 0n;
        const base = BigInt(`0x${Buffer.from(subnet.bytes).toString('hex')}`);
        const hex = (base + host).toString(16).padStart(bits / 4, '0');
        const address: AddressField = {
          family: subnet.family,
          bytes: new Uint8Array(Buffer.from(hex, 'hex')),
          text: '',
        };
        let role: string | undefined;
        if (size > 2n && host === 0n) role = subnet.family === 4 ? 'network' : 'subnet-router anycast';
        else if (size > 2n && host === size - 1n && subnet.family === 4) role = 'broadcast';
        expect(reservedRole(subnet, address)).toBe(role);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('fields', { timeout: 300_000 }, () => {
  it('share one string for equal text, and leave canonical text unchanged', () => {
    fc.assert(
      fc.property(bytes, (address) => {
        const text = formatAddress(address);
        const read = readAddress(text);
        if (!(read instanceof Refusal))
          expect(read).toEqual({ family: text.includes(':') ? 6 : 4, bytes: address, text });
      }),
    );
  });

  it('refuse prefixes that partly cover special ranges', () => {
    for (const text of ['0.0.0.0/0', '::/0', '128.0.0.0/1', '224.0.0.0/3', '::/8', 'fe80::/9', '126.0.0.0/7']) {
      expect(readPrefix(text), text).toBeInstanceOf(Refusal);
    }
    for (const text of ['10.0.0.0/8', '2000::/3', 'fc00::/7', '64:ff9b::/96', '240.0.0.0/5', '1.0.0.0/8']) {
      expect(readPrefix(text), text).not.toBeInstanceOf(Refusal);
    }
  });
});

describe('nearest', { timeout: 300_000 }, () => {
  it.each([
    ['adresses', ['addresses', 'prefixes'], 'addresses'],
    ['Tenant', ['tenant', 'tenants'], 'tenant'],
    ['subents', ['subnets', 'name'], 'subnets'],
    ['x', ['id', 'mtu'], undefined],
    ['hv3', ['hv1', 'hv2'], undefined],
    ['hv3', ['hv1', 'compute'], 'hv1'],
    ['colour', ['name', 'locator'], undefined],
    ['', ['a'], undefined],
  ])('word to %s in %j is %s', (word, known, expected) => {
    expect(nearest(word, known)).toBe(expected);
  });
});

describe('showValue', { timeout: 300_000 }, () => {
  it.each([
    [undefined, 'missing'],
    [null, 'null'],
    ['a"b', '"a\\"b"'],
    [{ a: 1 }, '{"a":1}'],
    [[1, 2, 3, 4, 5], 'a list of 5'],
    [{ a: 1, b: 2, c: 3, d: 4, e: 5 }, 'a map of 5 keys'],
    [NaN, 'NaN'],
    [true, 'true'],
  ])('(%j)', (value, shown) => {
    expect(showValue(value)).toBe(shown);
  });

  it('returns one line of limited length for any value', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        expect(showValue(value)).not.toContain('\n');
        expect(showValue(value).length).toBeLessThanOrEqual(63);
      }),
    );
    expect(showValue('x'.repeat(1e7))).toBe(`"${'x'.repeat(59)}...`);
    let deep: unknown = [];
    for (let i = 0; i < 1e5; i++) deep = [deep];
    expect(showValue(deep)).toBe('a list of 1');
  });
});

describe('LineIndex', { timeout: 300_000 }, () => {
  it('agrees with splitting at newlines', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', '\n', 'é', '\r')), fc.nat(), (chars, n) => {
        const text = chars.join('');
        const offset = n % (text.length + 1);
        const before = text.slice(0, offset).split('\n');
        expect(new LineIndex(text).at(offset)).toEqual({
          line: before.length,
          column: (before.at(-1) ?? '').length + 1,
        });
      }),
    );
  });
});
