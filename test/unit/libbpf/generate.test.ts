/** Generated codecs: their golden text, and round trips of those generated from bpf/test. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Btf } from '../../../src/libbpf/btf.js';
import { fieldName, generate, typeName } from '../../../src/libbpf/generate.js';
import { Counters, Endpoint, EndpointKey, Event, PrefixKey } from '../../kernel/libbpf/generated/maps.js';
import { BtfWriter } from './btf-writer.js';

function bytes(length: number): fc.Arbitrary<Buffer> {
  return fc.uint8Array({ minLength: length, maxLength: length }).map((array) => Buffer.from(array));
}
const u8 = fc.integer({ min: 0, max: 0xff });
const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

const hop = fc.record({ sourceMac: bytes(6), destMac: bytes(6), ifindex: u32 });
const cases = [
  ['EndpointKey', EndpointKey, fc.record({ tenant: u32, address: bytes(16) })],
  ['Counters', Counters, fc.record({ packets: u64, bytes: u64 })],
  ['PrefixKey', PrefixKey, fc.record({ prefixLen: u32, tenant: u32, address: bytes(16) })],
  ['Event', Event, fc.record({ kind: u32, bytes: u32, ethertype: u16, source: bytes(6), tenant: u32, padding: u32 })],
  [
    'Endpoint',
    Endpoint,
    fc.record({
      sid: bytes(16),
      paths: fc.array(hop, { minLength: 2, maxLength: 2 }),
      port: u16,
      pathCount: u8,
      local: fc.boolean(),
      last: u32,
      weight: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
      flowLabel: u32,
      packets: u64,
      gateway6: bytes(16),
      level: fc.integer({ min: -128, max: 127 }),
    }),
  ],
] as const;

describe.each(cases)('%s', (_, codec, arbitrary) => {
  it('survives a round trip at any offset, and touches no other byte', () => {
    const { SIZE, encode, decode } = codec as {
      SIZE: number;
      encode: (b: Buffer, o: number, v: unknown) => void;
      decode: (b: Buffer, o: number) => unknown;
    };
    fc.assert(
      fc.property(arbitrary as fc.Arbitrary<unknown>, fc.nat(64), fc.nat(255), (value, offset, filler) => {
        const into = Buffer.alloc(offset + SIZE + 8, filler);
        encode(into, offset, value);
        expect(decode(into, offset)).toEqual(value);
        expect(into.subarray(0, offset)).toEqual(Buffer.alloc(offset, filler));
        expect(into.subarray(offset + SIZE)).toEqual(Buffer.alloc(8, filler));
        const clean = Buffer.alloc(SIZE);
        encode(clean, 0, value);
        // Padding is zero whatever was there.
        expect(into.subarray(offset, offset + SIZE)).toEqual(clean);
      }),
    );
  });
});

describe('values of the wrong size', () => {
  const key: EndpointKey = { tenant: 1, address: Buffer.alloc(16) };

  it('are refused', () => {
    const into = Buffer.alloc(EndpointKey.SIZE);
    expect(() => {
      EndpointKey.encode(into, 0, { ...key, address: Buffer.alloc(4) });
    }).toThrow('encode endpoint_key.address: the value is 4 bytes, expected 16 bytes');
    expect(() => {
      EndpointKey.encode(into, 0, { ...key, tenant: -1 });
    }).toThrow(RangeError);
    expect(() => {
      EndpointKey.encode(into, 1, key);
    }).toThrow(RangeError);
    expect(() => EndpointKey.decode(into, 1)).toThrow(RangeError);
  });
});

describe('generated text', () => {
  const options = { source: 'x.bpf.c', codec: './codec.js', structs: ['route'] };

  function route(w: BtfWriter): Btf {
    const int = w.int('unsigned int', 4);
    const be32 = w.reference('typedef', '__be32', int);
    const kind = w.enum('route_kind', { DIRECT: 0, VIA: 1 });
    w.struct('struct', 'route', 24, [
      { name: 'next_hop', type: be32, at: 0 },
      { name: 'kind', type: kind, at: 32 },
      { name: 'grid', type: w.array(w.array(int, 2), 2), at: 64 },
    ]);
    return new Btf(w.bytes());
  }

  it('equals the snapshot (before prettier)', () => {
    expect(generate(route(new BtfWriter()), options)).toMatchInlineSnapshot(`
      "// Generated from the BTF of x.bpf.c by \`make gen\`: do not edit, change the C.

      import { checkLength, type Codec } from './codec.js';

      /** enum route_kind */
      export const RouteKind = {
      DIRECT: 0,
      VIA: 1,
      } as const;

      /** struct route, 24 bytes */
      export interface Route {
      nextHop: number;
      /** RouteKind */
      kind: number;
      /** 2 */
      grid: number[][];
      }

      export const Route = {
      NAME: 'struct route',
      SIZE: 24,
      OFFSETS: { nextHop: 0, kind: 4, grid: 8 },
      encode(into: Buffer, offset: number, value: Route): void {
      into.writeUInt32BE(value.nextHop, offset);
      into.writeUInt32LE(value.kind, offset + 4);
      checkLength(value.grid, 2, 'route.grid');
      for (const [index, element] of value.grid.entries()) {
      checkLength(element, 2, 'route.grid');
      for (const [index1, element1] of element.entries()) {
      into.writeUInt32LE(element1, offset + 8 + index * 8 + index1 * 4);
      }
      }
      },
      decode(from: Buffer, offset: number): Route {
      return {
      nextHop: from.readUInt32BE(offset),
      kind: from.readUInt32LE(offset + 4),
      grid: Array.from({ length: 2 }, (_, index) => Array.from({ length: 2 }, (_, index1) => from.readUInt32LE(offset + 8 + index * 8 + index1 * 4))),
      };
      },
      } as const satisfies Codec<Route> & { OFFSETS: Record<keyof Route, number> };"
    `);
  });

  it('is refused for an unknown struct, and for two of one name', () => {
    expect(() => generate(route(new BtfWriter()), { ...options, structs: ['roue'] })).toThrow(
      'generate struct roue: not in the object',
    );
    const w = new BtfWriter();
    const int = w.int('unsigned int', 4);
    w.struct('struct', 'a_b', 4, [{ name: 'x', type: int, at: 0 }]);
    w.struct('struct', 'a__b', 4, [{ name: 'y', type: int, at: 0 }]);
    expect(() => generate(new Btf(w.bytes()), { ...options, structs: ['a_b', 'a__b'] })).toThrow(
      'generate AB: two different types of that name',
    );
  });

  it('has names derived from C’s', () => {
    expect(['next_hop', 'in6_addr', '__u32', 'a', 'bpf_devmap_val'].map(typeName)).toEqual([
      'NextHop',
      'In6Addr',
      'U32',
      'A',
      'BpfDevmapVal',
    ]);
    expect(['dest_mac', 'sid', 'x_2'].map(fieldName)).toEqual(['destMac', 'sid', 'x2']);
  });
});
