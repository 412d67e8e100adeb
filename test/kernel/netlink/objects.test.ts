import { describe, expect, test } from 'vitest';
import {
  createAddress,
  decodeAddress,
  deleteAddress,
  dumpAddressesRequest,
  replaceAddress,
} from '../../../src/netlink/address.js';
import {
  createNeighbour,
  decodeNeighbour,
  deleteNeighbour,
  dumpNeighboursRequest,
  getNeighbourRequest,
  type NeighbourFilter,
  replaceNeighbour,
} from '../../../src/netlink/neighbour.js';
import { createRule, decodeRule, deleteRule, dumpRulesRequest } from '../../../src/netlink/rule.js';
import type { InterfaceAddress, Neighbour, Rule, RuleSpec } from '../../../src/netlink/types.js';
import { TestNetns } from './harness.js';

const failsWith = (code: string): unknown => expect.objectContaining({ code });

describe('addresses', () => {
  interface IpAddress {
    ifindex: number;
    addr_info: Record<string, unknown>[];
  }

  function list(netns: TestNetns, filter = {}): InterfaceAddress[] {
    return netns.socket.dump(dumpAddressesRequest(filter), decodeAddress);
  }

  test('agree with `ip -j addr`, whichever program made them', () => {
    const netns = new TestNetns();
    const ifindex = netns.veth();
    const { socket } = netns;
    socket.request(createAddress({ ifindex, address: '10.0.0.1', length: 24, noprefixroute: true }));
    socket.request(createAddress({ ifindex, address: '10.0.1.1', length: 32, peer: '10.0.1.2', label: 'v0:p' }));
    socket.request(createAddress({ ifindex, address: 'fd00::1', length: 64, nodad: true, noprefixroute: true }));
    socket.request(createAddress({ ifindex, address: 'fd01::1', length: 64, nodad: true, metric: 77 }));
    socket.request(
      createAddress({
        ifindex,
        address: 'fd02::1',
        length: 64,
        nodad: true,
        validLifetime: 600,
        preferredLifetime: 300,
      }),
    );
    netns.ip('addr add 192.0.2.1/31 broadcast 192.0.2.255 dev v1');
    netns.ip('addr add fd03::1/127 dev v1');
    const theirs = netns.ipJson<IpAddress>('addr show').flatMap((link) =>
      link.addr_info.map((info) => ({
        ifindex: link.ifindex,
        address: info.local,
        length: info.prefixlen,
        noprefixroute: info.noprefixroute === true,
        nodad: info.nodad === true,
        tentative: info.tentative === true,
        peer: info.address,
        broadcast: info.broadcast,
        label: info.label,
        metric: info.metric,
        permanent: info.dynamic !== true,
        scope: { global: 0, link: 253, host: 254 }[String(info.scope)],
      })),
    );
    const ours = list(netns).map((address) => ({
      ifindex: address.ifindex,
      address: address.address,
      length: address.length,
      noprefixroute: address.noprefixroute,
      nodad: address.nodad,
      tentative: address.tentative,
      peer: address.peer,
      broadcast: address.broadcast,
      label: address.label,
      metric: address.metric,
      permanent: address.permanent,
      scope: address.scope,
    }));
    const order = (a: { address: unknown }, b: { address: unknown }): number =>
      String(a.address).localeCompare(String(b.address));
    expect(ours.sort(order)).toEqual(theirs.sort(order));
    expect(ours.length).toBeGreaterThanOrEqual(9);
    expect(list(netns).find(({ address }) => address === 'fd02::1')).toMatchObject({ validLifetime: 600 });
    expect(list(netns, { ifindex, family: 4 }).map(({ address }) => address)).toEqual(['10.0.0.1', '10.0.1.1']);
    expect(() => list(netns, { ifindex: 4242 })).toThrow(failsWith('NETLINK_ENODEV'));
  });

  test('are created, replaced and deleted', () => {
    const netns = new TestNetns();
    const ifindex = netns.veth();
    const { socket } = netns;
    const address = { ifindex, address: '10.0.0.1', length: 24 };
    socket.request(createAddress(address));
    expect(() => {
      socket.request(createAddress(address));
    }).toThrow(failsWith('NETLINK_EEXIST'));
    // The kernel takes the request and leaves an IPv4 address's flags as they are; an IPv6 address's it changes.
    socket.request(replaceAddress({ ...address, noprefixroute: true, validLifetime: 1000, preferredLifetime: 1000 }));
    expect(list(netns, { ifindex, family: 4 })).toMatchObject([
      { address: '10.0.0.1', noprefixroute: false, permanent: false, preferredLifetime: 1000 },
    ]);
    const v6 = { ifindex, address: 'fd00::1', length: 64, nodad: true };
    socket.request(createAddress(v6));
    socket.request(replaceAddress({ ...v6, noprefixroute: true }));
    expect(list(netns, { ifindex, family: 6 })).toContainEqual(
      expect.objectContaining({ address: 'fd00::1', noprefixroute: true }),
    );
    expect(() => {
      socket.request(deleteAddress({ ...address, length: 25 }));
    }).toThrow(failsWith('NETLINK_EADDRNOTAVAIL'));
    socket.request(deleteAddress(address));
    expect(list(netns, { ifindex, family: 4 })).toEqual([]);
  });
});

