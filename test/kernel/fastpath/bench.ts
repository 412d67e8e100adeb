/** The three programs over one set of maps that hold a small cloud, and one packet sent through one of them. */
import { rmSync } from 'node:fs';
import { onTestFinished } from 'vitest';
import { pinDirectory } from '../../../src/agent/instance.js';
import { reasonCounts } from '../../../src/ebpf/counters.js';
import { nextCacheGeneration } from '../../../src/ebpf/epoch.js';
import * as layouts from '../../../src/ebpf/generated/layouts.js';
import { hopSlots } from '../../../src/ebpf/hop-slots.js';
import { MAX_HOPS } from '../../../src/ebpf/resolve.js';
import { GENERATION } from '../../../src/ebpf/generation.js';
import { MAP_NAMES, reusing } from '../../../src/ebpf/maps.js';
import { FUNCTIONS, programVersion } from '../../../src/ebpf/programs.js';
import { parseMac } from 'netlink-ts/inet';
import { attachTcx, type BpfMap, type BpfProgram } from 'libbpf-ts';
import { ifindex as ifindexOf, namespace, run, stayOnOneCpu, u32 } from '../libbpf/harness.js';
import { loadedFor } from './loaded.js';
import { bytesOf } from './packets.js';
import type { Loaded } from './loaded.js';
import type { BpfProgramName } from '../../../src/ebpf/objects.js';
import type { FastpathMaps } from '../../../src/ebpf/maps.js';
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

  setPort(change: Partial<layouts.Port>, ifindex = this.ifindex): void {
    const port: layouts.Port = {
      tenant: TENANT,
      slot: 0,
      vmMac: mac(MACS.vm),
      mtu: MTU,
      gatewayMac: mac(MACS.port),
      formerMac: mac(MACS.formerPort),
      gateway4: bytesOf(GATEWAYS[0]).readUInt32BE(0),
      gateway6: bytesOf(GATEWAYS[1]),
      dscp: layouts.DscpPolicy.DSCP_COPY,
      flags: layouts.PortFlags.PORT_TUNNEL_SEGMENTATION | layouts.PortFlags.PORT_XDP_XMIT,
      checkedSources: 0,
      unused: 0,
      ...change,
    };
    this.maps.sg_ports.update(u32(ifindex), encode(layouts.Port, port));
    this.forget();
  }

  /** @param mtus of the ways, bytes */
  setUnderlay(id: number, macs: readonly string[], ...mtus: readonly number[]): void {
    const hops = Array.from({ length: MAX_HOPS }, (_, index) => ({
      ifindex: macs[index] === undefined ? 0 : 500 + index,
      mtu: macs[index] === undefined ? 0 : (mtus[index] ?? 1500 + 64),
      destMac: mac(macs[index] ?? '00:00:00:00:00:00'),
      sourceMac: mac(macs[index] === undefined ? '00:00:00:00:00:00' : MACS.uplink),
      flags: macs[index] === undefined ? 0 : layouts.NexthopFlags.NH_XDP_XMIT,
      weight: 0,
    }));
    const used = macs.map((destMac, index) => ({ ifindex: 500 + index, destMac, weight: 1 }));
    const underlay = { count: macs.length, length: 48, dest: bytesOf('fd00:5e:2::'), hops, slots: hopSlots(used) };
    this.maps.sg_nh_groups.update(u32(id), encode(layouts.NexthopGroup, underlay));
    this.forget();
  }

  /** Has what is remembered of flows forgotten, as the agent does after a change. */
  forget(): void {
    if (this.#before !== undefined) nextCacheGeneration(this.maps.sg_cache_gen);
  }

  addMember(to: string, type: number, id: number, tenant = TENANT): void {
    this.maps.sg_endpoints.update(
      encode(layouts.EndpointKey, { tenant, ...family(to) }),
      encode(layouts.Endpoint, { type, id }),
    );
  }

  /** @param id of its encapsulation */
  addRemotePrefix(to: string, length: number, id: number): void {
    const key = { length: 64 + length, tenant: TENANT, ...family(to) };
    const target = { type: layouts.EndpointType.EP_REMOTE, id };
    this.maps.sg_endpoint_lpm.update(encode(layouts.PrefixKey, key), encode(layouts.Endpoint, target));
  }

  /** A node of the SR domain, by its outer source. */
  trust(source: string): void {
    this.maps.sg_domain_src.update(bytesOf(source), encode(layouts.Present, { unused: 0n }));
    this.forget();
  }

  distrust(source: string): void {
    this.maps.sg_domain_src.delete(bytesOf(source));
    this.forget();
  }

  trustPrefix(address: string, length: number): void {
    const key = encode(layouts.TrustedKey, { length, address: bytesOf(address) });
    this.maps.sg_trusted.update(key, encode(layouts.Present, { unused: 0n }));
    this.forget();
  }

  /** What the VM at an interface may send from. */
  permit(from: string, ifindex = this.ifindex): void {
    const key = encode(layouts.AllowedSrcKey, { ifindex, ...family(from) });
    this.maps.sg_allowed_src.update(key, encode(layouts.Present, { unused: 0n }));
  }

  permitPrefix(from: string, length: number, ifindex = this.ifindex): void {
    const key = encode(layouts.AllowedSrcLpmKey, { length: 64 + length, ifindex, ...family(from) });
    this.maps.sg_allowed_lpm.update(key, encode(layouts.Present, { unused: 0n }));
  }

  addPrefix(to: string, length: number, type: number, id: number, tenant = TENANT): void {
    const key = encode(layouts.PrefixKey, { length: 64 + length, tenant, ...family(to) });
    this.maps.sg_endpoint_lpm.update(key, encode(layouts.Endpoint, { type, id }));
  }

  /** @param path segments in travel order */
  addEncap(id: number, path: readonly string[], underlay = 1): void {
    this.maps.sg_encaps.update(u32(id), encode(layouts.Encap, encap(path, underlay)));
  }

  addSid(sid: string, behaviour: number, tenant = TENANT): void {
    this.maps.sg_sids.update(bytesOf(sid), encode(layouts.Sid, { tenant, behaviour }));
  }

  /** The maps, for an object that is loaded beside the bench's. */
  reuse(): ReturnType<typeof reusing> {
    return reusing(this.maps);
  }

  program(name: BpfProgramName): BpfProgram {
    return this.#loaded.object(name).program(FUNCTIONS[name]);
  }

  #fill(): void {
    const {
      sg_node,
      sg_trusted: trusted,
      sg_allowed_src,
      sg_allowed_lpm: sourcePrefixes,
      sg_encaps,
      sg_sids,
    } = this.maps;
    const { EP_LOCAL, EP_REMOTE, EP_GATEWAY } = layouts.EndpointType;
    const permit = encode(layouts.Present, { unused: 0n });
    const node = {
      source: bytesOf(SOURCE),
      sidBlock: bytesOf('fd00:5e::'),
      sidMask: Buffer.from('ffffffff'.padEnd(32, '0'), 'hex'),
      hasTrusted: 1,
      unused: 0,
    };
    const uplinks = uplinksOf([LO_INDEX, this.ifindex, ifindexOf(this.netns, 'v1')], MACS.uplink);
    sg_node.update(u32(0), encode(layouts.Node, { ...node, uplinks }));
    this.trust(REMOTE_SOURCE);
    trusted.update(encode(layouts.TrustedKey, { length: 32, address: bytesOf(TRUSTED) }), permit);
    this.setPort({});
    this.setPort({ slot: 1, vmMac: mac(MACS.otherVm), gatewayMac: mac(MACS.otherPort) }, OTHER_PORT);
    this.setPort({ slot: 2, vmMac: mac(MACS.otherVm), gatewayMac: mac(MACS.otherPort), flags: 0 }, PLAIN_PORT);
    this.setUnderlay(1, [MACS.router]);
    this.setUnderlay(2, []);
    for (const address of ['10.0.0.1', 'cafe::1']) {
      sg_allowed_src.update(encode(layouts.AllowedSrcKey, { ifindex: this.ifindex, ...family(address) }), permit);
    }
    const sourceKey = { length: 64 + 24, ifindex: this.ifindex, ...family('192.168.1.0') };
    sourcePrefixes.update(encode(layouts.AllowedSrcLpmKey, sourceKey), permit);
    for (const [last, path] of Object.entries(PATHS)) {
      sg_encaps.update(u32(Number(last)), encode(layouts.Encap, encap(path, 1)));
      for (const address of [`10.0.0.${last}`, `cafe::${last}`]) this.addMember(address, EP_REMOTE, Number(last));
    }
    sg_encaps.update(u32(UNRESOLVED), encode(layouts.Encap, encap(PATHS[2] ?? [], 2)));
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
      sg_sids.update(bytesOf(sid), encode(layouts.Sid, { tenant: TENANT, behaviour }));
    }
  }
}

