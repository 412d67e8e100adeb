/**
 * The network node to which a hypervisor sends a flow: by Maglev for new flows, otherwise the node of the flow's last
 * packet.
 */
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import * as layouts from '../../../src/ebpf/generated/layouts.js';
import * as steering from '../../../src/ebpf/generated/steering.js';
import { Bench, GATEWAYS, MACS, MTU, SIDS, SOURCE, TENANT } from '../fastpath/bench.js';
import * as control from '../fastpath/control-packets.js';
import { bytesOf, encapsulated, ethernet, IP, ip4, ip6, tcp, udp, withoutFlowLabel } from '../fastpath/packets.js';
import { monotonic } from '../../../src/ebpf/trace-session.js';
import {
  affinityLine,
  type AffinityMaps,
  countFlowAffinities,
  evictedFlows,
  flowAffinities,
  flowAffinity,
  putFlowAffinity,
} from '../../../src/gateway/flow-affinity.js';
import { flowOf } from '../../../src/observe/trace/known-flow.js';
import { emptyAffinity } from '../fastpath/loaded.js';
import { u32 } from '../libbpf/harness.js';
import { errorAbout } from './icmp.js';
import { encode } from './values.js';
import type { MapFiller } from '../../../bench/lib/map-filler.js';

const TO_PORT = { to: MACS.port, from: MACS.vm };
const FROM_ROUTER = { to: MACS.uplink, from: MACS.router };
const HERE = '10.0.0.1';
const THERE = '10.99.0.1';
const MORE = 0x2000;
/** A moment of the programs (coarse_jiffies() of bpf/net/time.h, with HZ=250 as here and in Debian's kernel), and some. */
const MOMENT_MS = 1200;
/** Network nodes by number: outer source, the tenant's SID there, and the encapsulation's number. */
const NODES: Readonly<Record<number, { source: string; sid: string; encap: number }>> = {
  1: { source: 'fd00:5e:e1::1', sid: 'fd00:5e:e1:4600:64::', encap: 101 },
  2: { source: 'fd00:5e:e2::1', sid: 'fd00:5e:e2:4600:64::', encap: 102 },
};

class Hypervisor {
  readonly bench: Bench;
  readonly #filler: MapFiller;

  /** @param remembers CPUs remember flows */
  constructor(remembers = false) {
    this.bench = new Bench({ rodata: { use_gateways: true }, ...(remembers && { before: [] }) });
    this.#filler = this.bench.filler;
    for (const prefix of ['10.99.0.0/16', 'fd99::/16']) {
      this.#filler.endpoint(TENANT, prefix, { type: layouts.EndpointType.EP_VIA_GATEWAY, id: 0 });
    }
    for (const [text, { source, sid, encap }] of Object.entries(NODES)) {
      const node = Number(text);
      this.bench.trust(source);
      this.#filler.networkNodeSource(source, node);
      this.#filler.encap(encap, [sid], 1);
      this.#filler.gatewayEncap(TENANT, node, encap);
      this.setUp(node, true);
    }
    this.share([1]);
  }

  setUp(node: number, isUp: boolean): void {
    this.#filler.networkNodeState(node, isUp);
    this.bench.forget();
  }

  /** New flows go to these, by turns of the table's places. */
  share(nodes: readonly number[]): void {
    this.#filler.maglev(0, (place) => nodes[place % nodes.length] ?? 0xffff);
  }

  /** The VM sends a packet; the number of the network node that gets it, or what is counted instead. */
  sends(inner: Buffer): number | string {
    const { verdict, counted, frame } = this.bench.send('port_tc', ethernet(inner, TO_PORT));
    if (verdict !== 'redirect') return Object.keys(counted).join();
    const found = Object.entries(NODES).find(([, { sid }]) => frame.subarray(38, 54).equals(bytesOf(sid)));
    return found === undefined ? 'to no network node' : Number(found[0]);
  }

