import { describe, expect, test } from 'vitest';
import { createAddress } from '../../../src/netlink/address.js';
import { NetlinkError } from '../../../src/netlink/error.js';
import {
  createNexthop,
  decodeNexthop,
  deleteNexthop,
  dumpNexthopsRequest,
  getNexthopRequest,
  replaceNexthop,
} from '../../../src/netlink/nexthop.js';
import {
  appendRoute,
  createRoute,
  decodeRoute,
  deleteRoute,
  dumpRoutesRequest,
  lookupRoute,
  replaceRoute,
} from '../../../src/netlink/route.js';
import { getTunnelSource, setTunnelSource } from '../../../src/netlink/seg6.js';
import type { Route, RouteSpec } from '../../../src/netlink/types.js';
import { TestNetns } from './harness.js';

const TABLE = 0x5e000064;

interface IpRoute {
  type?: string;
  dst: string;
  dev?: string;
  gateway?: string;
  via?: { family: string; host: string };
  protocol?: string;
  scope?: string;
  metric?: number;
  nhid?: number;
  metrics?: Record<string, number>[];
  prefsrc?: string;
  encap?: string;
  mode?: string;
  segs?: string[];
  action?: string;
  nexthops?: { dev: string; weight: number; gateway?: string }[];
}

/** Every way of a route the native kernel knows; what needs a VRF is in test/netns. */
function specs(oif: number, peer: number): RouteSpec[] {
  const v4 = (n: number, spec: Partial<RouteSpec>): RouteSpec => ({
    table: TABLE,
    prefix: `10.9.${n}.0/24`,
    protocol: 94,
    ...spec,
  });
  const v6 = (n: number, spec: Partial<RouteSpec>): RouteSpec => ({
    table: TABLE,
    prefix: `fd00:9:${n}::/64`,
    protocol: 94,
    ...spec,
  });
  const sid = (n: number, encap: Omit<Extract<RouteSpec['encap'], { type: 'seg6local' }>, 'type'>): RouteSpec => ({
    table: TABLE,
    prefix: `fd00:5e:1:${n}::/128`,
    oif,
    metric: 1024,
    encap: { type: 'seg6local', ...encap },
  });
  return [
    v4(1, { oif }),
    v4(2, { oif, gateway: '10.0.0.2', metric: 50 }),
    v4(3, { oif, gateway: 'fe80::1' }),
    v4(4, { nexthopId: 7 }),
    v4(5, { oif, encap: { type: 'seg6', mode: 'encap', segments: ['fd00:5e:2::1'] } }),
    v4(6, {
      oif,
      encap: { type: 'seg6', mode: 'encap.red', segments: ['fd00:5e:9:1::', 'fd00:5e:9:2::', 'fd00:5e:2::1'] },
    }),
    v4(7, { oif, metrics: { mtu: 1400, advmss: 1360, hoplimit: 64 } }),
    v4(8, { oif, prefSrc: '10.0.0.1', tos: 0x10 }),
    v4(9, {
      nexthops: [
        { oif, gateway: '10.0.0.2', weight: 3 },
        { oif: peer, weight: 256, encap: { type: 'seg6', mode: 'encap', segments: ['fd00::1'] } },
      ],
    }),
    v4(10, { type: 'blackhole' }),
    v4(11, { type: 'prohibit' }),
    v4(12, { type: 'throw' }),
    v4(13, { type: 'local', oif }),
    { table: TABLE, prefix: '0.0.0.0/0', type: 'unreachable', metric: 4278198272, protocol: 94 },
    { table: TABLE, prefix: '::/0', type: 'unreachable', metric: 4278198272, protocol: 94 },
    v6(1, { oif, metric: 7 }),
    v6(2, { oif, gateway: 'fe80::1' }),
    v6(3, { nexthopId: 8 }),
    v6(4, { oif, encap: { type: 'seg6', mode: 'inline', segments: ['fd00:5e:9:1::', 'fd00:5e:2::1'] } }),
    v6(5, { oif, encap: { type: 'seg6', mode: 'l2encap.red', segments: ['fd00:5e:2::1'] } }),
    v6(6, { type: 'blackhole' }),
    v6(7, {
      nexthops: [
        { oif, gateway: 'fe80::2', weight: 1 },
        { oif: peer, gateway: 'fe80::3', weight: 5 },
      ],
    }),
    sid(1, { action: 'End' }),
    sid(2, { action: 'End.X', nh6: 'fe80::1', count: true }),
    sid(3, { action: 'End.T', table: 100 }),
    sid(4, { action: 'End.DX4', nh4: '10.0.0.2' }),
    sid(5, { action: 'End.DX6', nh6: 'fd00::2' }),
    sid(6, { action: 'End.DT6', table: 254, count: true }),
    sid(7, { action: 'End.DX2', oif: peer }),
    sid(8, { action: 'End.B6.Encaps', segments: ['fd00:5e:7::1', 'fd00:5e:8::1'] }),
    sid(9, { action: 'End', flavors: 1 << 4, locatorBlockBits: 32, nodeFunctionBits: 16 }),
    sid(10, { action: 'End', flavors: 1 << 1 }),
  ];
}

