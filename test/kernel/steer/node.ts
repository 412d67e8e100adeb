/**
 * A network node: the programs over one set of maps that hold a small cloud. Tenants red and blue talk, green has red's addresses, dc is an
 * external network. Policies are the tests' own.
 */
import { afterAll, onTestFinished } from 'vitest';
import { reasonCounts } from '../../../src/ebpf/counters.js';
import * as layouts from '../../../src/ebpf/generated/layouts.js';
import * as steering from '../../../src/ebpf/generated/steering.js';
import { FUNCTIONS } from '../../../src/ebpf/programs.js';
import { newSeeds } from '../../../src/gateway/seeds.js';
import { type BpfMap, BpfObject, type BpfProgram, RingBuffer } from 'libbpf-ts';
import { MapFiller, onlyHop } from '../../../bench/lib/map-filler.js';
import { bytesOf, encapsulated, ethernet, withoutFlowLabel } from '../fastpath/packets.js';
import { objectPath, stayOnOneCpu, u32 } from '../libbpf/harness.js';
import { PolicyWriter } from './policies.js';
import { ageTable, connectionsOf, emptyTable } from './table.js';
import type { ConnectionMaps } from './table.js';
import type { PolicyMaps } from './policies.js';

export const ZONES = {
  red: { id: 100, slot: 1 },
  blue: { id: 200, slot: 2 },
  green: { id: 300, slot: 3 },
  dc: { id: 0x01000001, slot: 4 },
} as const;
export type ZoneName = keyof typeof ZONES;

export const SOURCE = 'fd00:5e:9::1';
export const HYPERVISOR = 'fd00:5e:1::1';
/** Outer sources of the other nodes. */
const TRUSTED = ['fd00:5e:1::1', 'fd00:5e:8::1'] as const;
export const OTHER_NODE = 'fd00:5e:8::1';
/** The uplink's is lo's, where test runs take place. */
export const MACS = { uplink: '00:00:00:00:00:00', router: '02:00:00:00:02:01' } as const;
/** This node's gateway SIDs. */
export const GATEWAY_SIDS = {
  red: 'fd00:5e:9:4600:64::',
  blue: 'fd00:5e:9:4600:c8::',
  green: 'fd00:5e:9:4600:12c::',
} as const;
/** Encapsulations by number: towards the hypervisors' SIDs, and the other network node's. */
export const PATHS: Readonly<Record<number, readonly string[]>> = {
  1: ['fd00:5e:1:4600:64::'],
  2: ['fd00:5e:2:4600:c8::'],
  3: ['fd00:5e:91:1::', 'fd00:5e:2:4600:c8::'],
  4: ['fd00:5e:1:4600:12c::'],
  10: ['fd00:5e:8:4600:64::'],
  11: ['fd00:5e:8:4600:c8::'],
};
/** Numbers of network nodes. */
export const SELF = 1;
export const OTHER = 2;
const SEEDS = newSeeds();
const UNRESOLVED = 9;
/** Of the table of connections: places for 8192. */
export const BUCKETS = 1024;
/** lo, where test runs take place */
const LO_INDEX = 1;
/** XDP_DROP, XDP_PASS, XDP_REDIRECT; TC_ACT_SHOT, TCX_NEXT, TC_ACT_REDIRECT */
const TC_VERDICTS = { 2: 'drop', [-1]: 'next', 7: 'redirect' } as const;
const VERDICTS: Readonly<Record<Hook, Readonly<Record<number, Verdict>>>> = {
  xdp: { 1: 'drop', 2: 'next', 4: 'redirect' },
  tc: TC_VERDICTS,
  external: TC_VERDICTS,
};

/** `external`: tcx of an interface of the external network dc. */
export type Hook = 'xdp' | 'tc' | 'external';
const FILES: Readonly<Record<Hook, string>> = { xdp: 'nn_uplink_xdp', tc: 'nn_uplink_tc', external: 'nn_external_tc' };

export type Verdict = 'drop' | 'next' | 'redirect';

export interface Steered {
  verdict: Verdict;
  /** `<verdict> <reason>` of each counter that moved, with by how much */
  counted: Record<string, number>;
  frame: Buffer;
}