  /** A packet for the VM comes by a network node. */
  gets(inner: Buffer, node: number, program: 'uplink_tc' | 'uplink_xdp' = 'uplink_tc'): void {
    const frame = ethernet(encapsulated(inner, [SIDS.dt46], NODES[node]?.source ?? ''), FROM_ROUTER);
    const { verdict, counted } = this.bench.send(program, frame);
    if (verdict !== 'redirect') throw new Error(`${verdict} ${Object.keys(counted).join()}`);
  }
}

/** Time of programs. */
const ticks = (): number => Number(BigInt.asUintN(32, monotonic() >> BigInt(layouts.Limits.TICK_SHIFT)));

const affinityMaps = ({ bench }: Hypervisor): AffinityMaps => ({
  sg_gw_affinity: bench.gateway('sg_gw_affinity'),
  sg_gw_flow_keys: bench.gateway('sg_gw_flow_keys'),
  sg_gw_seeds: bench.gateway('sg_gw_seeds'),
});

const ask = (source = 4000): Buffer => ip4({ from: HERE, to: THERE, payload: udp({ source, destination: 53 }) });
const answer = (port = 4000): Buffer => ip4({ from: THERE, to: HERE, payload: udp({ source: 53, destination: port }) });
const segment = (flags: number, source = 4000): Buffer =>
  ip4({ from: HERE, to: THERE, protocol: IP.tcp, payload: tcp({ source, flags }) });
const SYN = 0x02;
const ACK = 0x10;

describe.each([
  ['without cache entries', false],
  ['with cache entries', true],
])('a hypervisor %s', (_what, remembers) => {
  it('spreads new flows over network nodes, each flow to one', () => {
    const node = new Hypervisor(remembers);
    node.share([1, 2]);
    const flows = [...Array(200).keys()].map((flow) => ask(5000 + flow));
    const first = flows.map((packet) => node.sends(packet));
    expect(first.filter((number) => number === 1).length).toBeGreaterThan(60);
    expect(first.filter((number) => number === 2).length).toBeGreaterThan(60);
    expect(flows.map((packet) => node.sends(packet))).toEqual(first);
  });

  it.each(['uplink_tc', 'uplink_xdp'] as const)(
    'sends replies to the node that the request came from: %s',
    (program) => {
      const node = new Hypervisor(remembers);
      node.gets(answer(), 2, program);
      expect([node.sends(ask()), node.sends(ask(4001))]).toEqual([2, 1]);
      node.gets(answer(), 1, program);
      expect(node.sends(ask())).toBe(1);
      const back = ip6({ from: 'fd99::1', to: 'cafe::1', payload: udp({ source: 53, destination: 9 }) });
      node.gets(back, 2, program);
      expect(node.sends(ip6({ from: 'cafe::1', to: 'fd99::1', payload: udp({ source: 9, destination: 53 }) }))).toBe(2);
    },
  );

  it('sends an existing flow to its node until the node is down', () => {
    const node = new Hypervisor(remembers);
    expect([node.sends(ask()), node.sends(segment(SYN)), node.sends(segment(ACK))]).toEqual([1, 1, 1]);
    node.share([2]);
    expect([node.sends(ask()), node.sends(segment(ACK)), node.sends(ask(4001))]).toEqual([1, 1, 2]);
    node.setUp(1, false);
    expect([node.sends(ask()), node.sends(segment(ACK))]).toEqual([2, 2]);
    node.setUp(1, true);
    expect([node.sends(ask()), node.sends(segment(ACK))]).toEqual([2, 2]);
  });

  it('sends a SYN where new connections go', () => {
    const node = new Hypervisor(remembers);
    expect([node.sends(segment(SYN)), node.sends(segment(ACK))]).toEqual([1, 1]);
    node.share([2]);
    expect([node.sends(segment(SYN)), node.sends(segment(ACK))]).toEqual([2, 2]);
  });

  it('sends fragments and ICMP errors with their flow', () => {
    const node = new Hypervisor(remembers);
    node.gets(answer(), 2);
    const first = ip4({ from: HERE, to: THERE, fragment: MORE, payload: udp({ source: 4000, destination: 53 }) });
    const later = ip4({ from: HERE, to: THERE, fragment: 3, payload: Buffer.alloc(24) });
    expect(node.sends(later)).toBe(1);
    expect([node.sends(first), node.sends(later)]).toEqual([2, 2]);
    const about = (port: number): Buffer =>
      ip4({ from: HERE, to: THERE, protocol: IP.icmp, payload: errorAbout(answer(port), 3, 3) });
    expect([node.sends(about(4000)), node.sends(about(4001))]).toEqual([2, 1]);
  });

  it('drops packets without an available network node', () => {
    const node = new Hypervisor(remembers);
    node.share([]);
    expect(node.sends(ask())).toBe('drop no network node');
    const without = new Bench();
    without.addPrefix('10.99.0.0', 16, layouts.EndpointType.EP_VIA_GATEWAY, 0);
    expect(without.send('port_tc', ethernet(ask(), TO_PORT)).counted).toEqual({ 'drop no network node': 1 });
  });

  it('stores no flow for packets within the tenant', () => {
    const node = new Hypervisor(remembers);
    const within = ip4({ from: '10.0.0.2', to: HERE });
    const frame = ethernet(encapsulated(within, [SIDS.dt46], 'fd00:5e:2::1'), FROM_ROUTER);
    expect(node.bench.send('uplink_tc', frame).verdict).toBe('redirect');
    expect(countFlowAffinities(affinityMaps(node))).toBe(0);
  });
});