describe('rules', () => {
  function list(netns: TestNetns, family?: 4 | 6): Rule[] {
    return netns.socket.dump(dumpRulesRequest(family), decodeRule);
  }

  const specs: RuleSpec[] = [
    { family: 6, priority: 990, from: 'fd00:5e:1::1/128', to: 'fd00:5e::/32', table: 254, protocol: 94 },
    { family: 6, priority: 991, to: 'fd00:5e::/32', iif: 'v0', action: 'unreachable', protocol: 94 },
    { family: 4, priority: 992, fwmark: 0x10, fwmask: 0xff, invert: true, table: 0x5e000064, protocol: 94 },
    { family: 4, priority: 993, action: 'goto', gotoTarget: 32766, protocol: 94 },
    { family: 4, priority: 994, table: 254, suppressPrefixLength: 0, protocol: 94 },
    { family: 4, priority: 995, table: 100, ipProtocol: 6, destinationPorts: { start: 80, end: 90 }, protocol: 94 },
    { family: 4, priority: 996, table: 100, uidRange: { start: 100, end: 200 }, oif: 'v0', protocol: 94 },
    { family: 4, priority: 997, action: 'blackhole', from: '10.0.0.0/8', tos: 16, protocol: 94 },
    { family: 4, priority: 998, action: 'prohibit', to: '10.0.0.0/8', protocol: 94 },
    { family: 4, priority: 1000, l3mdev: true, protocol: 94 },
    { family: 6, priority: 1000, l3mdev: true, protocol: 94 },
  ];

  test('survive a round trip, agree with `ip -j rule`, and serve as their own specs', () => {
    const netns = new TestNetns();
    netns.veth();
    const { socket } = netns;
    for (const rule of specs) {
      socket.request(createRule(rule));
      const back = list(netns, rule.family).find(({ priority }) => priority === rule.priority);
      expect(back).toMatchObject({ action: 'table', l3mdev: false, ...rule });
    }
    const before = list(netns);
    expect(before).toHaveLength(specs.length + 5);
    for (const family of [4, 6] as const) {
      const theirs = netns.ipJson<{ priority: number; table?: string; protocol?: string }>(`-${family} -N rule show`);
      const ours = list(netns, family);
      expect(theirs.map(({ priority, table }) => [priority, table])).toEqual(
        ours.map(({ priority, table, l3mdev, action }) => [
          priority,
          l3mdev || action !== 'table' ? undefined : String(table),
        ]),
      );
    }
    for (const rule of before.filter(({ protocol }) => protocol === 94)) socket.request(deleteRule(rule));
    expect(list(netns)).toHaveLength(5);
    for (const rule of before.filter(({ protocol }) => protocol === 94)) socket.request(createRule(rule));
    expect(list(netns)).toEqual(before);
  });

  test('can move `lookup local` behind others, and back', () => {
    const netns = new TestNetns();
    const { socket } = netns;
    for (const family of [4, 6] as const) {
      socket.request(createRule({ family, priority: 32765, table: 255, protocol: 94 }));
      socket.request(deleteRule({ family, priority: 0, table: 255 }));
      expect(list(netns, family).map(({ priority, table }) => [priority, table])).toContainEqual([32765, 255]);
      expect(list(netns, family).map(({ priority }) => priority)).not.toContain(0);
      expect(() => {
        socket.request(deleteRule({ family, priority: 0, table: 255 }));
      }).toThrow(failsWith('NETLINK_ENOENT'));
      socket.request(createRule({ family, priority: 0, table: 255, protocol: 2 }));
      socket.request(deleteRule({ family, priority: 32765, table: 255, protocol: 94 }));
      expect(list(netns, family)[0]).toMatchObject({ priority: 0, table: 255, protocol: 2, action: 'table' });
    }
    expect(netns.ip('rule show')).toMatch(/^0:\s+from all lookup local/);
  });

  test('are refused when duplicate', () => {
    const netns = new TestNetns();
    const rule = specs[0];
    if (!rule) throw new Error('no rule');
    netns.socket.request(createRule(rule));
    expect(() => {
      netns.socket.request(createRule(rule));
    }).toThrow(failsWith('NETLINK_EEXIST'));
  });
});