function prepare(): { netns: TestNetns; oif: number; peer: number } {
  const netns = new TestNetns();
  const oif = netns.veth();
  const peer = netns.indexOf('v1');
  const { socket } = netns;
  socket.request(createAddress({ ifindex: oif, address: '10.0.0.1', length: 24 }));
  socket.request(createAddress({ ifindex: oif, address: 'fd00::1', length: 64, nodad: true }));
  socket.request(
    createNexthop({ id: 7, family: 4, oif, encap: { type: 'seg6', mode: 'encap.red', segments: ['fd00:5e:2::1'] } }),
  );
  socket.request(
    createNexthop({
      id: 8,
      family: 6,
      oif,
      encap: { type: 'seg6', mode: 'encap', segments: ['fd00:5e:2::1', 'fd00::3'] },
    }),
  );
  return { netns, oif, peer };
}

function list(netns: TestNetns, filter = {}): Route[] {
  return netns.socket.dump(dumpRoutesRequest({ table: TABLE, ...filter }), decodeRoute);
}

/** What `ip -j route` says of a route, as far as it says it in a word of its own. */
function inIpsWords(netns: TestNetns, route: Route): object {
  const name = (index: number): string => (index === netns.indexOf('v0') ? 'v0' : index === 1 ? 'lo' : 'v1');
  const default_ = route.prefix === '0.0.0.0/0' || route.prefix === '::/0';
  const via = route.gateway !== undefined && route.family === 4 && route.gateway.includes(':');
  return {
    dst: default_ ? 'default' : route.prefix.replace(/\/(32|128)$/, ''),
    ...(route.type !== 'unicast' && { type: route.type }),
    ...(route.metric !== 0 && { metric: route.metric }),
    ...(route.oif !== undefined && { dev: name(route.oif) }),
    ...(route.gateway !== undefined &&
      (via ? { via: { family: 'inet6', host: route.gateway } } : { gateway: route.gateway })),
    ...(route.nexthopId !== undefined && { nhid: route.nexthopId }),
    ...(route.prefSrc && { prefsrc: route.prefSrc }),
    ...(route.encap?.type === 'seg6' && { encap: 'seg6', mode: route.encap.mode }),
    ...(route.encap?.type === 'seg6local' && { encap: 'seg6local', action: route.encap.action }),
    ...(route.metrics && { metrics: [route.metrics] }),
  };
}

