/** The fast path as the kernel has it: attachments, maps, ways. */
import { portTraffic, reasonCounts } from '../../ebpf/counters.js';
import { listUnderlays } from '../../ebpf/underlay-resource.js';
import { MAP_NAMES } from '../../ebpf/maps.js';
import { GATEWAY_MAP_NAMES } from '../../gateway/gateway-maps.js';
import { pairCounts, placesOf } from '../../gateway/connection-table.js';
import { STEERING_MAP_NAMES } from '../../gateway/steering-maps.js';
import { BpfLink, type BpfMap, BpfProgram, queryTcx } from 'libbpf-ts';
import type { PortTraffic, ReasonCount } from '../../ebpf/counters.js';
import type { BpfHook } from '../../ebpf/objects.js';
import type { SteeringStore } from '../../gateway/steering-maps.js';
import type { ZoneNames } from './zones.js';
import type { Kernel } from '../../kernel/kernel.js';

/** A program of segue's at an interface. */
export interface AttachedProgram {
  /** The kernel's name, at most 15 characters. */
  name: string;
  id: number;
  /** 16 hex digits over the instructions. */
  tag: string;
}

export interface Attachment {
  device: string;
  hook: BpfHook;
  program: AttachedProgram;
}

/** Links that are pinned; those whose interface is gone are left out. */
export function attachments(kernel: Kernel): Attachment[] {
  return kernel.fastpath.links().flatMap(({ hook, path }) => {
    using link = BpfLink.openPinned(path);
    const { ifindex, programId } = link.info();
    if (ifindex === 0) return [];
    using program = BpfProgram.openById(programId);
    const { name, id, tag } = program.info();
    return [{ device: kernel.links.nameOf(ifindex), hook, program: { name, id, tag } }];
  });
}

/** Ids of programs on an interface's tcx ingress that are none of these; empty where the kernel has no tcx. */
export function foreignTcx(kernel: Kernel, ifindex: number, own: ReadonlySet<number>): number[] {
  const where = { interface: ifindex, ...(kernel.netns !== undefined && { netns: kernel.netns }) };
  const { programs } = queryTcx({ ...where, direction: 'ingress' });
  return programs.map(({ programId }) => programId).filter((id) => !own.has(id));
}

export interface MapFill {
  map: string;
  entries: number;
  /** Most there may be. */
  size: number;
}

/** How full the maps are; those that are arrays are always. Of a network node its own, too, with the connections of each pair of zones. */
export function mapFills({ fastpath }: Kernel, zones: ZoneNames): MapFill[] {
  const { maps, gateways, steering } = fastpath;
  if (maps === undefined) return [];
  const used = fastpath.responderAlone ? (['sg_ports'] as const) : MAP_NAMES;
  const { maps: explainer } = steering;
  const { maps: known } = gateways;
  return [
    ...used.flatMap((name) => fillOf(name, maps[name])),
    ...(known === undefined ? [] : GATEWAY_MAP_NAMES.flatMap((name) => fillOf(name, known[name]))),
    ...(explainer === undefined ? [] : STEERING_MAP_NAMES.flatMap((name) => fillOf(name, explainer[name]))),
    ...connectionFills(steering, zones),
  ];
}

function fillOf(name: string, map: BpfMap): MapFill[] {
  const { type, maxEntries } = map.info;
  if (type.includes('array') || type === 'ringbuf') return [];
  let entries = 0;
  for (const { count } of map.readBatches()) entries += count;
  return [{ map: name, entries, size: maxEntries }];
}

/** Of the table of connections, and what of it each pair of zones has. Those whose time is over are in it until programs look at them. */
function connectionFills({ maps }: SteeringStore, zones: ZoneNames): MapFill[] {
  if (maps === undefined) return [];
  const counts = pairCounts(maps.sg_ct_pairs);
  const size = placesOf(maps.sg_ct);
  const fills = counts.map(({ from, to, halfOpen, established }) => ({
    map: `connections ${zones.of(from)} ${zones.of(to)}`,
    entries: halfOpen + established,
    size,
  }));
  const entries = fills.reduce((total, fill) => total + fill.entries, 0);
  return [{ map: 'connections', entries, size }, ...fills.sort((a, b) => a.map.localeCompare(b.map))];
}

/** Where a way over the underlay leads, and how; no hops: not resolved, the kernel forwards. */
export interface UnderlayPath {
  to: string;
  hops: { device: string; lladdr: string; mtu: number }[];
}

export function underlayPaths(kernel: Kernel): UnderlayPath[] {
  return listUnderlays(kernel).map(({ key, hops }) => ({
    to: key,
    hops: hops.map(({ ifindex, destMac, mtu }) => ({ device: kernel.links.nameOf(ifindex), lladdr: destMac, mtu })),
  }));
}

export interface FastpathCounters {
  ports: (PortTraffic & { device: string })[];
  reasons: ReasonCount[];
}

/** undefined where there is no fast path. @param alone whether it forwards without the kernel beneath */
export function fastpathCounters(kernel: Kernel, alone: boolean): FastpathCounters | undefined {
  const { maps } = kernel.fastpath;
  if (maps === undefined) return undefined;
  // The responder forwards nothing that could be counted.
  const counted = kernel.fastpath.responderAlone ? [] : portTraffic(maps);
  const ports = counted.map((traffic) => ({ ...traffic, device: kernel.links.nameOf(traffic.ifindex) }));
  return { ports: ports.sort((a, b) => a.device.localeCompare(b.device)), reasons: reasonCounts(maps, alone) };
}