describe('a cached flow of a hypervisor', () => {
  const flowNodes = (node: Hypervisor): void => {
    emptyAffinity(node.bench.gateway('sg_gw_affinity'));
  };

  /** Of two looks one is within a moment of the first packet. */
  const sooner = (look: () => boolean): boolean => look() || look();

  it('skips the lookup of its network node until it expires', async () => {
    const node = new Hypervisor(true);
    const isRemembered = (): boolean => {
      node.gets(answer(), 2);
      node.sends(ask());
      flowNodes(node);
      return node.sends(ask()) === 2;
    };
    expect(sooner(isRemembered)).toBe(true);
    await setTimeout(MOMENT_MS);
    expect(node.sends(ask())).toBe(1);
  });

  it('refreshes sg_gw_affinity at an interval', async () => {
    const node = new Hypervisor(true);
    node.gets(answer(), 2);
    flowNodes(node);
    await setTimeout(MOMENT_MS);
    node.gets(answer(), 2);
    expect(node.sends(ask())).toBe(2);
  });

  it.each(['uplink_tc', 'uplink_xdp'] as const)(
    'follows a change of the flow’s network node at once: %s',
    (program) => {
      const node = new Hypervisor(true);
      for (const by of [2, 1, 2, 2, 1, 2]) {
        node.gets(answer(), by, program);
        expect(node.sends(ask())).toBe(by);
      }
      // Some of them share an entry of what the CPU has learnt.
      const ports = [...Array(300).keys()].map((flow) => 5000 + flow);
      for (const by of [1, 2, 2]) {
        for (const port of ports) node.gets(answer(port), by, program);
        expect(ports.filter((port) => node.sends(ask(port)) !== by)).toEqual([]);
      }
    },
  );

  it('is separate for each protocol', () => {
    const node = new Hypervisor(true);
    node.gets(answer(), 2);
    node.gets(
      ip4({ from: THERE, to: HERE, protocol: IP.tcp, payload: tcp({ source: 53, destination: 4000, flags: ACK }) }),
      1,
    );
    expect(node.sends(ask())).toBe(2);
    expect(
      node.sends(
        ip4({ from: HERE, to: THERE, protocol: IP.tcp, payload: tcp({ source: 4000, destination: 53, flags: ACK }) }),
      ),
    ).toBe(1);
  });

  it('ends when its network node goes down', () => {
    const node = new Hypervisor(true);
    expect([node.sends(ask()), node.sends(ask())]).toEqual([1, 1]);
    node.share([2]);
    node.setUp(1, false);
    expect(node.sends(ask())).toBe(2);
  });
});