describe('routes', () => {
  test('survive a round trip through the kernel', () => {
    const { netns, oif, peer } = prepare();
    for (const spec of specs(oif, peer)) {
      netns.socket.request(createRoute(spec));
      const route = list(netns).find(
        ({ prefix, family }) => prefix === spec.prefix && family === (prefix.includes(':') ? 6 : 4),
      );
      const { nexthops, flags, encap, ...simple } = spec;
      expect(route).toMatchObject({ type: 'unicast', ...simple });
      expect(flags).toBeUndefined();
      if (encap) expect(route?.encap).toMatchObject(encap);
      nexthops?.forEach((leg, i) => {
        expect(route?.nexthops?.[i]).toMatchObject(leg);
      });
    }
  });

  test('agree with `ip -j route`', () => {
    const { netns, oif, peer } = prepare();
    for (const spec of specs(oif, peer)) netns.socket.request(createRoute(spec));
    for (const family of [4, 6] as const) {
      const ours = list(netns, { family }).map((route) => inIpsWords(netns, route));
      const theirs = netns.ipJson<IpRoute>(`-${family} route show table ${TABLE}`);
      expect(ours).toHaveLength(theirs.length);
      theirs.forEach((route, i) => {
        expect(route).toMatchObject(ours[i] ?? {});
      });
      expect(ours.length).toBeGreaterThan(10);
    }
  });

  test('serve as their own specs: deleted and created again, they are the same', () => {
    const { netns, oif, peer } = prepare();
    for (const spec of specs(oif, peer)) netns.socket.request(createRoute(spec));
    const before = list(netns);
    expect(before).toHaveLength(specs(oif, peer).length);
    for (const route of before) netns.socket.request(deleteRoute(route));
    expect(list(netns)).toEqual([]);
    for (const route of before) netns.socket.request(createRoute(route));
    expect(list(netns)).toEqual(before);
    for (const route of before) netns.socket.request(replaceRoute(route));
    expect(list(netns)).toEqual(before);
  });

  test('are created, replaced, appended and deleted', () => {
    const { netns, oif } = prepare();
    const { socket } = netns;
    const route: RouteSpec = { table: TABLE, prefix: '10.1.0.0/16', oif, protocol: 94 };
    socket.request(createRoute(route));
    expect(() => {
      socket.request(createRoute(route));
    }).toThrow(expect.objectContaining({ code: 'NETLINK_EEXIST' }));
    socket.request(replaceRoute({ ...route, type: 'blackhole', oif: 0 }));
    expect(list(netns)).toMatchObject([{ prefix: '10.1.0.0/16', type: 'blackhole' }]);
    socket.request(appendRoute({ ...route, metric: 9 }));
    expect(list(netns)).toHaveLength(2);
    expect(() => {
      socket.request(deleteRoute({ table: TABLE, prefix: '10.1.0.0/16', protocol: 3 }));
    }).toThrow(expect.objectContaining({ code: 'NETLINK_ESRCH' }));
    socket.request(deleteRoute({ table: TABLE, prefix: '10.1.0.0/16', type: 'blackhole' }));
    expect(list(netns)).toMatchObject([{ metric: 9 }]);
  });

  test('are filtered by the kernel in dumps', () => {
    const { netns, oif } = prepare();
    const { socket } = netns;
    socket.request(createRoute({ table: TABLE, prefix: '10.1.0.0/16', oif, protocol: 94 }));
    socket.request(createRoute({ table: TABLE, prefix: '10.2.0.0/16', oif, protocol: 95 }));
    socket.request(createRoute({ table: TABLE, prefix: 'fd01::/64', oif, protocol: 94 }));
    socket.request(createRoute({ table: TABLE + 1, prefix: '10.3.0.0/16', type: 'blackhole', protocol: 94 }));
    const messages = (filter: Parameters<typeof dumpRoutesRequest>[0]): string[] => {
      const seen: string[] = [];
      // Counted in the decoder: what our own side would filter is not what is asked here.
      socket.dump(dumpRoutesRequest(filter), (view) => {
        seen.push(decodeRoute(view)?.prefix ?? '?');
        return undefined;
      });
      return seen.sort();
    };
    expect(messages({ table: TABLE })).toEqual(['10.1.0.0/16', '10.2.0.0/16', 'fd01::/64']);
    expect(messages({ table: TABLE, family: 6 })).toEqual(['fd01::/64']);
    expect(messages({ protocol: 94 })).toEqual(['10.1.0.0/16', '10.3.0.0/16', 'fd01::/64']);
    expect(messages({ type: 'blackhole', family: 4 })).toEqual(['10.3.0.0/16']);
    expect(messages({ oif, family: 4, table: TABLE })).toEqual(['10.1.0.0/16', '10.2.0.0/16']);
    // A table nobody used is an empty table, in either family.
    for (const family of [4, 6] as const) expect(messages({ table: 123456, family })).toEqual([]);
  });

  test('are looked up by address', () => {
    const { netns, oif } = prepare();
    const { socket } = netns;
    socket.request(createRoute({ table: 254, prefix: '10.1.0.0/16', gateway: '10.0.0.9', oif }));
    socket.request(createRoute({ table: 254, prefix: '10.66.0.0/16', type: 'unreachable' }));
    expect(socket.get(lookupRoute({ to: '10.1.2.3' }), decodeRoute)).toMatchObject({
      prefix: '10.1.2.3/32',
      gateway: '10.0.0.9',
      oif,
      prefSrc: '10.0.0.1',
      table: 254,
    });
    expect(socket.get(lookupRoute({ to: '10.1.2.3', fibMatch: true }), decodeRoute)).toMatchObject({
      prefix: '10.1.0.0/16',
    });
    expect(socket.get(lookupRoute({ to: 'fd00::5' }), decodeRoute)).toMatchObject({ oif, table: 254, family: 6 });
    const ports = lookupRoute({ to: 'fd00::5', from: 'fd00::1', ipProtocol: 6, sourcePort: 7, destinationPort: 80 });
    expect(socket.get(ports, decodeRoute)).toMatchObject({ oif });
    expect(() => socket.get(lookupRoute({ to: '10.66.0.1' }), decodeRoute)).toThrow(
      expect.objectContaining({ code: 'NETLINK_EHOSTUNREACH' }),
    );
    expect(() => socket.get(lookupRoute({ to: '10.77.0.1' }), decodeRoute)).toThrow(
      expect.objectContaining({ code: 'NETLINK_ENETUNREACH' }),
    );
  });

  test('with an unknown next hop are refused with the kernel’s message', () => {
    const { netns } = prepare();
    const error = ((): unknown => {
      try {
        netns.socket.request(createRoute({ table: TABLE, prefix: '10.1.0.0/16', nexthopId: 99 }));
        return undefined;
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).toBeInstanceOf(NetlinkError);
    expect(error).toMatchObject({
      code: 'NETLINK_EINVAL',
      message: `create route 10.1.0.0/16 nhid 99 table ${TABLE}: EINVAL: Nexthop id does not exist`,
    });
  });
});

describe('next-hop objects', () => {
  test('agree with `ip -j nexthop`, and one replace moves their routes', () => {
    const { netns, oif } = prepare();
    const { socket } = netns;
    socket.request(createNexthop({ id: 9, family: 4, gateway: '10.0.0.2', oif, protocol: 94 }));
    socket.request(
      createNexthop({
        id: 10,
        group: [
          { id: 7, weight: 1 },
          { id: 9, weight: 256 },
        ],
      }),
    );
    socket.request(createNexthop({ id: 11, family: 6, blackhole: true, protocol: 94 }));
    const ours = socket.dump(dumpNexthopsRequest({}), decodeNexthop);
    const theirs = netns.ipJson<Record<string, unknown>>('-N nexthop show');
    expect(
      theirs.map(({ id, dev, gateway, group, blackhole }) => ({
        id,
        dev,
        gateway,
        group,
        blackhole: blackhole !== undefined,
      })),
    ).toEqual(
      ours.map((nexthop) => ({
        id: nexthop.id,
        dev: nexthop.oif === oif ? 'v0' : nexthop.oif === 1 ? 'lo' : undefined,
        gateway: nexthop.gateway,
        group: nexthop.group?.map(({ id, weight }) => (weight === 1 ? { id } : { id, weight })),
        blackhole: nexthop.blackhole === true,
      })),
    );
    expect(ours.find(({ id }) => id === 8)?.encap).toEqual({
      type: 'seg6',
      mode: 'encap',
      segments: ['fd00:5e:2::1', 'fd00::3'],
    });

    socket.request(createRoute({ table: TABLE, prefix: '10.1.0.0/16', nexthopId: 7 }));
    socket.request(
      replaceNexthop({ id: 7, family: 4, oif, encap: { type: 'seg6', mode: 'encap.red', segments: ['fd00:5e:3::1'] } }),
    );
    expect(list(netns)).toMatchObject([{ nexthopId: 7, encap: { segments: ['fd00:5e:3::1'] } }]);
    expect(socket.get(getNexthopRequest(7), decodeNexthop)).toMatchObject({
      id: 7,
      encap: { segments: ['fd00:5e:3::1'] },
    });
    // The routes go with the object.
    socket.request(deleteNexthop(7));
    expect(list(netns)).toEqual([]);
    expect(() => socket.get(getNexthopRequest(7), decodeNexthop)).toThrow(
      expect.objectContaining({ code: 'NETLINK_ENOENT' }),
    );
  });

  test('serve as their own specs, and are filtered in dumps', () => {
    const { netns, oif, peer } = prepare();
    const { socket } = netns;
    socket.request(createNexthop({ id: 9, family: 4, gateway: '10.0.0.2', oif, protocol: 94 }));
    socket.request(createNexthop({ id: 10, group: [{ id: 7, weight: 3 }] }));
    socket.request(createNexthop({ id: 12, family: 6, oif: peer }));
    const all = (filter = {}): unknown[] => socket.dump(dumpNexthopsRequest(filter), decodeNexthop);
    const before = socket.dump(dumpNexthopsRequest({}), decodeNexthop);
    expect(before).toHaveLength(5);
    for (const nexthop of [...before].reverse()) socket.request(deleteNexthop(nexthop.id));
    expect(all()).toEqual([]);
    for (const nexthop of before.filter(({ group }) => !group)) socket.request(createNexthop(nexthop));
    for (const nexthop of before.filter(({ group }) => group)) socket.request(createNexthop(nexthop));
    expect(all()).toEqual(before);
    expect(all({ oif: peer })).toMatchObject([{ id: 12 }]);
    expect(all({ groupsOnly: true })).toMatchObject([{ id: 10 }]);
    expect(all({ family: 6 })).toMatchObject([{ id: 8 }, { id: 12 }]);
  });
});

test('the tunnel source of seg6 is read and set', () => {
  const netns = new TestNetns();
  const socket = netns.open('generic');
  expect(getTunnelSource(socket)).toBe('::');
  setTunnelSource(socket, 'fd00:5e:1::1');
  expect(getTunnelSource(socket)).toBe('fd00:5e:1::1');
  expect(netns.ip('sr tunsrc show').trim()).toBe('tunsrc addr fd00:5e:1::1');
  setTunnelSource(socket, '::');
  expect(getTunnelSource(socket)).toBe('::');
});
