/**
 * The netlink codecs on a kernel with VRF: devices, End.DT4/DT6/DT46 with vrftable, next hops and neighbours by master.
 */
import { writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  createAddress,
  createNeighbour,
  createNexthop,
  createRoute,
  createRule,
  decodeLink,
  decodeNeighbour,
  decodeNexthop,
  decodeRoute,
  decodeRule,
  deleteLink,
  deleteRoute,
  dumpLinksRequest,
  dumpNeighboursRequest,
  dumpNexthopsRequest,
  dumpRoutesRequest,
  dumpRulesRequest,
  getLink,
  inNetns,
  lookupRoute,
  newLink,
  replaceRoute,
  type Route,
  type RouteSpec,
  setLink,
} from 'netlink-ts';
import { TestNetns } from '../kernel/netlink/harness.js';

const TENANT = 100;
const TABLE = 0x5e000000 + TENANT;
const SEGUE = 94;

interface Prepared {
  netns: TestNetns;
  /** ifindex of VRF sg-100 and of its member v0 */
  vrf: number;
  port: number;
}

function prepare(strictMode = true): Prepared {
  const netns = new TestNetns();
  const { socket } = netns;
  socket.request(newLink({ name: 'sg-100', kind: 'vrf', vrfTable: TABLE, up: true }));
  const vrf = netns.indexOf('sg-100');
  socket.request(setLink(vrf, { alias: 'segue:red' }));
  const port = netns.veth();
  socket.request(setLink(port, { master: vrf }));
  if (strictMode) {
    inNetns(netns.name, () => {
      writeFileSync('/proc/sys/net/vrf/strict_mode', '1');
    });
  }
  return { netns, vrf, port };
}

function sid(oif: number, prefix: string, action: 'End.DT4' | 'End.DT6' | 'End.DT46'): RouteSpec {
  return {
    table: 254,
    prefix,
    oif,
    protocol: SEGUE,
    metric: 1024,
    encap: { type: 'seg6local', action, vrfTable: TABLE, count: true },
  };
}

function sids(netns: TestNetns): Route[] {
  return netns.socket.dump(dumpRoutesRequest({ family: 6, table: 254, protocol: SEGUE }), decodeRoute);
}

describe('VRF devices', () => {
  test('agree with ip on tables and members', () => {
    const { netns, vrf, port } = prepare();
    netns.ip('link add theirs type vrf table 77');
    expect(getLink(netns.socket, 'theirs')).toMatchObject({ kind: 'vrf', vrfTable: 77, up: false });
    expect(getLink(netns.socket, vrf)).toMatchObject({
      name: 'sg-100',
      kind: 'vrf',
      vrfTable: TABLE,
      alias: 'segue:red',
      up: true,
      operState: 'up',
    });
    const [ours] = netns.ipJson<{ ifname: string; ifalias: string; linkinfo: unknown }>('link show dev sg-100');
    expect(ours).toMatchObject({
      ifname: 'sg-100',
      ifalias: 'segue:red',
      linkinfo: { info_kind: 'vrf', info_data: { table: TABLE } },
    });
    const kinds = netns.socket.dump(dumpLinksRequest({ kind: 'vrf' }), decodeLink);
    expect(kinds.map(({ name }) => name).sort()).toEqual(['sg-100', 'theirs']);
    expect(netns.socket.dump(dumpLinksRequest({ master: vrf }), decodeLink)).toMatchObject([
      { index: port, master: vrf, slaveKind: 'vrf' },
    ]);
  });

  test('a second VRF with the same table is refused with the kernel’s message under strict mode', () => {
    const { netns } = prepare();
    expect(() => {
      netns.socket.request(newLink({ name: 'sg-101', kind: 'vrf', vrfTable: TABLE }));
    }).toThrow(/^create link sg-101 type vrf table 1577058404: EBUSY: Table is used by another VRF/);
  });

  test('leave discards in their table when they are deleted', () => {
    const { netns, vrf, port } = prepare();
    const { socket } = netns;
    const table = (): Route[] =>
      socket.dump(dumpRoutesRequest({ table: TABLE }), decodeRoute).filter(({ protocol }) => protocol === SEGUE);
    for (const prefix of ['0.0.0.0/0', '::/0']) {
      socket.request(createRoute({ table: TABLE, prefix, type: 'unreachable', metric: 4278198272, protocol: SEGUE }));
    }
    socket.request(createRoute({ table: TABLE, prefix: '10.0.0.10/32', oif: port, protocol: SEGUE }));
    expect(table()).toHaveLength(3);
    socket.request(deleteLink(vrf));
    const left = table();
    expect(left.map(({ prefix, type }) => [prefix, type])).toContainEqual(['0.0.0.0/0', 'unreachable']);
    for (const route of left) socket.request(deleteRoute(route));
    expect(table()).toEqual([]);
  });
});

