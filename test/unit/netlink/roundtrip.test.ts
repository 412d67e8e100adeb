/** A codec reads what it writes: requests and reports have one shape. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createAddress, decodeAddress } from '../../../src/netlink/address.js';
import { createNeighbour, decodeNeighbour } from '../../../src/netlink/neighbour.js';
import { decodeLink, newLink, setLink } from '../../../src/netlink/link.js';
import { createNexthop, decodeNexthop } from '../../../src/netlink/nexthop.js';
import { type MessageView, viewMessage } from '../../../src/netlink/reader.js';
import type { NetlinkRequest } from '../../../src/netlink/request.js';
import { createRoute, decodeRoute } from '../../../src/netlink/route.js';
import { createRule, decodeRule } from '../../../src/netlink/rule.js';
import { MessageWriter } from '../../../src/netlink/writer.js';
import { address, encap, family, ifindex, mac, prefix, u32, u8 } from './arbitraries.js';

const writer = new MessageWriter();

function reread<T>(request: NetlinkRequest, decode: (view: MessageView) => T | undefined): T | undefined {
  writer.rewind();
  // What an earlier message left behind must not show.
  writer.buffer.fill(0xa5);
  request.encode(writer);
  return decode(viewMessage(writer.written()));
}

const metrics = fc.record(
  { lock: u32, mtu: u32, advmss: u32, hoplimit: u32, initcwnd: u32, rtoMin: u32, quickack: u32 },
  { requiredKeys: ['mtu'] },
);

const routeBase = family.chain((of) =>
  fc.record(
    {
      family: fc.constant(of),
      table: u32,
      prefix: prefix(of),
      type: fc.constantFrom('unicast', 'local', 'blackhole', 'unreachable', 'prohibit', 'throw'),
      protocol: u8,
      scope: u8,
      metric: u32,
      tos: fc.integer({ min: 1, max: 255 }),
      prefSrc: address(of),
      metrics,
    },
    { requiredKeys: ['family', 'table', 'prefix', 'type', 'protocol', 'scope', 'metric'] },
  ),
);

const leg = fc.record({ oif: ifindex, gateway: family.chain(address), encap }, { requiredKeys: ['oif'] });

test('routes with device, gateway and tunnel survive a round trip', () => {
  fc.assert(
    fc.property(routeBase, leg, (base, way) => {
      fc.pre(base.family === 4 || way.gateway?.includes(':') !== false);
      const route = { ...base, ...way };
      expect(reread(createRoute(route), decodeRoute)).toEqual(route);
    }),
    { numRuns: 1000 },
  );
});

test('routes with a next-hop object or several next hops survive a round trip', () => {
  const legs = fc.array(fc.tuple(leg, fc.integer({ min: 1, max: 256 })), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(routeBase, u32, legs, (base, nexthopId, ways) => {
      expect(reread(createRoute({ ...base, nexthopId }), decodeRoute)).toEqual({ ...base, nexthopId });
      const nexthops = ways.map(([way, weight]) => ({ ...way, weight, flags: 4 }));
      expect(reread(createRoute({ ...base, nexthops }), decodeRoute)).toEqual({ ...base, nexthops });
    }),
  );
});

test('next-hop objects survive a round trip', () => {
  const single = fc.record(
    { id: u32, family, oif: ifindex, protocol: u8, encap, flags: fc.constantFrom(0, 4) },
    { requiredKeys: ['id', 'family', 'protocol', 'flags'] },
  );
  const group = fc.record({
    id: u32,
    protocol: u8,
    flags: fc.constant(0),
    groupType: fc.constantFrom(0, 1),
    group: fc.array(fc.record({ id: u32, weight: fc.integer({ min: 1, max: 65536 }) }), {
      minLength: 1,
      maxLength: 32,
    }),
  });
  fc.assert(
    fc.property(fc.oneof(single, group), (nexthop) => {
      expect(reread(createNexthop(nexthop), decodeNexthop)).toEqual(nexthop);
    }),
  );
});

test('rules survive a round trip', () => {
  const range = fc.tuple(fc.nat(65535), fc.nat(65535)).map(([start, end]) => ({ start, end }));
  const rule = family.chain((of) =>
    fc.record(
      {
        family: fc.constant(of),
        priority: fc.nat(0xffffffff),
        from: prefix(of, 1),
        to: prefix(of, 1),
        iif: fc.constantFrom('v0', 'abcdefghijklmno'),
        oif: fc.constantFrom('v0', 'abcdefghijklmno'),
        table: u32,
        action: fc.constantFrom('table', 'goto', 'nop', 'blackhole', 'unreachable', 'prohibit'),
        protocol: u8,
        l3mdev: fc.constant(false),
        fwmark: u32,
        fwmask: u32,
        tos: fc.integer({ min: 1, max: 255 }),
        gotoTarget: u32,
        suppressPrefixLength: fc.nat(128),
        suppressIfgroup: fc.nat(100),
        ipProtocol: u8,
        sourcePorts: range,
        destinationPorts: range,
        uidRange: range,
        tunnelId: fc.bigInt({ min: 0n, max: 0xffffffffffffffffn }),
        flags: fc.constant(0),
      },
      { requiredKeys: ['family', 'priority', 'table', 'action', 'protocol', 'l3mdev', 'fwmark', 'flags'] },
    ),
  );
  fc.assert(
    fc.property(rule, (value) => {
      expect(reread(createRule(value), decodeRule)).toEqual(value);
      const l3mdev = { ...value, l3mdev: true, table: 0 };
      expect(reread(createRule({ ...l3mdev, table: 7 }), decodeRule)).toEqual(l3mdev);
    }),
    { numRuns: 500 },
  );
});

test('neighbours and proxy entries survive a round trip', () => {
  const neighbour = family.chain((of) =>
    fc.record(
      {
        family: fc.constant(of),
        ifindex,
        address: address(of),
        mac,
        state: fc.constantFrom(0, 1, 2, 4, 8, 16, 32, 64, 128),
        proxy: fc.constant(false),
        flags: fc.constantFrom(0, 0x10, 0x80, 0x110),
        protocol: u8,
      },
      { requiredKeys: ['family', 'ifindex', 'address', 'state', 'proxy', 'flags'] },
    ),
  );
  fc.assert(
    fc.property(neighbour, (value) => {
      expect(reread(createNeighbour(value), decodeNeighbour)).toEqual(value);
      const proxy = { ...value, proxy: true, flags: value.flags | 8 };
      expect(reread(createNeighbour({ ...value, proxy: true }), decodeNeighbour)).toEqual(proxy);
    }),
  );
});

test('interface addresses survive a round trip', () => {
  const value = family.chain((of) =>
    fc.record(
      {
        ifindex,
        address: address(of),
        length: fc.integer({ min: 0, max: of === 4 ? 32 : 128 }),
        scope: u8,
        noprefixroute: fc.boolean(),
        nodad: fc.boolean(),
        peer: address(of),
        broadcast: address(of),
        label: fc.constantFrom('v0', 'v0:1'),
        metric: u32,
        protocol: u8,
        preferredLifetime: fc.nat(0xfffffffe),
        validLifetime: fc.nat(0xfffffffe),
      },
      { requiredKeys: ['ifindex', 'address', 'length', 'scope', 'noprefixroute', 'nodad'] },
    ),
  );
  fc.assert(
    fc.property(value, (spec) => {
      fc.pre(spec.peer !== spec.address);
      const back = reread(createAddress(spec), decodeAddress);
      expect(back).toMatchObject(spec);
      expect(back?.flags).toBe((spec.noprefixroute ? 0x200 : 0) | (spec.nodad ? 2 : 0));
    }),
  );
});

test('links survive a round trip', () => {
  const link = fc.record(
    {
      name: fc.constantFrom('v0', 'sg-16777215', 'abcdefghijklmno'),
      kind: fc.constant('vrf' as const),
      vrfTable: u32,
      up: fc.boolean(),
      mtu: u32,
      mac,
      master: ifindex,
      index: ifindex,
    },
    { requiredKeys: ['name', 'kind', 'vrfTable', 'index', 'up'] },
  );
  fc.assert(
    fc.property(link, (spec) => {
      expect(reread(newLink(spec), decodeLink)).toMatchObject(spec);
    }),
  );
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('s', ':', 'ü', '€'), minLength: 1, maxLength: 60 }), (alias) => {
      expect(reread(setLink(7, { alias }), decodeLink)).toMatchObject({ index: 7, alias });
    }),
  );
});

test('decoders never read beyond a truncated or corrupt message', () => {
  const decoders = [decodeRoute, decodeNexthop, decodeRule, decodeNeighbour, decodeAddress, decodeLink];
  fc.assert(
    fc.property(fc.constantFrom(16, 20, 24, 28, 32, 104), fc.uint8Array({ maxLength: 200 }), (type, noise) => {
      const message = Buffer.alloc(16 + 16 + noise.length);
      message.writeUInt32LE(message.length, 0);
      message.writeUInt16LE(type, 4);
      message[16] = 2;
      message.set(noise, 32);
      // Lengths within the noise are random: either a value or nothing, or a RangeError from the end of the buffer.
      for (const decode of decoders) {
        try {
          decode(viewMessage(message));
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }
    }),
    { numRuns: 1000 },
  );
});
