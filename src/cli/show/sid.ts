import { column } from '../table.js';
import { ebpfOnlyMaps, sidEntries } from '../../observe/inspect/fastpath-entries.js';
import { localSids } from '../../observe/inspect/state.js';
import { protocolName } from '../../observe/inspect/format.js';
import { tableOf } from './view.js';
import { MAIN_TABLE, PROTOCOL } from '../../plan/numbers.js';
import type { FastpathMaps } from '../../ebpf/maps.js';
import type { BpfSid } from '../../ebpf/objects.js';
import type { ShowContext } from '../../observe/inspect/context.js';
import type { ShowOptions, Shown } from './view.js';

/** One element of `segue show sid -j`. */
export interface SidRecord {
  sid: string;
  /** `End.DT46`… (RFC 8986 section 4) */
  behaviour: string;
  table: number | null;
  vrf: string | null;
  tenant: string | null;
  /** Protocol of the route, by rt_protos. */
  protocol: string;
  /** `missing`: in the intent, but not in the kernel. */
  state: 'present' | 'missing';
  /** Packets that it accepted, from the kernel's seg6local counters; null if these are disabled. */
  packets: number | null;
  bytes: number | null;
  /** Packets that it refused: segments left other than 0, a wrong inner protocol, no route. */
  errors: number | null;
}

export const SID_COLUMNS = [
  column<SidRecord>('SID', ({ sid }) => sid),
  column<SidRecord>('BEHAVIOUR', ({ behaviour }) => behaviour),
  column<SidRecord>('TENANT', ({ tenant }) => tenant ?? undefined),
  column<SidRecord>('VRF', ({ vrf }) => vrf ?? undefined),
  column<SidRecord>('TABLE', ({ table }) => table ?? undefined),
  column<SidRecord>('PROTO', ({ protocol }) => protocol),
  column<SidRecord>('STATE', ({ state }) => state),
  column<SidRecord>('PACKETS', ({ packets }) => packets ?? undefined),
  column<SidRecord>('BYTES', ({ bytes }) => bytes ?? undefined),
  column<SidRecord>('ERRORS', ({ errors }) => errors ?? undefined),
];

export function sidRecords(context: ShowContext): SidRecord[] {
  const { kernel, names, plan } = context;
  const maps = ebpfOnlyMaps(context);
  if (maps !== undefined) return recordsOfMaps(context, maps);
  const records = localSids(kernel).map(({ prefix, encap, protocol }): SidRecord => {
    const table = encap.vrfTable ?? encap.table;
    const vrf = table === undefined ? undefined : names.vrfOfTable(table);
    const { packets, bytes, errors } = encap.counters ?? {};
    return {
      sid: withoutHostLength(prefix),
      behaviour: encap.action,
      table: table ?? null,
      vrf: vrf?.name ?? null,
      tenant: vrf?.tenant ?? null,
      protocol: protocolName(protocol),
      state: 'present',
      packets: packets === undefined ? null : Number(packets),
      bytes: bytes === undefined ? null : Number(bytes),
      errors: errors === undefined ? null : Number(errors),
    };
  });
  const present = new Set(records.map(({ sid }) => sid));
  for (const { table, prefix, local, device } of plan()?.route.values() ?? []) {
    const sid = withoutHostLength(prefix);
    if (table !== MAIN_TABLE || local === undefined || present.has(sid)) continue;
    records.push({
      sid,
      behaviour: local.action,
      table: local.vrfTable,
      vrf: device ?? null,
      tenant: names.vrfOfTable(local.vrfTable)?.tenant ?? null,
      protocol: protocolName(0),
      state: 'missing',
      packets: null,
      bytes: null,
      errors: null,
    });
  }
  return records;
}

/** The local SIDs of a fast path that forwards alone, which counts by port and reason, not by SID. */
function recordsOfMaps({ names, plan }: ShowContext, maps: FastpathMaps): SidRecord[] {
  const record = (sid: string, { behaviour, tenant }: BpfSid, state: SidRecord['state']): SidRecord => ({
    ...{ sid, behaviour, table: null, vrf: null, tenant: names.tenantOfId(tenant), protocol: protocolName(PROTOCOL) },
    ...{ state, packets: null, bytes: null, errors: null },
  });
  const records = new Map(sidEntries(maps).map((entry) => [entry.sid, record(entry.sid, entry, 'present')]));
  for (const [sid, planned] of plan()?.['bpf-sid'] ?? []) {
    if (!records.has(sid)) records.set(sid, record(sid, planned, 'missing'));
  }
  return [...records.values()];
}

export function showSid(context: ShowContext, { tenant }: ShowOptions): Shown {
  const records = sidRecords(context).filter((record) => tenant === undefined || record.tenant === tenant);
  return tableOf(records, SID_COLUMNS);
}

function withoutHostLength(prefix: string): string {
  return prefix.replace(/\/128$/, '');
}