describe('the table of flows', () => {
  const { GW_FLOW_WAYS: WAYS } = layouts.Limits;
  const keyOf = (port: number): Buffer => {
    const flow = flowOf({ from: HERE, to: THERE, protocol: IP.udp, sourcePort: port, destinationPort: 53 });
    return encode(steering.GwFlowKey, { tenant: TENANT, unused: 0, flow });
  };
  /** Source ports of flows that share a line. */
  const portsOfOneLine = (node: Hypervisor, count: number): number[] => {
    const maps = affinityMaps(node);
    const lines = new Map<number, number[]>();
    for (let port = 1024; port < 65_536; port++) {
      const line = affinityLine(maps, keyOf(port));
      const ports = [...(lines.get(line) ?? []), port];
      if (ports.length === count) return ports;
      lines.set(line, ports);
    }
    throw new Error(`no line has ${count} flows of ${HERE}`);
  };

  it('stores a flow and its node where user space looks it up', () => {
    const node = new Hypervisor();
    node.share([2]);
    node.sends(ask(4000));
    expect(flowAffinity(affinityMaps(node), keyOf(4000))?.node).toBe(2);
    expect(flowAffinity(affinityMaps(node), keyOf(4001))).toBeUndefined();
    const found = Array.from(flowAffinities(affinityMaps(node)), ({ keys, at }) =>
      Buffer.from(keys.subarray(at, at + steering.GwFlowKey.SIZE)).toString('hex'),
    );
    expect(found).toEqual([keyOf(4000).toString('hex')]);
  });

  it('uses entries that user space writes', () => {
    const node = new Hypervisor();
    expect(putFlowAffinity(affinityMaps(node), keyOf(4000), { node: 2, seen: ticks() })).toBe(true);
    expect([node.sends(ask(4000)), node.sends(ask(4001))]).toEqual([2, 1]);
  });

  it('evicts the flow of a full line that was idle longest', () => {
    const node = new Hypervisor();
    const maps = affinityMaps(node);
    // A line with three flows; the rest of it are others', seen now.
    const [idle = 0, busy = 0, newcomer = 0] = portsOfOneLine(node, 3);
    const line = u32(affinityLine(maps, keyOf(idle)));
    const now = ticks();
    putFlowAffinity(maps, keyOf(idle), { node: 2, seen: now - 100 });
    putFlowAffinity(maps, keyOf(busy), { node: 2, seen: now });
    const flows = steering.GwFlowLine.decode(maps.sg_gw_affinity.lookup(line) ?? Buffer.alloc(0), 0).flows;
    const others = flows.map((flow, way) => (flow.tag === 0 ? { seen: now & 0xffff, node: 2, tag: 7 + way } : flow));
    maps.sg_gw_affinity.update(line, encode(steering.GwFlowLine, { flows: others }));
    expect(node.sends(ask(newcomer))).toBe(1);
    expect(countFlowAffinities(maps)).toBe(WAYS);
    expect(evictedFlows({ sg_gw_evicted: node.bench.gateway('sg_gw_evicted') })).toBe(1);
    expect([flowAffinity(maps, keyOf(idle)), flowAffinity(maps, keyOf(busy))?.node]).toEqual([undefined, 2]);
    expect([node.sends(ask(busy)), node.sends(ask(newcomer))]).toEqual([2, 1]);
    expect(node.sends(ask(idle))).toBe(1);
  });

  it('expires connectionless flows after GW_FLOW_SECONDS, and TCP flows when their node goes down', () => {
    const node = new Hypervisor();
    const maps = affinityMaps(node);
    expect([node.sends(ask()), node.sends(segment(ACK))]).toEqual([1, 1]);
    node.share([2]);
    const known = Array.from(flowAffinities(maps), ({ keys, at, seen }) => ({
      key: Buffer.from(keys.subarray(at, at + steering.GwFlowKey.SIZE)),
      seen: seen - 200,
    }));
    for (const { key, seen } of known) putFlowAffinity(maps, key, { node: 1, seen });
    expect([node.sends(ask()), node.sends(segment(ACK))]).toEqual([2, 1]);
  });
});