describe('local SIDs into a VRF', () => {
  test.each([
    ['fd00:5e:1:400:64::/128', 'End.DT4'],
    ['fd00:5e:1:600:64::/128', 'End.DT6'],
    ['fd00:5e:1:4600:64::/128', 'End.DT46'],
  ] as const)('%s %s', (prefix, action) => {
    const { netns, vrf } = prepare();
    const { socket } = netns;
    const spec = sid(vrf, prefix, action);
    socket.request(createRoute(spec));
    const before = sids(netns);
    expect(before).toMatchObject([spec]);
    expect(before[0]?.encap).toEqual({
      ...spec.encap,
      counters: { packets: 0n, bytes: 0n, errors: 0n },
    });
    const [theirs] = netns.ipJson<Record<string, unknown>>(`-6 route show ${prefix}`);
    expect(theirs).toMatchObject({ encap: 'seg6local', action, vrftable: String(TABLE), dev: 'sg-100' });
    // What was listed is a valid spec: replaced in place, deleted and made again, it is the same.
    for (const route of before) socket.request(replaceRoute(route));
    expect(sids(netns)).toEqual(before);
    for (const route of before) socket.request(deleteRoute(route));
    expect(sids(netns)).toEqual([]);
    for (const route of before) socket.request(createRoute(route));
    expect(sids(netns)).toEqual(before);
    // And one that ip made is no different.
    socket.request(deleteRoute(spec));
    netns.ip(
      `-6 route add ${prefix} encap seg6local action ${action} vrftable ${TABLE} count dev sg-100 proto ${SEGUE}`,
    );
    expect(sids(netns)).toEqual(before);
  });

  test('without strict mode, the kernel’s error names it', () => {
    const { netns, vrf } = prepare(false);
    expect(() => {
      netns.socket.request(createRoute(sid(vrf, 'fd00:5e:1:4600:64::/128', 'End.DT46')));
    }).toThrow(
      /^create route fd00:5e:1:4600:64::\/128 encap seg6local action End\.DT46 vrftable 1577058404 .*: E\w+: .*[Ss]trict mode/,
    );
  });
});

describe('in a VRF', () => {
  test('next hops by device, neighbours by master, lookups by VRF, the l3mdev rule', () => {
    const { netns, vrf, port } = prepare();
    const { socket } = netns;
    const segments = ['fd00:5e:2:4600:64::'];
    for (const family of [4, 6] as const) {
      const id = 0x5e000000 + family;
      socket.request(
        createNexthop({ id, family, oif: vrf, protocol: SEGUE, encap: { type: 'seg6', mode: 'encap.red', segments } }),
      );
      const prefix = family === 4 ? '10.0.0.11/32' : 'fd00:10::b/128';
      socket.request(createRoute({ table: TABLE, prefix, nexthopId: id, protocol: SEGUE }));
    }
    expect(socket.dump(dumpNexthopsRequest({ oif: vrf }), decodeNexthop)).toMatchObject([
      { family: 4, oif: vrf, protocol: SEGUE, encap: { type: 'seg6', mode: 'encap.red', segments } },
      { family: 6, oif: vrf, protocol: SEGUE, encap: { type: 'seg6', mode: 'encap.red', segments } },
    ]);
    socket.request(createNexthop({ id: 9, family: 4, oif: port }));
    expect(socket.dump(dumpNexthopsRequest({ master: vrf }), decodeNexthop)).toMatchObject([{ id: 9, oif: port }]);

    socket.request(createAddress({ ifindex: port, address: '10.0.0.1', length: 24, noprefixroute: true }));
    socket.request(createNeighbour({ ifindex: port, address: '10.0.0.10', mac: '02:00:00:00:00:0a', protocol: SEGUE }));
    socket.request(createNeighbour({ ifindex: port, address: '10.0.0.11', proxy: true, protocol: SEGUE }));
    const members = { master: vrf, family: 4 } as const;
    expect(socket.dump(dumpNeighboursRequest(members), decodeNeighbour)).toMatchObject([{ address: '10.0.0.10' }]);
    expect(socket.dump(dumpNeighboursRequest({ ...members, proxy: true }), decodeNeighbour)).toMatchObject([
      { address: '10.0.0.11', proxy: true },
    ]);

    expect(socket.get(lookupRoute({ to: '10.0.0.11', oif: vrf, fibMatch: true }), decodeRoute)).toMatchObject({
      table: TABLE,
      prefix: '10.0.0.11/32',
      nexthopId: 0x5e000004,
    });
    expect(socket.get(lookupRoute({ to: 'fd00:10::b', oif: vrf, fibMatch: true }), decodeRoute)).toMatchObject({
      table: TABLE,
      prefix: 'fd00:10::b/128',
    });

    // The kernel makes its own l3mdev rule with the first VRF; ours stands beside it.
    socket.request(createRule({ family: 4, priority: 995, l3mdev: true, protocol: SEGUE }));
    const rules = socket.dump(dumpRulesRequest(4), decodeRule).filter(({ l3mdev }) => l3mdev);
    expect(rules.map(({ priority, table }) => [priority, table])).toEqual([
      [995, 0],
      [1000, 0],
    ]);
  });
});
