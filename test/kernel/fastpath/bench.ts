/** The three programs over one set of maps that hold a small cloud, and one packet sent through one of them. */
import { rmSync } from 'node:fs';
import { onTestFinished } from 'vitest';
import { pinDirectory } from '../../../src/agent/instance.js';
import { reasonCounts } from '../../../src/ebpf/counters.js';
import * as layouts from '../../../src/ebpf/generated/layouts.js';
import { GENERATION } from '../../../src/ebpf/generation.js';
import { MAP_NAMES, reusing } from '../../../src/ebpf/maps.js';
import { FUNCTIONS, programVersion } from '../../../src/ebpf/programs.js';
import { MapFiller, onlyHop } from '../../../bench/lib/map-filler.js';
import { attachTcx, type BpfMap, type BpfProgram } from 'libbpf-ts';
import { ifindex as ifindexOf, namespace, run, stayOnOneCpu, u32 } from '../libbpf/harness.js';
import { loadedFor } from './loaded.js';
import { bytesOf } from './packets.js';
import type { Loaded } from './loaded.js';
import type { BpfProgramName } from '../../../src/ebpf/objects.js';
import type { FastpathMaps, MapName } from '../../../src/ebpf/maps.js';
import type { PortText } from '../../../src/ebpf/encoders.js';
import type { GatewayMapName } from '../../../src/gateway/gateway-maps.js';

export const TENANT = 100;
export const SOURCE = 'fd00:5e:1::1';
/** A prefix of the SR domain beyond the SID block, /32. */
export const TRUSTED = 'fd00:77::';
/** Of the other node that the bench trusts. */
export const REMOTE_SOURCE = 'fd00:5e:2::1';
/** A namespace's lo: where XDP's test runs say frames came in. */
const LO_INDEX = 1;
export const MTU = 1460;
export const MACS = {
  vm: '02:00:00:00:00:01',
  port: '02:00:00:00:01:01',
  // No byte as in the gateway's: a fuzzer that alters some does not come upon it.
  formerPort: '0a:53:f1:2c:77:e9',
  otherVm: '02:00:00:00:00:07',
  otherPort: '02:00:00:00:01:07',
  router: '02:00:00:00:02:01',
  uplink: '02:00:00:00:02:02',
  secondRouter: '02:00:00:00:02:03',
} as const;
export const SIDS = { dt46: 'fd00:5e:1:4600:64::', dt4: 'fd00:5e:1:400:64::', dt6: 'fd00:5e:1:600:64::' } as const;
/** Segments towards 10.0.0.2 and cafe::2, .3 and ::3, … in travel order. */
export const PATHS: Readonly<Record<number, readonly string[]>> = {
  2: ['fd00:5e:2:4600:64::'],
  3: ['fd00:5e:91:1::', 'fd00:5e:2:4600:64::'],
  4: ['fd00:5e:91:1::', 'fd00:5e:92:1::', 'fd00:5e:2:4600:64::'],
  5: ['fd00:5e:91:1::', 'fd00:5e:92:1::', 'fd00:5e:93:1::', 'fd00:5e:2:4600:64::'],
};
/** The tenant's gateway, of each family. */
export const GATEWAYS = ['10.0.0.254', 'cafe::254'] as const;
/** A port of this node whose interface does not segment tunnels, nor take frames from XDP; it has 10.0.0.9 and cafe::9. */
const PLAIN_PORT = 79;
const OTHER_PORT = 77;
const UNRESOLVED = 8;

/** TC_ACT_SHOT, TCX_NEXT, TC_ACT_REDIRECT; XDP_DROP, XDP_PASS, XDP_REDIRECT */
const VERDICTS: Readonly<Record<'tc' | 'xdp', Readonly<Record<number, Verdict>>>> = {
  tc: { 2: 'drop', [-1]: 'next', 7: 'redirect' },
  xdp: { 1: 'drop', 2: 'next', 4: 'redirect' },
};
export type Verdict = 'drop' | 'next' | 'redirect';