/** Of an underlay that leaves 1400 bytes. */
const NARROW_MTU = 1400 + 40;
const TO_ROUTER = { to: MACS.router, from: MACS.uplink };

describe('a network beyond the network nodes', () => {
  const beyond = (source: number): Buffer =>
    ip4({ from: HERE, to: '10.98.0.1', payload: udp({ source, destination: 53 }) });
  const withPlace = (place: number): Hypervisor => {
    const node = new Hypervisor();
    node.bench.addPrefix('10.98.0.0', 16, layouts.EndpointType.EP_VIA_GATEWAY, ((place + 1) << 16) | 0);
    node.share([1, 2]);
    return node;
  };

  it.each([
    [0, 1],
    [7, 2],
    [4092, 1],
  ])('has one network node for all flows: slot %i, node %i', (place, expected) => {
    const node = withPlace(place);
    expect(new Set([...Array(50).keys()].map((flow) => node.sends(beyond(5000 + flow))))).toEqual(new Set([expected]));
    node.share([expected === 1 ? 2 : 1]);
    expect(node.sends(beyond(6000))).toBe(expected === 1 ? 2 : 1);
  });

  it('gets replies through the node that the request came from', () => {
    const node = withPlace(0);
    node.gets(ip4({ from: '10.98.0.1', to: HERE, payload: udp({ source: 53, destination: 4000 }) }), 2);
    expect([node.sends(beyond(4000)), node.sends(beyond(4001))]).toEqual([2, 1]);
  });
});

describe('a packet to an unused address', () => {
  const { EP_BLACKHOLE, EP_VIA_GATEWAY } = layouts.EndpointType;
  const made = (): Hypervisor => {
    const node = new Hypervisor();
    for (const [prefix, length] of [
      ['0.0.0.0', 0],
      ['::', 0],
    ] as const) {
      node.bench.addPrefix(prefix, length, EP_VIA_GATEWAY, 0);
    }
    for (const [prefix, length] of [
      ['10.0.0.0', 24],
      ['cafe::', 64],
    ] as const) {
      node.bench.addPrefix(prefix, length, EP_BLACKHOLE, 0);
    }
    return node;
  };

  it('of the tenant is sent to no network node', () => {
    const node = made();
    expect(node.sends(ip4({ from: HERE, to: '10.0.0.99' }))).toBe('punt no member');
    expect(node.sends(ip6({ from: 'cafe::1', to: 'cafe::99' }))).toBe('punt no member');
    expect(node.sends(ip4({ from: HERE, to: '192.0.2.1' }))).toBe(1);
    expect(node.sends(ip6({ from: 'cafe::1', to: '2001:db8::1' }))).toBe(1);
    // Members are where they were.
    expect(node.sends(ip4({ from: HERE, to: '10.0.0.2' }))).toBe('to no network node');
  });

  it('is preceded by ARP without a reply', () => {
    const { bench } = made();
    const asks = (target: string): Record<string, number> => {
      const request = control.arp({ senderMac: MACS.vm, sender: HERE, target });
      return bench.send('port_tc', ethernet(request, { to: 'ff:ff:ff:ff:ff:ff', from: MACS.vm, type: 0x0806 })).counted;
    };
    expect(asks('10.0.0.2')).toEqual({ 'answer arp': 1 });
    expect(asks('10.0.0.99')).toEqual({ 'punt no member': 1 });
    expect(asks('192.0.2.1')).toEqual({ 'punt not routed': 1 });
  });

  it('is punted for an ICMP error when it arrives at the uplink', () => {
    const frame = ethernet(
      encapsulated(ip4({ from: THERE, to: '10.0.0.99' }), [SIDS.dt46], 'fd00:5e:2::1'),
      FROM_ROUTER,
    );
    expect(made().bench.send('uplink_tc', frame).counted).toEqual({ 'punt no member': 1 });
  });
});