describe('neighbours', () => {
  function list(netns: TestNetns, filter: NeighbourFilter = {}): Neighbour[] {
    return netns.socket.dump(dumpNeighboursRequest(filter), decodeNeighbour);
  }

  test('agree with `ip -j neigh`', () => {
    const netns = new TestNetns();
    const ifindex = netns.veth();
    const { socket } = netns;
    socket.request(createNeighbour({ ifindex, address: '10.0.0.10', mac: '02:00:00:00:00:0a', protocol: 94 }));
    socket.request(createNeighbour({ ifindex, address: 'fd00::a', mac: '02:00:00:00:00:0a', state: 4 }));
    netns.ip('neigh add 10.0.0.11 lladdr 02:00:00:00:00:0b dev v1 nud reachable');
    netns.ip('neigh add fd00::b lladdr 02:00:00:00:00:0b dev v1 nud permanent extern_learn proto 7');
    for (const family of [4, 6] as const) {
      const theirs = netns.ipJson<{ dst: string; dev: string; lladdr: string; state: string[] }>(
        `-${family} neigh show`,
      );
      const names: Record<number, string> = { 2: 'REACHABLE', 4: 'STALE', 128: 'PERMANENT' };
      const ours = list(netns, { family }).filter(({ address }) => !address.startsWith('ff02'));
      const order = (a: { dst: string }, b: { dst: string }): number => a.dst.localeCompare(b.dst);
      expect(
        ours
          .map(({ address, ifindex: index, mac, state }) => ({
            dst: address,
            dev: index === ifindex ? 'v0' : 'v1',
            lladdr: mac,
            state: [names[state]],
          }))
          .sort(order),
      ).toEqual(theirs.map(({ dst, dev, lladdr, state }) => ({ dst, dev, lladdr, state })).sort(order));
      expect(ours).toHaveLength(2);
    }
    expect(list(netns, { ifindex, family: 4 })).toMatchObject([{ address: '10.0.0.10', protocol: 94, state: 128 }]);
    expect(list(netns, { ifindex, family: 4 })[0]?.ages).toBeDefined();
    expect(list(netns).find(({ address }) => address === 'fd00::b')).toMatchObject({ flags: 0x10, protocol: 7 });
  });

  test('are created, replaced, read and deleted', () => {
    const netns = new TestNetns();
    const ifindex = netns.veth();
    const { socket } = netns;
    const neighbour = { ifindex, address: '10.0.0.10', mac: '02:00:00:00:00:0a' };
    socket.request(createNeighbour(neighbour));
    expect(() => {
      socket.request(createNeighbour(neighbour));
    }).toThrow(failsWith('NETLINK_EEXIST'));
    socket.request(replaceNeighbour({ ...neighbour, mac: '02:00:00:00:00:0b' }));
    expect(socket.get(getNeighbourRequest(neighbour), decodeNeighbour)).toMatchObject({
      mac: '02:00:00:00:00:0b',
      state: 128,
    });
    socket.request(deleteNeighbour(neighbour));
    expect(() => socket.get(getNeighbourRequest(neighbour), decodeNeighbour)).toThrow(failsWith('NETLINK_ENOENT'));
  });

  test('include proxy entries', () => {
    const netns = new TestNetns();
    const ifindex = netns.veth();
    const { socket } = netns;
    socket.request(createNeighbour({ ifindex, address: '10.0.0.12', proxy: true, protocol: 94 }));
    socket.request(createNeighbour({ ifindex, address: 'fd00::c', proxy: true, protocol: 94 }));
    netns.ip('neigh add proxy fd00::d dev v1');
    expect(netns.ip('neigh show proxy')).toMatch(/10\.0\.0\.12 dev v0 +proxy/);
    const expected = { proxy: true, protocol: 94, ifindex };
    expect(list(netns, { proxy: true, ifindex })).toMatchObject([
      { address: '10.0.0.12', ...expected },
      { address: 'fd00::c', ...expected },
    ]);
    expect(list(netns, { proxy: true })).toHaveLength(3);
    expect(list(netns, { family: 4 })).toEqual([]);
    expect(
      socket.get(getNeighbourRequest({ ifindex, address: 'fd00::c', proxy: true }), decodeNeighbour),
    ).toMatchObject({
      proxy: true,
    });
    socket.request(deleteNeighbour({ ifindex, address: '10.0.0.12', proxy: true }));
    expect(() => {
      socket.request(deleteNeighbour({ ifindex, address: '10.0.0.12', proxy: true }));
    }).toThrow(failsWith('NETLINK_ENOENT'));
    expect(list(netns, { proxy: true, family: 4 })).toEqual([]);
  });
});