export interface SentOptions {
  /** __sk_buff: bytes of a segment's payload, and how many segments; tc alone */
  gsoSize?: number;
  gsoSegs?: number;
  /** skb->mark; tc alone */
  mark?: number;
  /** frames enter by another interface */
  ifindex?: number;
}

export interface Sent {
  verdict: Verdict;
  /** `<verdict> <reason>` of each counter that moved, with by how much */
  counted: Record<string, number>;
  frame: Buffer;
}

export interface BenchOptions {
  /** constants that are to differ from the object file's */
  rodata?: Record<string, boolean>;
  /** default: one of its own */
  netns?: string;
  /** frames sent before each, uncounted, with the programs remembering flows; absent: they remember nothing */
  before?: readonly Buffer[];
}

export class Bench {
  readonly maps: FastpathMaps;
  readonly filler: MapFiller;
  readonly ifindex: number;
  readonly netns: string;
  readonly #loaded: Loaded;
  readonly #before: readonly Buffer[] | undefined;

  constructor({ rodata = {}, netns = namespace(), before }: BenchOptions = {}) {
    this.#before = before;
    if (before !== undefined) stayOnOneCpu();
    this.netns = netns;
    this.ifindex = ifindexOf(this.netns, 'v0');
    // A test run's frames are the interface's own, or another machine's, by this.
    for (const device of ['v0', 'v1']) run(this.netns, 'ip', 'link', 'set', device, 'address', MACS.uplink);
    this.#loaded = loadedFor(rodata);
    this.maps = this.#loaded.maps;
    this.filler = new MapFiller((name) => this.#mapOf(name));
    this.#fill();
  }

  /** Pins the maps where the commands of a node look for them; gone when the test ends. */
  pin(node: string): void {
    const directory = pinDirectory(node);
    onTestFinished(() => {
      rmSync(directory, { recursive: true, force: true });
    });
    for (const name of MAP_NAMES) this.maps[name].pin(`${directory}/maps_${GENERATION}/${name}`);
    const program = this.#loaded.object('port_tc').program(FUNCTIONS.port_tc);
    program.pin(`${directory}/programs/port_tc_${programVersion('port_tc', {})}`);
    const link = attachTcx(program, { interface: this.ifindex, netns: this.netns, direction: 'ingress' });
    link.pin(`${directory}/links/tcx_${this.ifindex}`);
    link.close();
  }

  #mapOf(name: string): BpfMap {
    return name in this.maps ? this.maps[name as MapName] : this.gateway(name as GatewayMapName);
  }

  /** What is known of gateways. */
  gateway(name: GatewayMapName): BpfMap {
    const map = this.#loaded.gateways[name];
    if (map === undefined) throw new Error('the bench has no gateways');
    return map;
  }

