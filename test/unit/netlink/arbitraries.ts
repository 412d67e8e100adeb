/** Objects that the kernel could have, for round-trip properties. */
import fc from 'fast-check';
import { formatAddress, formatMac, formatPrefix, maskBytes } from 'netlink-ts/inet';
import type { AddressFamily, Encap, Seg6LocalEncap } from '../../../src/netlink/types.js';

export const family = fc.constantFrom<AddressFamily>(4, 6);
export const u32 = fc.integer({ min: 1, max: 0xffffffff });
export const u8 = fc.integer({ min: 0, max: 255 });
export const ifindex = fc.integer({ min: 1, max: 0x7fffffff });

export function address(of: AddressFamily): fc.Arbitrary<string> {
  const size = of === 4 ? 4 : 16;
  return fc.uint8Array({ minLength: size, maxLength: size }).map((bytes) => formatAddress(bytes));
}

export function prefix(of: AddressFamily, minLength = 0): fc.Arbitrary<string> {
  const size = of === 4 ? 4 : 16;
  return fc
    .tuple(fc.uint8Array({ minLength: size, maxLength: size }), fc.integer({ min: minLength, max: size * 8 }))
    .map(([bytes, length]) => {
      maskBytes(bytes, length);
      return formatPrefix({ family: of, bytes, length });
    });
}

export const mac = fc.uint8Array({ minLength: 6, maxLength: 6 }).map((bytes) => formatMac(bytes));

const segments = fc.array(address(6), { minLength: 1, maxLength: 8 });

const seg6: fc.Arbitrary<Encap> = fc.record({
  type: fc.constant('seg6' as const),
  mode: fc.constantFrom('encap', 'encap.red', 'inline', 'l2encap', 'l2encap.red'),
  segments,
});

const seg6local: fc.Arbitrary<Seg6LocalEncap> = fc.record(
  {
    type: fc.constant('seg6local' as const),
    action: fc.constantFrom('End', 'End.X', 'End.T', 'End.DX6', 'End.DX4', 'End.DT6', 'End.DT4', 'End.B6', 'End.DT46'),
    table: u32,
    vrfTable: u32,
    nh4: address(4),
    nh6: address(6),
    iif: ifindex,
    oif: ifindex,
    segments,
    flavors: u32,
  },
  { requiredKeys: ['type', 'action'] },
);

/** A seg6local that counts comes back with counters, all zero as long as it is our own message. */
export const encap: fc.Arbitrary<Encap> = fc.oneof(
  seg6,
  seg6local,
  seg6local.map((value) => ({ ...value, count: true, counters: { packets: 0n, bytes: 0n, errors: 0n } })),
);