/** Loading takes longer than what a test does: a program of a file's tests is loaded once, and each begins with its maps empty. */
const loaded = new Map<string, { object: BpfObject; policies: PolicyWriter }>();
afterAll(() => {
  for (const { object } of loaded.values()) object.close();
  loaded.clear();
});

function loadOnce(
  hook: Hook,
  rodata: Record<string, boolean>,
  remembers: boolean,
): { object: BpfObject; policies: PolicyWriter } {
  const name = hook + JSON.stringify(rodata) + String(remembers);
  const known = loaded.get(name);
  if (known !== undefined) return known;
  const object = BpfObject.load(objectPath(FILES[hook]), { rodata, maps: { sg_ct: { maxEntries: BUCKETS } } });
  const maps: PolicyMaps = {
    policy_pairs: object.map('sg_pol_pairs'),
    policy_sources: object.map('sg_pol_src'),
    policy_destinations: object.map('sg_pol_dst'),
    policy_rules: object.map('sg_pol_rules'),
    policy_ports: object.map('sg_pol_ports'),
  };
  const fresh = { object, policies: new PolicyWriter(maps) };
  loaded.set(name, fresh);
  return fresh;
}

export class NetworkNode {
  readonly object: BpfObject;
  readonly policies: PolicyWriter;
  readonly #filler = new MapFiller((name) => this.map(name));
  readonly #hook: Hook;
  readonly #remembers: boolean;
  #epoch = 1n;

  /** @param remembers CPUs remember flows */
  constructor(rodata: Record<string, boolean> = {}, hook: Hook = 'xdp', remembers = false) {
    this.#hook = hook;
    this.#remembers = remembers;
    if (remembers) stayOnOneCpu();
    ({ object: this.object, policies: this.policies } = loadOnce(hook, rodata, remembers));
    for (const name of [
      'sg_pol_pairs',
      'sg_zone_routes',
      'sg_endpoints',
      'sg_gw_encaps',
      'sg_ext_src',
      'sg_icmp_src_lpm',
    ]) {
      const map = this.map(name);
      for (const key of [...map.keys()]) map.delete(key);
    }
    const hits = this.map('sg_pol_hits');
    for (let slot = 0; slot < 16; slot++) hits.update(u32(slot), Buffer.alloc(hits.valueSize));
    const traffics = this.map('sg_zone_stats');
    for (const { slot } of Object.values(ZONES)) traffics.update(u32(slot), Buffer.alloc(traffics.valueSize));
    this.forgetConnections();
    this.ring(() => undefined).consume();
    this.#fill();
    this.forget();
  }

  map(name: string): BpfMap {
    return this.object.map(name);
  }

  /** Sends a frame through the program of the uplink. @param skb of a super-packet, or with a mark: at tcx */
  send(frame: Buffer, skb?: { size?: number; segments?: number; mark?: number }): Steered {
    const maps = { sg_verdicts: this.map('sg_verdicts') };
    const before = reasonCounts(maps);
    const context = skb === undefined ? {} : { context: skbOf(skb) };
    const { verdict, data } = this.program.testRun({ data: frame, ...context });
    const counted: Record<string, number> = {};
    for (const [index, { verdict: what, reason, packets }] of reasonCounts(maps).entries()) {
      const more = packets - (before[index]?.packets ?? 0);
      if (more !== 0) counted[`${what} ${reason}`] = more;
    }
    return { verdict: this.verdictOf(verdict), counted, frame: Buffer.from(data) };
  }

