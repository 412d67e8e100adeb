import { describe, expect, onTestFinished, test } from 'vitest';
import { createAddress } from '../../../src/netlink/address.js';
import { NetfilterGroup, RouteGroup } from '../../../src/netlink/constants.js';
import { decodeEvent, decodeNftablesEvent, type NftablesEvent } from '../../../src/netlink/events.js';
import { setLink } from '../../../src/netlink/link.js';
import { NetlinkMonitor, type NetlinkMonitorOptions } from '../../../src/netlink/monitor.js';
import { createNeighbour } from '../../../src/netlink/neighbour.js';
import { createNexthop, decodeNexthop, dumpNexthopsRequest } from '../../../src/netlink/nexthop.js';
import { createRoute, decodeRoute, dumpRoutesRequest } from '../../../src/netlink/route.js';
import { createRule } from '../../../src/netlink/rule.js';
import type { NetlinkEvent } from '../../../src/netlink/types.js';
import { TestNetns } from './harness.js';

const DEADLINE_MS = 60_000;

/** Resolves when the condition holds; rejects, saying what was waited for, after the deadline. */
async function until(what: string, condition: () => boolean): Promise<void> {
  const deadline = Date.now() + DEADLINE_MS;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`${what}: not within ${DEADLINE_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

class Recorder {
  readonly events: NetlinkEvent[] = [];
  readonly errors: unknown[] = [];
  overflows = 0;
  readonly monitor: NetlinkMonitor<NetlinkEvent>;

  constructor(netns: TestNetns, options: Partial<NetlinkMonitorOptions<NetlinkEvent>> = {}) {
    this.monitor = NetlinkMonitor.open({
      protocol: 'route',
      netns: netns.name,
      groups: Object.values(RouteGroup),
      decode: decodeEvent,
      onEvents: (events) => this.events.push(...events),
      onOverflow: () => this.overflows++,
      onError: (error) => this.errors.push(error),
      ...options,
    });
    onTestFinished(() => {
      this.monitor.close();
    });
  }

  has(kind: NetlinkEvent['kind'], change: NetlinkEvent['change'], match: (value: never) => boolean): boolean {
    return this.events.some((event) => event.kind === kind && event.change === change && match(event.value as never));
  }
}

describe('notifications', () => {
  test('cover every object type, and name their sender', async () => {
    const netns = new TestNetns();
    const recorder = new Recorder(netns);
    const { socket } = netns;
    const oif = netns.veth();
    socket.request(createAddress({ ifindex: oif, address: '10.0.0.1', length: 24 }));
    socket.request(createNexthop({ id: 7, family: 4, oif }));
    socket.request(createRoute({ table: 0x5e000064, prefix: '10.1.0.0/16', nexthopId: 7, protocol: 94 }));
    socket.request(createRoute({ table: 0x5e000064, prefix: 'fd01::/64', oif, protocol: 94 }));
    socket.request(createRule({ family: 4, priority: 990, table: 100, protocol: 94 }));
    socket.request(createRule({ family: 6, priority: 990, table: 100, protocol: 94 }));
    socket.request(createNeighbour({ ifindex: oif, address: '10.0.0.9', mac: '02:00:00:00:00:09', protocol: 94 }));
    netns.ip('route add 10.2.0.0/16 dev v0 proto 7');
    netns.ip('route del 10.2.0.0/16 dev v0');
    netns.ip('link del v0');
    await until('link v0 deleted', () =>
      recorder.has('link', 'delete', (link: { name: string }) => link.name === 'v0'),
    );
    const { events } = recorder;
    const seen = new Set(events.map(({ kind, change }) => `${kind} ${change}`));
    for (const kind of ['link', 'address', 'route', 'nexthop', 'rule', 'neighbour'])
      expect(seen).toContain(`${kind} new`);
    for (const kind of ['link', 'address', 'route', 'neighbour']) expect(seen).toContain(`${kind} delete`);
    const routes = events.flatMap((event) =>
      event.kind === 'route' && event.value.protocol !== 2
        ? [[event.change, event.value.prefix, event.portId === socket.portId]]
        : [],
    );
    expect(routes).toContainEqual(['new', '10.1.0.0/16', true]);
    expect(routes).toContainEqual(['new', 'fd01::/64', true]);
    expect(routes).toContainEqual(['new', '10.2.0.0/16', false]);
    expect(routes).toContainEqual(['delete', '10.2.0.0/16', false]);
    // The link took next hop and IPv4 route with it, and the kernel said nothing of either: hints, not truth.
    expect(seen).not.toContain('nexthop delete');
    expect(socket.dump(dumpNexthopsRequest({}), decodeNexthop)).toEqual([]);
    expect(routes).not.toContainEqual(['delete', '10.1.0.0/16', false]);
    expect(socket.dump(dumpRoutesRequest({ table: 0x5e000064, family: 4 }), decodeRoute)).toEqual([]);
    const rules = events.filter(({ kind }) => kind === 'rule');
    expect(rules).toMatchObject([
      { value: { family: 4, priority: 990, protocol: 94 }, portId: socket.portId },
      { value: { family: 6, priority: 990, protocol: 94 }, portId: socket.portId },
    ]);
    expect(recorder.errors).toEqual([]);
    expect(recorder.overflows).toBe(0);
  });

  test('that overflow the buffer are reported, and later ones arrive after a new listing', async () => {
    const netns = new TestNetns();
    const known = new Set<number>();
    let overflows = 0;
    const resync = (): void => {
      overflows++;
      known.clear();
      for (const { id } of netns.socket.dump(dumpNexthopsRequest({}), decodeNexthop)) known.add(id);
    };
    const recorder = new Recorder(netns, {
      groups: [RouteGroup.nexthop],
      receiveBufferBytes: 16 * 1024,
      onEvents: (events) => {
        for (const event of events) if (event.kind === 'nexthop') known.add(event.value.id);
      },
      onOverflow: resync,
    });
    for (let round = 1; round <= 3; round++) {
      // All within one turn of the event loop: nobody reads meanwhile.
      for (let i = 0; i < 1000; i++) {
        netns.socket.request(createNexthop({ id: round * 1000 + i, family: 4, blackhole: true }));
      }
      const before = overflows;
      await until(`overflow ${round}`, () => overflows > before);
      await until(`resync ${round}`, () => known.size === round * 1000);
      // The polling goes on: one event by itself arrives without any overflow.
      const after = overflows;
      netns.socket.request(createNexthop({ id: 100_000 + round, family: 4, blackhole: true }));
      await until(`event after overflow ${round}`, () => known.has(100_000 + round));
      expect(overflows).toBe(after);
      known.delete(100_000 + round);
      netns.ip(`nexthop del id ${100_000 + round}`);
    }
    expect(recorder.errors).toEqual([]);
  });

  test('fit the default buffer: 20,000 at once', async () => {
    const netns = new TestNetns();
    const recorder = new Recorder(netns, { groups: [RouteGroup.ipv4Route] });
    const requests = Array.from({ length: 20_000 }, (_, i) =>
      createRoute({ table: 100, prefix: `10.0.${i >> 8}.${i & 255}/32`, type: 'blackhole' }),
    );
    expect(netns.socket.execute(requests).every(({ ok }) => ok)).toBe(true);
    await until('20,000 events', () => recorder.events.length === 20_000);
    expect(recorder.overflows).toBe(0);
  });

  test('continue after a callback threw into onError', async () => {
    const netns = new TestNetns();
    let calls = 0;
    const recorder = new Recorder(netns, {
      groups: [RouteGroup.link],
      onEvents: () => {
        calls++;
        throw new Error(`callback ${calls}`);
      },
    });
    netns.socket.request(setLink('lo', { mtu: 1400 }));
    await until('first call', () => calls === 1);
    netns.socket.request(setLink('lo', { mtu: 1500 }));
    await until('second call', () => calls === 2);
    expect(recorder.errors).toMatchObject([{ message: 'callback 1' }, { message: 'callback 2' }]);
  });

  test('skip a message whose decoder throws', async () => {
    const netns = new TestNetns();
    const recorder = new Recorder(netns, {
      groups: [RouteGroup.ipv4Route],
      decode: (view) => {
        const event = decodeEvent(view);
        if (event?.kind === 'route' && event.value.prefix === '10.1.0.0/16') throw new Error('decoder');
        return event;
      },
    });
    for (const n of [0, 1, 2]) {
      netns.socket.request(createRoute({ table: 100, prefix: `10.${n}.0.0/16`, type: 'blackhole' }));
    }
    await until('two events', () => recorder.events.length === 2);
    expect(recorder.errors).toMatchObject([{ message: 'decoder' }]);
  });

  test('resolve promises without another event', async () => {
    const netns = new TestNetns();
    // A promise resolved in a bare libuv callback waits for some later callback to run its reactions: there is none here.
    const event = await new Promise<NetlinkEvent[]>((resolve) => {
      new Recorder(netns, { groups: [RouteGroup.link], onEvents: resolve });
      netns.socket.request(setLink('lo', { mtu: 1400 }));
    });
    expect(event).toMatchObject([{ kind: 'link', value: { name: 'lo', mtu: 1400 } }]);
  });

  test('stop after close(), which a callback may call', async () => {
    const netns = new TestNetns();
    let calls = 0;
    const recorder: Recorder = new Recorder(netns, {
      groups: [RouteGroup.link],
      onEvents: () => {
        calls++;
        recorder.monitor.close();
        recorder.monitor.close();
      },
    });
    netns.socket.request(setLink('lo', { mtu: 1400 }));
    await until('the call', () => calls === 1);
    netns.socket.request(setLink('lo', { mtu: 1500 }));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(calls).toBe(1);
  });

  test('include nf_tables', async () => {
    const netns = new TestNetns();
    const events: NftablesEvent[] = [];
    const monitor = NetlinkMonitor.open({
      protocol: 'netfilter',
      netns: netns.name,
      groups: [NetfilterGroup.nftables],
      decode: decodeNftablesEvent,
      onEvents: (batch) => events.push(...batch),
      onOverflow: () => undefined,
    });
    onTestFinished(() => {
      monitor.close();
    });
    netns.run('nft', 'add', 'table', 'inet', 'somebody');
    await until('nft events', () => events.length >= 2);
    // NFT_MSG_NEWTABLE, then NFT_MSG_NEWGEN: the end of a transaction
    expect(events.map(({ message }) => message)).toEqual([0, 15]);
    expect(events.map(({ table }) => table)).toEqual(['somebody', undefined]);
    expect(events[0]?.portId).not.toBe(monitor.portId);
  });
});
