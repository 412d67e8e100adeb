import { column, renderTable } from '../table.js';
import { fastpathCounters } from '../../observe/inspect/fastpath.js';
import { policyHits, zoneTraffic } from '../../gateway/policy-records.js';
import { heldPorts, vmsBehind } from '../../observe/inspect/ports.js';
import { ZoneNames, zoneText } from '../../gateway/zone-names.js';
import { zoneOf } from '../../gateway/view.js';
import { sidRecords } from './sid.js';
import { deviceAskedFor, prefixAskedFor } from './view.js';
import { ebpfOnlyMaps } from '../../observe/inspect/fastpath-entries.js';
import { readGuardCounters } from '../../observe/inspect/guard-counters.js';
import { decodeLinkStats, type DirectionStats, dumpLinkStatsRequest } from 'netlink-ts';
import { prefixContains } from 'netlink-ts/inet';
import { pairCounts } from '../../gateway/connection-table.js';
import type { Kernel } from '../../kernel/kernel.js';
import type { ShowContext } from '../../observe/inspect/context.js';
import type { Hits, ZoneTraffic } from '../../gateway/policy-records.js';
import type { ReasonCount } from '../../ebpf/counters.js';
import type { GuardCounter } from '../../observe/inspect/guard-counters.js';
import type { ShowOptions, Shown } from './view.js';

/** Counters of a device since its creation; rx counts packets from the VM. */
export interface DeviceCounters {
  device: string;
  port: string | null;
  tenant: string;
  rxPackets: number;
  rxBytes: number;
  rxDropped: number;
  rxErrors: number;
  txPackets: number;
  txBytes: number;
  txDropped: number;
  txErrors: number;
}

export interface SidCounters {
  sid: string;
  behaviour: string;
  tenant: string | null;
  packets: number | null;
  bytes: number | null;
  errors: number | null;
}

/** Traffic of the fast path since the port's creation: tx from its VM, rx to its VM. */
export interface FastpathPortCounters {
  device: string;
  port: string | null;
  txPackets: number;
  txBytes: number;
  rxPackets: number;
  rxBytes: number;
}

/** Traffic that a network node forwarded for a tenant or an external network: tx from it, rx to it. */
export interface ZoneCounters extends ZoneTraffic {
  zone: string;
}

/** Counters of a policy since it came into force: connections that it allowed or denied, and their packets. */
export interface PolicyCounters extends Hits {
  policy: string;
}

/** A network node's connections between a pair of zones, by the opening zone; `refused`: for lack of space. */
export interface PairCounters {
  from: string;
  to: string;
  halfOpen: number;
  established: number;
  refused: number;
}

/** `segue show counters -j` */
export interface Counters {
  ports: DeviceCounters[];
  vrfs: DeviceCounters[];
  sids: SidCounters[];
  /** Drops of the guard by reason; empty if the loaded tables have no counters. */
  guard: GuardCounter[];
  /** Counters of the fast path; null without one. */
  fastpath: { ports: FastpathPortCounters[]; reasons: ReasonCount[] } | null;
  /** Counters of the network node; null if the node is none. */
  steering: { zones: ZoneCounters[]; policies: PolicyCounters[]; pairs: PairCounters[] } | null;
}

export const DEVICE_COLUMNS = [
  column<DeviceCounters>('DEV', ({ device }) => device),
  column<DeviceCounters>('PORT', ({ port }) => port ?? undefined),
  column<DeviceCounters>('TENANT', ({ tenant }) => tenant),
  column<DeviceCounters>('RX-PACKETS', ({ rxPackets }) => rxPackets),
  column<DeviceCounters>('RX-BYTES', ({ rxBytes }) => rxBytes),
  column<DeviceCounters>('RX-DROPPED', ({ rxDropped }) => rxDropped),
  column<DeviceCounters>('RX-ERRORS', ({ rxErrors }) => rxErrors),
  column<DeviceCounters>('TX-PACKETS', ({ txPackets }) => txPackets),
  column<DeviceCounters>('TX-BYTES', ({ txBytes }) => txBytes),
  column<DeviceCounters>('TX-DROPPED', ({ txDropped }) => txDropped),
  column<DeviceCounters>('TX-ERRORS', ({ txErrors }) => txErrors),
];
const VRF_DEVICE_COLUMNS = DEVICE_COLUMNS.filter(({ title }) => title !== 'PORT');