  get program(): BpfProgram {
    return this.object.program(FUNCTIONS[FILES[this.#hook] as keyof typeof FUNCTIONS]);
  }

  verdictOf(number: number): Verdict {
    const named = VERDICTS[this.#hook][number];
    if (named === undefined) throw new Error(`verdict ${number}`);
    return named;
  }

  /** What becomes of a tenant's packet: `passed`, or the reason against it. Of what passed it sees to the outer header. */
  sent(from: keyof typeof GATEWAY_SIDS, inner: Buffer, source = HYPERVISOR): string {
    const { verdict, counted, frame } = this.send(arriving(from, inner, source));
    const reasons = Object.keys(counted).join();
    if (verdict !== 'redirect') return reasons === '' ? 'left to the kernel' : reasons;
    if (reasons !== 'forward forwarded') throw new Error(`redirected, and counted ${reasons}`);
    const relay = [10, 11].find((id) => frame.subarray(38, 54).equals(bytesOf(PATHS[id]?.[0] ?? '')));
    return relay === undefined ? 'passed' : 'relayed';
  }

  /** Has what is remembered of flows forgotten, as the agent does after a change of what is looked up. */
  forget(): void {
    if (this.#remembers) this.#filler.forget();
  }

  /** Flows that CPUs remember, of whatever time. */
  remembered(): number {
    const map = this.map('sg_nn_cache');
    const sets = [...map.entries()].map(([, value]) => steering.NnFlowSet.decode(value, 0));
    return sets.flatMap(({ flows: all }) => all).filter(({ generation }) => generation !== 0n).length;
  }

  /** What was counted of a zone: packets and bytes that it sent and was sent. */
  traffic(zone: ZoneName): number[] {
    const map = this.map('sg_zone_stats');
    const value = map.lookup(u32(ZONES[zone].slot)) ?? Buffer.alloc(map.valueSize);
    const all = map.cpuValues(value).map((bytes) => layouts.TrafficStats.decode(bytes, 0));
    const fields = ['txPackets', 'txBytes', 'rxPackets', 'rxBytes'] as const;
    return fields.map((field) => all.reduce((total, one) => total + Number(one[field]), 0));
  }

  /** What was changed of routes and policies is looked at by connections, too. */
  nextEpoch(): void {
    this.#epoch += 1n;
    this.#writeSteering();
  }

  /** What holds connections and their counts. */
  get connectionMaps(): ConnectionMaps {
    const of = (name: keyof ConnectionMaps): BpfMap => this.map(name);
    return {
      sg_ct: of('sg_ct'),
      sg_ct_totals: of('sg_ct_totals'),
      sg_ct_pairs: of('sg_ct_pairs'),
    };
  }

  /** Those that a zone opened. */
  connections(zone: ZoneName): steering.Connection[] {
    return connectionsOf(this.connectionMaps, ZONES[zone].id);
  }

  /** As if there never was a connection. */
  forgetConnections(): void {
    emptyTable(this.connectionMaps);
  }

  /** As if nothing had been seen of a zone's connections for so long. */
  age(zone: ZoneName, seconds: number): void {
    ageTable(this.connectionMaps, seconds, ZONES[zone].id);
  }

  /** What may come from the external network by the interface that test runs are at. @param outside what may not, of all the rest */
  addExternalSource(prefix: string, outside = false): void {
    const flags = outside ? steering.ZoneFlags.ZONE_OUTSIDE : 0;
    this.#filler.externalSource(LO_INDEX, prefix, { ...ZONES.dc, flags });
  }

  /** Which address tells a zone's senders of errors. */
  addIcmpSource(zone: ZoneName, prefix: string, address: string): void {
    this.#filler.icmpSource(ZONES[zone].id, prefix, address);
  }

  /** What a policy was counted for. */
  hits(slot: number): { connections: number; packets: number; bytes: number } {
    const map = this.map('sg_pol_hits');
    const value = map.lookup(u32(slot)) ?? Buffer.alloc(map.valueSize);
    const all = map.cpuValues(value).map((bytes) => steering.PolicyHit.decode(bytes, 0));
    const sum = (field: keyof steering.PolicyHit): number => all.reduce((total, hit) => total + Number(hit[field]), 0);
    return { connections: sum('connections'), packets: sum('packets'), bytes: sum('bytes') };
  }

  /** Reads what it tells of its decisions. */
  ring(handler: (record: Buffer) => void): RingBuffer {
    const ring = new RingBuffer(this.map('sg_policy_log'), handler);
    onTestFinished(() => {
      ring.close();
    });
    return ring;
  }

  /** What of the hash's place goes to a network node: all places the same. */
  setMaglev(active: number, all = active): void {
    this.#filler.maglev(
      0,
      () => active,
      () => all,
    );
  }

  /** What each of the hash's places goes to. */
  setMaglevPlaces(nodeOf: (place: number) => number): void {
    this.#filler.maglev(0, nodeOf);
  }

  setUp(node: number, isUp: boolean): void {
    this.#filler.networkNodeState(node, isUp);
  }

  addMember(zone: ZoneName, to: string, id: number, type: number = layouts.EndpointType.EP_REMOTE): void {
    this.#filler.endpoint(ZONES[zone].id, to, { type, id });
  }

  /** Which underlay an encapsulation has: 1 is resolved, 2 is not. */
  setPath(id: number, underlay: number): void {
    this.#filler.encap(id, PATHS[id] ?? [], underlay);
  }

  /** A prefix of one zone as another sees it. @param mtu of what is there, bytes; 0: not known */
  addRoute(from: ZoneName, prefix: string, to: ZoneName, mtu = 0): void {
    this.#filler.zoneRoute(ZONES[from].id, prefix, { ...ZONES[to], mtu });
  }

  #fill(): void {
    const uplinks = [{ index: LO_INDEX, mac: MACS.uplink }];
    this.#filler.node({ source: SOURCE, sidBlock: 'fd00:5e::/32', hasTrusted: true, uplinks });
    this.#filler.trusted('fd00:77::/32');
    for (const source of TRUSTED) this.#filler.domainSource(source);
    this.#writeSteering();
    for (const [zone, sid] of Object.entries(GATEWAY_SIDS)) this.#filler.gatewaySid(sid, ZONES[zone as ZoneName]);
    for (const id of Object.keys(PATHS)) this.setPath(Number(id), 1);
    this.#filler.encap(UNRESOLVED, PATHS[2] ?? [], 2);
    this.#underlay(1, 1);
    this.#underlay(2, 0);
    for (const address of ['10.0.0.1', 'cafe:a::1']) this.addMember('red', address, 1);
    for (const address of ['10.1.0.2', 'cafe:b::2']) this.addMember('blue', address, 2);
    for (const address of ['10.1.0.3', 'cafe:b::3']) this.addMember('blue', address, 3);
    this.addMember('blue', '10.1.0.8', UNRESOLVED);
    this.addMember('green', '10.0.0.1', 4);
    for (const [from, prefix, to] of [
      ['red', '10.1.0.0/24', 'blue'],
      ['red', 'cafe:b::/64', 'blue'],
      ['blue', '10.0.0.0/24', 'red'],
      ['blue', 'cafe:a::/64', 'red'],
    ] as const) {
      this.addRoute(from, prefix, to);
    }
    this.#filler.networkNodeSource(OTHER_NODE, OTHER);
    this.setUp(OTHER, true);
    this.setMaglev(SELF);
    for (const [zone, id] of [
      ['red', 10],
      ['blue', 11],
    ] as const) {
      this.#filler.gatewayEncap(ZONES[zone].id, OTHER, id);
    }
  }

  #underlay(id: number, count: number): void {
    const hop = onlyHop({ ifindex: 500, mtu: 1564, destMac: MACS.router, sourceMac: MACS.uplink });
    const hops = Array.from({ length: count }, () => hop);
    this.#filler.nexthopGroup(id, { destination: 'fd00:5e:2::', length: 48, hops });
  }

  #writeSteering(): void {
    this.#filler.networkNodeConfig(SELF, { policyGeneration: this.#epoch, nextSet: 1, seeds: SEEDS });
  }
}

/** As a hypervisor sends it to this node. */
export function arriving(
  from: keyof typeof GATEWAY_SIDS,
  inner: Buffer,
  source = HYPERVISOR,
  trafficClass = 0,
): Buffer {
  const frame = { to: MACS.uplink, from: MACS.router };
  return ethernet(encapsulated(inner, [GATEWAY_SIDS[from]], source, trafficClass), frame);
}

/** As this node sends it on, with the flow label zero. */
export function leaving(inner: Buffer, path: readonly string[] = [], trafficClass = 0): Buffer {
  const frame = { to: MACS.router, from: MACS.uplink };
  return withoutFlowLabel(ethernet(encapsulated(inner, path, SOURCE, trafficClass), frame)).frame;
}

/** struct __sk_buff (linux/bpf.h): what a test run may set of a super-packet. */
function skbOf({ size = 0, segments = 0, mark = 0 }: { size?: number; segments?: number; mark?: number }): Buffer {
  const context = Buffer.alloc(192);
  context.writeUInt32LE(mark, 8);
  context.writeUInt32LE(segments, 164);
  context.writeUInt32LE(size, 176);
  return context;
}