/** As the agent writes it: the segment routing header but its next header. */
export function encap(path: readonly string[], nexthopGroup: number): layouts.Encap {
  const [first = '', ...rest] = path;
  const srh = Buffer.alloc(56);
  if (rest.length > 0) {
    srh.writeUInt8(rest.length * 2, 1);
    srh.writeUInt8(4, 2);
    srh.writeUInt8(rest.length, 3);
    srh.writeUInt8(rest.length - 1, 4);
    for (const [index, segment] of [...rest].reverse().entries()) bytesOf(segment).copy(srh, 8 + 16 * index);
  }
  const srhBytes = rest.length === 0 ? 0 : 8 + 16 * rest.length;
  return { first: bytesOf(first), nexthopGroup, srhBytes, lastEntry: Math.max(rest.length - 1, 0), srh };
}

function encode<T>(codec: { SIZE: number; encode(into: Buffer, at: number, value: T): void }, value: T): Buffer {
  const bytes = Buffer.alloc(codec.SIZE);
  codec.encode(bytes, 0, value);
  return bytes;
}

/** A node's uplinks as its entry has them, all with one MAC address. */
export function uplinksOf(ifindexes: readonly number[], address: string): layouts.Uplink[] {
  const places = (layouts.Node.SIZE - layouts.Node.OFFSETS.uplinks) / layouts.Uplink.SIZE;
  return Array.from({ length: places }, (_, place) => {
    const ifindex = ifindexes[place] ?? 0;
    return { ifindex, mac: mac(ifindex === 0 ? '00:00:00:00:00:00' : address), unused: 0 };
  });
}

function family(address: string): { family: number; address: Buffer } {
  const bytes = Buffer.alloc(16);
  bytesOf(address).copy(bytes);
  return { family: address.includes(':') ? layouts.Family.FAMILY_INET6 : layouts.Family.FAMILY_INET, address: bytes };
}

function mac(text: string): Uint8Array {
  const bytes = parseMac(text);
  if (bytes === undefined) throw new RangeError(text);
  return bytes;
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
