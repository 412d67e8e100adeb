/** The fast path's state in the kernel: maps, next hops, counters, programs of others. */
import { portTraffic, reasonCounts } from '../../ebpf/counters.js';
import { listUnderlays } from '../../ebpf/underlay-resource.js';
import { MAP_NAMES } from '../../ebpf/maps.js';
import { fillOf } from '../../ebpf/map-fill.js';
import { OBSERVATIONS } from '../../app/features.js';
import { queryTcx } from 'libbpf-ts';
import type { PortTraffic, ReasonCount } from '../../ebpf/counters.js';
import type { MapFill, ObservedNode } from '../../reconcile/observation.js';
import type { Kernel } from '../../kernel/kernel.js';

/** Ids of other programs on an interface's tcx ingress; empty if the kernel lacks tcx. */
export function foreignTcx(kernel: Kernel, ifindex: number, own: ReadonlySet<number>): number[] {
  const where = { interface: ifindex, ...(kernel.netns !== undefined && { netns: kernel.netns }) };
  const { programs } = queryTcx({ ...where, direction: 'ingress' });
  return programs.map(({ programId }) => programId).filter((id) => !own.has(id));
}

/** Fill levels of the maps of the fast path and of features. */
export function mapFills(node: ObservedNode): MapFill[] {
  const { maps, responderAlone } = node.kernel.fastpath;
  if (maps === undefined) return [];
  const used = responderAlone ? (['sg_ports'] as const) : MAP_NAMES;
  return [
    ...used.flatMap((name) => fillOf(name, maps[name])),
    ...OBSERVATIONS.flatMap((observation) => observation.mapFills?.(node) ?? []),
  ];
}

/** An underlay destination with its next hops; without any it is unresolved, and the kernel forwards. */
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

/** @returns undefined without a fast path. @param alone whether it forwards without the kernel's data plane */
export function fastpathCounters(kernel: Kernel, alone: boolean): FastpathCounters | undefined {
  const { maps } = kernel.fastpath;
  if (maps === undefined) return undefined;
  // The responder forwards nothing, so it has no counters.
  const counted = kernel.fastpath.responderAlone ? [] : portTraffic(maps);
  const ports = counted.map((traffic) => ({ ...traffic, device: kernel.links.nameOf(traffic.ifindex) }));
  return { ports: ports.sort((a, b) => a.device.localeCompare(b.device)), reasons: reasonCounts(maps, alone) };
}