describe('an ICMP error', () => {
  it.each([ip4({ from: HERE, to: THERE, ttl: 1 }), ip6({ from: 'cafe::1', to: 'fd99::1', hopLimit: 1 })])(
    'reports an expired hop limit to the VM: %#',
    (packet) => {
      const { bench } = new Hypervisor();
      const sent = bench.send('port_tc', ethernet(packet, TO_PORT));
      expect(sent.counted).toEqual({ 'answer hop limit': 1 });
      const gateway = GATEWAYS[packet.readUInt8(0) >> 4 === 4 ? 0 : 1];
      expect(sent.frame).toEqual(ethernet(control.errorAbout(packet, { gateway }), { to: MACS.vm, from: MACS.port }));
    },
  );

  it('reports the path MTU of the flow’s network node to the VM', () => {
    const node = new Hypervisor();
    node.bench.setUnderlay(3, [MACS.router], NARROW_MTU);
    node.bench.addEncap(102, ['fd00:5e:e2:4600:64::'], 3);
    node.gets(answer(4000), 2);
    const told = (source: number, size: number): number | string => {
      const packet = ip4({ from: HERE, to: THERE, fragment: 0x4000, payload: udp({ source, destination: 53, size }) });
      const { counted, frame } = node.bench.send('port_tc', ethernet(packet, TO_PORT));
      const reason = Object.keys(counted).join();
      if (reason !== 'answer too big') return reason;
      const mtu = frame.readUInt16BE(14 + 20 + 6);
      expect(frame).toEqual(
        ethernet(control.errorAbout(packet, { gateway: GATEWAYS[0], mtu }), { to: MACS.vm, from: MACS.port }),
      );
      return mtu;
    };
    expect([told(4000, MTU), told(4001, MTU)]).toEqual([1400, MTU]);
    expect([told(4000, 1400 - 28), told(4001, 1400 - 28)]).toEqual(['forward forwarded', 'forward forwarded']);
  });

  it.each([1, 2])('goes back to a sender in another tenant through the packet’s network node: %i', (number) => {
    const node = new Hypervisor();
    for (const inner of [
      ip4({ from: THERE, to: HERE, ttl: 1 }),
      ip6({ from: 'fd99::1', to: 'cafe::1', hopLimit: 1 }),
    ]) {
      const { source = '', sid = '' } = NODES[number] ?? {};
      const arrived = ethernet(encapsulated(inner, [SIDS.dt46], source), FROM_ROUTER);
      const sent = node.bench.send('uplink_tc', arrived);
      expect(sent.counted).toEqual({ 'answer hop limit': 1 });
      const isInet = inner.readUInt8(0) >> 4 === 4;
      const error = control.errorAbout(inner, { gateway: GATEWAYS[isInet ? 0 : 1] });
      const out = ethernet(encapsulated(error, [sid], SOURCE, isInet ? 0xc0 : 0), TO_ROUTER);
      expect(withoutFlowLabel(sent.frame).frame.toString('hex')).toBe(out.toString('hex'));
    }
    const big = ip4({ from: THERE, to: HERE, fragment: 0x4000, payload: udp({ size: MTU }) });
    const arrived = ethernet(encapsulated(big, [SIDS.dt46], NODES[number]?.source ?? ''), FROM_ROUTER);
    expect(node.bench.send('uplink_tc', arrived).counted).toEqual({ 'answer too big': 1 });
  });

  it('is not sent about a packet that came from no network node', () => {
    const inner = ip4({ from: THERE, to: HERE, ttl: 1 });
    const frame = ethernet(encapsulated(inner, [SIDS.dt46], 'fd00:5e:2::1'), FROM_ROUTER);
    expect(new Hypervisor().bench.send('uplink_tc', frame)).toMatchObject({
      ...{ verdict: 'drop', counted: { 'drop hop limit': 1 } },
    });
  });
});