  send(program: BpfProgramName, frame: Buffer, options: SentOptions = {}): Sent {
    const kind = program.endsWith('_xdp') ? 'xdp' : 'tc';
    const handle = this.#loaded.object(program).program(FUNCTIONS[program]);
    const test = (one: Buffer): { verdict: number; data: Buffer } => {
      const context = kind === 'tc' ? { context: skb({ ...options, ifindex: options.ifindex ?? this.ifindex }) } : {};
      return handle.testRun({ data: one, netns: this.netns, ...context });
    };
    for (const one of this.#before === undefined ? [] : [...this.#before, frame]) test(one);
    const before = reasonCounts(this.maps);
    const { verdict, data } = test(frame);
    const counted: Record<string, number> = {};
    for (const [index, { verdict: what, reason, packets }] of reasonCounts(this.maps).entries()) {
      const more = packets - (before[index]?.packets ?? 0);
      if (more !== 0) counted[`${what} ${reason}`] = more;
    }
    const named = VERDICTS[kind][verdict];
    if (named === undefined) throw new Error(`${program}: verdict ${verdict}`);
    return { verdict: named, counted, frame: Buffer.from(data) };
  }

  /** The verdict of a program that is loaded beside the bench's, over its maps. */
  verdictOf(program: BpfProgram, frame: Buffer): Verdict {
    const { verdict } = program.testRun({ data: frame, netns: this.netns, context: skb({ ifindex: this.ifindex }) });
    const named = VERDICTS.tc[verdict];
    if (named === undefined) throw new Error(`verdict ${verdict}`);
    return named;
  }

  /** Sends a frame until it is dropped, as fast as it can: a bucket empties only when it is filled more slowly. */
  exhaust(program: BpfProgramName, frame: Buffer, most = 100_000): number {
    const handle = this.program(program);
    const options = { data: frame, netns: this.netns, context: skb({ ifindex: this.ifindex }) };
    for (let sent = 0; sent < most; sent++) if (VERDICTS.tc[handle.testRun(options).verdict] === 'drop') return sent;
    throw new Error(`${program}: ${most} frames, and none was dropped`);
  }

  /** What was counted of the port's VM, or of another's: packets and bytes it sent and was sent. */
  traffic(slot: number): { tx: [number, number]; rx: [number, number] } {
    const value = this.maps.sg_port_stats.lookup(u32(slot)) ?? Buffer.alloc(this.maps.sg_port_stats.valueSize);
    const all = this.maps.sg_port_stats.cpuValues(value).map((bytes) => layouts.TrafficStats.decode(bytes, 0));
    const sum = (field: keyof layouts.TrafficStats): number =>
      all.reduce((total, one) => total + Number(one[field]), 0);
    return { tx: [sum('txPackets'), sum('txBytes')], rx: [sum('rxPackets'), sum('rxBytes')] };
  }

  setPort(change: Partial<PortText>, ifindex = this.ifindex): void {
    this.filler.port(ifindex, {
      ...{ tenant: TENANT, slot: 0, mtu: MTU, dscp: layouts.DscpPolicy.DSCP_COPY },
      flags: layouts.PortFlags.PORT_TUNNEL_SEGMENTATION | layouts.PortFlags.PORT_XDP_XMIT,
      ...{ mac: MACS.vm, gatewayMac: MACS.port, formerMac: MACS.formerPort },
      ...{ gateway4: GATEWAYS[0], gateway6: GATEWAYS[1] },
      ...change,
    });
    this.forget();
  }

  /** @param mtus of the ways, bytes */
  setUnderlay(id: number, macs: readonly string[], ...mtus: readonly number[]): void {
    const hops = macs.map((destMac, index) =>
      onlyHop({ ifindex: 500 + index, mtu: mtus[index] ?? 1500 + 64, destMac, sourceMac: MACS.uplink }),
    );
    this.filler.nexthopGroup(id, { destination: 'fd00:5e:2::', length: 48, hops });
    this.forget();
  }

  /** Has what is remembered of flows forgotten, as the agent does after a change. */
  forget(): void {
    if (this.#before !== undefined) this.filler.forget();
  }

  addMember(to: string, type: number, id: number, tenant = TENANT): void {
    this.filler.endpoint(tenant, to, { type, id });
  }

  /** @param id of its encapsulation */
  addRemotePrefix(to: string, length: number, id: number): void {
    this.addPrefix(to, length, layouts.EndpointType.EP_REMOTE, id);
  }

  /** A node of the SR domain, by its outer source. */
  trust(source: string): void {
    this.filler.domainSource(source);
    this.forget();
  }

  distrust(source: string): void {
    this.maps.sg_domain_src.delete(bytesOf(source));
    this.forget();
  }

  trustPrefix(address: string, length: number): void {
    this.filler.trusted(`${address}/${length}`);
    this.forget();
  }

  /** What the VM at an interface may send from. */
  permit(from: string, ifindex = this.ifindex): void {
    this.filler.source(ifindex, from);
  }

  permitPrefix(from: string, length: number, ifindex = this.ifindex): void {
    this.filler.source(ifindex, `${from}/${length}`);
  }

  addPrefix(to: string, length: number, type: number, id: number, tenant = TENANT): void {
    this.filler.endpoint(tenant, `${to}/${length}`, { type, id });
  }

  /** @param path segments in travel order */
  addEncap(id: number, path: readonly string[], underlay = 1): void {
    this.filler.encap(id, path, underlay);
  }

  addSid(sid: string, behaviour: number, tenant = TENANT): void {
    this.filler.sid(sid, tenant, behaviour);
  }

  /** The maps, for an object that is loaded beside the bench's. */
  reuse(): ReturnType<typeof reusing> {
    return reusing(this.maps);
  }

  program(name: BpfProgramName): BpfProgram {
    return this.#loaded.object(name).program(FUNCTIONS[name]);
  }

  #fill(): void {
    const { EP_LOCAL, EP_REMOTE, EP_GATEWAY } = layouts.EndpointType;
    const uplinks = [LO_INDEX, this.ifindex, ifindexOf(this.netns, 'v1')].map((index) => ({ index, mac: MACS.uplink }));
    this.filler.node({ source: SOURCE, sidBlock: 'fd00:5e::/32', hasTrusted: true, uplinks });
    this.trust(REMOTE_SOURCE);
    this.filler.trusted(`${TRUSTED}/32`);
    this.setPort({});
    this.setPort({ slot: 1, mac: MACS.otherVm, gatewayMac: MACS.otherPort }, OTHER_PORT);
    this.setPort({ slot: 2, mac: MACS.otherVm, gatewayMac: MACS.otherPort, flags: 0 }, PLAIN_PORT);
    this.setUnderlay(1, [MACS.router]);
    this.setUnderlay(2, []);
    for (const address of ['10.0.0.1', 'cafe::1']) this.permit(address);
    this.permitPrefix('192.168.1.0', 24);
    for (const [last, path] of Object.entries(PATHS)) {
      this.addEncap(Number(last), path);
      for (const address of [`10.0.0.${last}`, `cafe::${last}`]) this.addMember(address, EP_REMOTE, Number(last));
    }
    this.addEncap(UNRESOLVED, PATHS[2] ?? [], 2);
    for (const address of ['10.0.0.8', 'cafe::8']) this.addMember(address, EP_REMOTE, UNRESOLVED);
    for (const address of ['10.0.0.1', 'cafe::1']) this.addMember(address, EP_LOCAL, this.ifindex);
    for (const address of ['10.0.0.7', 'cafe::7']) this.addMember(address, EP_LOCAL, OTHER_PORT);
    for (const address of ['10.0.0.9', 'cafe::9']) this.addMember(address, EP_LOCAL, PLAIN_PORT);
    for (const gateway of GATEWAYS) this.addMember(gateway, EP_GATEWAY, 0);
    // The tenant next door has an address of the first one's, elsewhere.
    this.addMember('10.0.0.2', EP_REMOTE, 3, TENANT + 1);
    this.addRemotePrefix('172.16.0.0', 12, 2);
    this.addRemotePrefix('172.16.5.0', 24, 3);
    for (const [name, sid] of Object.entries(SIDS)) {
      const behaviour = { dt46: 0x46, dt4: 4, dt6: 6 }[name] ?? 0;
      this.addSid(sid, behaviour);
    }
  }
}

/** struct __sk_buff (linux/bpf.h): offsets of what a test run may set. */
const SKB = { bytes: 192, mark: 8, ifindex: 40, gsoSegs: 164, gsoSize: 176 } as const;

function skb({ ifindex = 0, gsoSize = 0, gsoSegs = 0, mark = 0 }: SentOptions): Buffer {
  const context = Buffer.alloc(SKB.bytes);
  context.writeUInt32LE(mark, SKB.mark);
  context.writeUInt32LE(ifindex, SKB.ifindex);
  context.writeUInt32LE(gsoSegs, SKB.gsoSegs);
  context.writeUInt32LE(gsoSize, SKB.gsoSize);
  return context;
}
