/** Which network node a hypervisor sends a flow to: new flows by Maglev, others where their last packet came from. */
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
  ['looks each packet up', false],
  ['remembers flows', true],
])('a hypervisor that %s', (_what, remembers) => {
  it('shares out new flows, each as a whole', () => {
    const node = new Hypervisor(remembers);
    node.share([1, 2]);
    const flows = [...Array(200).keys()].map((flow) => ask(5000 + flow));
    const first = flows.map((packet) => node.sends(packet));
    expect(first.filter((number) => number === 1).length).toBeGreaterThan(60);
    expect(first.filter((number) => number === 2).length).toBeGreaterThan(60);
    expect(flows.map((packet) => node.sends(packet))).toEqual(first);
  });

  it.each(['uplink_tc', 'uplink_xdp'] as const)('answers by the node that asked: %s', (program) => {
    const node = new Hypervisor(remembers);
    node.gets(answer(), 2, program);
    expect([node.sends(ask()), node.sends(ask(4001))]).toEqual([2, 1]);
    node.gets(answer(), 1, program);
    expect(node.sends(ask())).toBe(1);
    const back = ip6({ from: 'fd99::1', to: 'cafe::1', payload: udp({ source: 53, destination: 9 }) });
    node.gets(back, 2, program);
    expect(node.sends(ip6({ from: 'cafe::1', to: 'fd99::1', payload: udp({ source: 9, destination: 53 }) }))).toBe(2);
  });

  it('keeps a flow where it is when new ones go elsewhere, until its node is down', () => {
    const node = new Hypervisor(remembers);
    expect([node.sends(ask()), node.sends(segment(SYN)), node.sends(segment(ACK))]).toEqual([1, 1, 1]);
    node.share([2]);
    expect([node.sends(ask()), node.sends(segment(ACK)), node.sends(ask(4001))]).toEqual([1, 1, 2]);
    node.setUp(1, false);
    expect([node.sends(ask()), node.sends(segment(ACK))]).toEqual([2, 2]);
    node.setUp(1, true);
    expect([node.sends(ask()), node.sends(segment(ACK))]).toEqual([2, 2]);
  });

  it('lets a SYN go where new connections go', () => {
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

  it('drops what no network node is there for', () => {
    const node = new Hypervisor(remembers);
    node.share([]);
    expect(node.sends(ask())).toBe('drop no network node');
    const without = new Bench();
    without.addPrefix('10.99.0.0', 16, layouts.EndpointType.EP_VIA_GATEWAY, 0);
    expect(without.send('port_tc', ethernet(ask(), TO_PORT)).counted).toEqual({ 'drop no network node': 1 });
  });

  it('remembers nothing of packets within the tenant', () => {
    const node = new Hypervisor(remembers);
    const within = ip4({ from: '10.0.0.2', to: HERE });
    const frame = ethernet(encapsulated(within, [SIDS.dt46], 'fd00:5e:2::1'), FROM_ROUTER);
    expect(node.bench.send('uplink_tc', frame).verdict).toBe('redirect');
    expect(countFlowAffinities(affinityMaps(node))).toBe(0);
  });
});

describe('what a hypervisor remembers of a flow', () => {
  const flowNodes = (node: Hypervisor): void => {
    emptyAffinity(node.bench.gateway('sg_gw_affinity'));
  };

  /** Of two looks one is within a moment of the first packet. */
  const sooner = (look: () => boolean): boolean => look() || look();

  it('spares the look-up of its network node, for a moment', async () => {
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

  it('says in sg_gw_affinity once a moment that the flow is there', async () => {
    const node = new Hypervisor(true);
    node.gets(answer(), 2);
    flowNodes(node);
    await setTimeout(MOMENT_MS);
    node.gets(answer(), 2);
    expect(node.sends(ask())).toBe(2);
  });

  it.each(['uplink_tc', 'uplink_xdp'] as const)(
    'takes a flow’s last network node, however soon it changes: %s',
    (program) => {
      const node = new Hypervisor(true);
      for (const by of [2, 1, 2, 2, 1, 2]) {
        node.gets(answer(), by, program);
        expect(node.sends(ask())).toBe(by);
      }
      // More flows than a CPU has entries for what it has learnt.
      const ports = [...Array(300).keys()].map((flow) => 5000 + flow);
      for (const by of [1, 2, 2]) {
        for (const port of ports) node.gets(answer(port), by, program);
        expect(ports.filter((port) => node.sends(ask(port)) !== by)).toEqual([]);
      }
    },
  );

  it('learns a flow of another protocol for itself', () => {
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

  it('holds no longer than its network node is up', () => {
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

  it('has a flow where user space looks for it, with the node that it has', () => {
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

  it('takes what user space writes: of a build before, of a trial', () => {
    const node = new Hypervisor();
    expect(putFlowAffinity(affinityMaps(node), keyOf(4000), { node: 2, seen: ticks() })).toBe(true);
    expect([node.sends(ask(4000)), node.sends(ask(4001))]).toEqual([2, 1]);
  });

  it('forgets, of a full line, the flow without a packet for the longest time, and takes it where new ones go', () => {
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

  it('keeps a flow that has no connection for GW_FLOW_SECONDS alone, one of TCP while its node is up', () => {
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
  ])('has one network node for all flows: that at place %i, %i', (place, expected) => {
    const node = withPlace(place);
    expect(new Set([...Array(50).keys()].map((flow) => node.sends(beyond(5000 + flow))))).toEqual(new Set([expected]));
    node.share([expected === 1 ? 2 : 1]);
    expect(node.sends(beyond(6000))).toBe(expected === 1 ? 2 : 1);
  });

  it('has answers by the node that brought the question', () => {
    const node = withPlace(0);
    node.gets(ip4({ from: '10.98.0.1', to: HERE, payload: udp({ source: 53, destination: 4000 }) }), 2);
    expect([node.sends(beyond(4000)), node.sends(beyond(4001))]).toEqual([2, 1]);
  });
});

describe('what is no member', () => {
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

  it('of the tenant goes to no network node, though all else does', () => {
    const node = made();
    expect(node.sends(ip4({ from: HERE, to: '10.0.0.99' }))).toBe('punt no member');
    expect(node.sends(ip6({ from: 'cafe::1', to: 'cafe::99' }))).toBe('punt no member');
    expect(node.sends(ip4({ from: HERE, to: '192.0.2.1' }))).toBe(1);
    expect(node.sends(ip6({ from: 'cafe::1', to: '2001:db8::1' }))).toBe(1);
    // Members are where they were.
    expect(node.sends(ip4({ from: HERE, to: '10.0.0.2' }))).toBe('to no network node');
  });

  it('is not answered for', () => {
    const { bench } = made();
    const asks = (target: string): Record<string, number> => {
      const request = control.arp({ senderMac: MACS.vm, sender: HERE, target });
      return bench.send('port_tc', ethernet(request, { to: 'ff:ff:ff:ff:ff:ff', from: MACS.vm, type: 0x0806 })).counted;
    };
    expect(asks('10.0.0.2')).toEqual({ 'answer arp': 1 });
    expect(asks('10.0.0.99')).toEqual({ 'punt no member': 1 });
    expect(asks('192.0.2.1')).toEqual({ 'punt not routed': 1 });
  });

  it('has its ICMP error as before when it arrives', () => {
    const frame = ethernet(
      encapsulated(ip4({ from: THERE, to: '10.0.0.99' }), [SIDS.dt46], 'fd00:5e:2::1'),
      FROM_ROUTER,
    );
    expect(made().bench.send('uplink_tc', frame).counted).toEqual({ 'punt no member': 1 });
  });
});

describe('an ICMP error', () => {
  it.each([ip4({ from: HERE, to: THERE, ttl: 1 }), ip6({ from: 'cafe::1', to: 'fd99::1', hopLimit: 1 })])(
    'tells the VM of its last hop: %#',
    (packet) => {
      const { bench } = new Hypervisor();
      const sent = bench.send('port_tc', ethernet(packet, TO_PORT));
      expect(sent.counted).toEqual({ 'answer hop limit': 1 });
      const gateway = GATEWAYS[packet.readUInt8(0) >> 4 === 4 ? 0 : 1];
      expect(sent.frame).toEqual(ethernet(control.errorAbout(packet, { gateway }), { to: MACS.vm, from: MACS.port }));
    },
  );

  it('tells the VM what fits the way that the flow has', () => {
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

  it.each([1, 2])('goes back to a sender in another tenant by the network node that it came by: %i', (number) => {
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

  it('goes nowhere where no network node brought it', () => {
    const inner = ip4({ from: THERE, to: HERE, ttl: 1 });
    const frame = ethernet(encapsulated(inner, [SIDS.dt46], 'fd00:5e:2::1'), FROM_ROUTER);
    expect(new Hypervisor().bench.send('uplink_tc', frame)).toMatchObject({
      ...{ verdict: 'drop', counted: { 'drop hop limit': 1 } },
    });
  });
});