export const SID_COUNTER_COLUMNS = [
  column<SidCounters>('SID', ({ sid }) => sid),
  column<SidCounters>('BEHAVIOUR', ({ behaviour }) => behaviour),
  column<SidCounters>('TENANT', ({ tenant }) => tenant ?? undefined),
  column<SidCounters>('PACKETS', ({ packets }) => packets ?? undefined),
  column<SidCounters>('BYTES', ({ bytes }) => bytes ?? undefined),
  column<SidCounters>('ERRORS', ({ errors }) => errors ?? undefined),
];

export const GUARD_COLUMNS = [
  column<GuardCounter>('GUARD', ({ table }) => table),
  column<GuardCounter>('REASON', ({ reason }) => reason),
  column<GuardCounter>('PACKETS', ({ packets }) => packets),
  column<GuardCounter>('BYTES', ({ bytes }) => bytes),
];

export const FASTPATH_PORT_COLUMNS = [
  column<FastpathPortCounters>('FASTPATH', ({ device }) => device),
  column<FastpathPortCounters>('PORT', ({ port }) => port ?? undefined),
  column<FastpathPortCounters>('VM-TX-PACKETS', ({ txPackets }) => txPackets),
  column<FastpathPortCounters>('VM-TX-BYTES', ({ txBytes }) => txBytes),
  column<FastpathPortCounters>('VM-RX-PACKETS', ({ rxPackets }) => rxPackets),
  column<FastpathPortCounters>('VM-RX-BYTES', ({ rxBytes }) => rxBytes),
];

export const REASON_COLUMNS = [
  column<ReasonCount>('VERDICT', ({ verdict }) => verdict),
  column<ReasonCount>('REASON', ({ reason }) => reason),
  column<ReasonCount>('PACKETS', ({ packets }) => packets),
];

export const ZONE_COLUMNS = [
  column<ZoneCounters>('ZONE', ({ zone }) => zone),
  column<ZoneCounters>('TX-PACKETS', ({ txPackets }) => txPackets),
  column<ZoneCounters>('TX-BYTES', ({ txBytes }) => txBytes),
  column<ZoneCounters>('RX-PACKETS', ({ rxPackets }) => rxPackets),
  column<ZoneCounters>('RX-BYTES', ({ rxBytes }) => rxBytes),
];

export const POLICY_COUNTER_COLUMNS = [
  column<PolicyCounters>('POLICY', ({ policy }) => policy),
  column<PolicyCounters>('CONNECTIONS', ({ connections }) => connections),
  column<PolicyCounters>('PACKETS', ({ packets }) => packets),
  column<PolicyCounters>('BYTES', ({ bytes }) => bytes),
];

export const PAIR_COLUMNS = [
  column<PairCounters>('FROM', ({ from }) => from),
  column<PairCounters>('TO', ({ to }) => to),
  column<PairCounters>('HALF-OPEN', ({ halfOpen }) => halfOpen),
  column<PairCounters>('ESTABLISHED', ({ established }) => established),
  column<PairCounters>('REFUSED', ({ refused }) => refused),
];

export async function countersOf(context: ShowContext, options: ShowOptions = {}): Promise<Counters> {
  const { kernel, names } = context;
  const { tenant: only } = options;
  const asked = deviceAskedFor(context, options);
  const address = prefixAskedFor(options);
  const vmBehind = address === undefined ? undefined : vmsBehind(kernel);
  const has = (index: number): boolean =>
    address === undefined || vmBehind?.(index).addresses.some((one) => prefixContains(address, one)) === true;
  const stats = new Map(
    kernel.socket.dump(dumpLinkStatsRequest(), decodeLinkStats).map((entry) => [entry.ifindex, entry]),
  );
  const ours = (tenant: string | null): boolean => only === undefined || tenant === only;
  const device = (index: number, name: string, port: string | null, tenant: string): DeviceCounters[] => {
    const found = stats.get(index);
    if (found === undefined) return [];
    const { rx, tx } = found;
    return [{ device: name, port, tenant, ...prefixed('rx', rx), ...prefixed('tx', tx) }];
  };
  const vrfs = names.vrfs.filter(({ tenant }) => ours(tenant));
  const ports = heldPorts(kernel, names).filter(
    ({ tenant, link }) => ours(tenant) && (asked === undefined || link.name === asked) && has(link.index),
  );
  return {
    ports: ports.flatMap(({ link: { index, name }, tenant }) =>
      device(index, name, names.portOfInterface(name) ?? null, tenant),
    ),
    vrfs: vrfs.flatMap(({ index, name, tenant }) => device(index, name, null, tenant)),
    // The fast path counts by port and reason instead.
    sids: (ebpfOnlyMaps(context) === undefined ? sidRecords(context) : [])
      .filter(({ tenant, state }) => ours(tenant) && state === 'present')
      .map(({ sid, behaviour, tenant, packets, bytes, errors }) => ({
        sid,
        behaviour,
        tenant,
        packets,
        bytes,
        errors,
      })),
    guard: await readGuardCounters(kernel),
    fastpath: fastpathOf(context, new Set(ports.map(({ link }) => link.name))),
    steering: steeringOf(context, only),
  };
}

export async function showCounters(context: ShowContext, options: ShowOptions): Promise<Shown> {
  const counters = await countersOf(context, options);
  return { json: counters, lines: counterLines(counters) };
}

/** @param devices selected devices */
function fastpathOf({ kernel, config, names }: ShowContext, devices: ReadonlySet<string>): Counters['fastpath'] {
  const counted = fastpathCounters(kernel, config.dataplane === 'ebpf');
  if (counted === undefined) return null;
  const ports = counted.ports
    .filter(({ device }) => devices.has(device))
    .map(({ device, txPackets, txBytes, rxPackets, rxBytes }) => {
      const port = names.portOfInterface(device) ?? null;
      return { device, port, txPackets, txBytes, rxPackets, rxBytes };
    });
  return { ports, reasons: counted.reasons };
}

/** @param only a zone; policies from or to it are included */
function steeringOf({ kernel, intent }: ShowContext, only: string | undefined): Counters['steering'] {
  const traffic = zoneTraffic(kernel);
  if (traffic === undefined) return null;
  const zones = new ZoneNames(kernel, intent);
  const counted = traffic.map(({ zone, ...counters }) => ({ zone: zones.of(zone), ...counters }));
  const ends = new Map(
    intent?.policies?.map(({ name, from, to }) => [name, [from, to].map((end) => zoneText(zoneOf(end)))]),
  );
  const policies = [...policyHits(kernel)].map(([policy, hits]) => ({ policy, ...hits }));
  return {
    zones: counted
      .filter(({ zone }) => only === undefined || zone === only)
      .sort((a, b) => a.zone.localeCompare(b.zone)),
    policies: policies
      .filter(({ policy }) => only === undefined || ends.get(policy)?.includes(only) === true)
      .sort((a, b) => a.policy.localeCompare(b.policy)),
    pairs: pairsOf(kernel, zones).filter(({ from, to }) => only === undefined || from === only || to === only),
  };
}

function pairsOf({ fastpath }: Kernel, zones: ZoneNames): PairCounters[] {
  const { maps } = fastpath.steering;
  const counts = maps === undefined ? [] : pairCounts(maps.sg_ct_pairs);
  return counts
    .map(({ from, to, refused, ...count }) => ({
      ...{ from: zones.of(from), to: zones.of(to), ...count, refused: Number(refused) },
    }))
    .sort((a, b) => `${a.from} ${a.to}`.localeCompare(`${b.from} ${b.to}`));
}

/** The tables, separated by empty lines. Reasons without packets are omitted. */
export function counterLines({ ports, vrfs, sids, guard, fastpath, steering }: Counters): string[] {
  const tables = [
    renderTable(DEVICE_COLUMNS, ports),
    renderTable(VRF_DEVICE_COLUMNS, vrfs),
    renderTable(SID_COUNTER_COLUMNS, sids),
    renderTable(GUARD_COLUMNS, guard),
    renderTable(FASTPATH_PORT_COLUMNS, fastpath?.ports ?? []),
    renderTable(REASON_COLUMNS, fastpath?.reasons.filter(({ packets }) => packets > 0) ?? []),
    renderTable(ZONE_COLUMNS, steering?.zones ?? []),
    renderTable(POLICY_COUNTER_COLUMNS, steering?.policies ?? []),
    renderTable(PAIR_COLUMNS, steering?.pairs ?? []),
  ].filter((lines) => lines.length > 0);
  return tables.flatMap((lines, index) => (index === 0 ? lines : ['', ...lines]));
}

type Prefixed<P extends 'rx' | 'tx'> = Record<`${P}${'Packets' | 'Bytes' | 'Dropped' | 'Errors'}`, number>;

function prefixed<P extends 'rx' | 'tx'>(prefix: P, { packets, bytes, dropped, errors }: DirectionStats): Prefixed<P> {
  return {
    [`${prefix}Packets`]: Number(packets),
    [`${prefix}Bytes`]: Number(bytes),
    [`${prefix}Dropped`]: Number(dropped),
    [`${prefix}Errors`]: Number(errors),
  } as Prefixed<P>;
}
