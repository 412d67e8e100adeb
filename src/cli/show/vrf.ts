import { column } from '../table.js';
import { ebpfOnlyMaps, routeEntries, sidEntries } from '../../observe/inspect/fastpath-entries.js';
import { localSids, membersOf, routesOf } from '../../observe/inspect/state.js';
import { tableOf } from './view.js';
import { ALIAS_PREFIX } from '../../vrf/plan.js';
import { Port } from '../../ebpf/generated/layouts.js';
import type { FastpathMaps } from '../../ebpf/maps.js';
import type { ShowContext } from '../../observe/inspect/context.js';
import type { ShowOptions, Shown } from './view.js';

/** One element of `segue show vrf -j`. */
export interface VrfRecord {
  /** The device; null if the fast path forwards alone. */
  name: string | null;
  tenant: string;
  table: number | null;
  /** `missing`: in the intent, but not in the kernel; `fastpath`: in the fast path's maps, in ebpf mode. */
  state: 'up' | 'down' | 'missing' | 'fastpath';
  /** Number of its interfaces. */
  ports: number;
  /** Number of unicast routes: to local and remote members, and to prefixes behind them. */
  routes4: number;
  routes6: number;
  sids: string[];
}

export const VRF_COLUMNS = [
  column<VrfRecord>('VRF', ({ name }) => name ?? undefined),
  column<VrfRecord>('TENANT', ({ tenant }) => tenant),
  column<VrfRecord>('TABLE', ({ table }) => table ?? undefined),
  column<VrfRecord>('STATE', ({ state }) => state.toUpperCase()),
  column<VrfRecord>('PORTS', ({ ports }) => ports),
  column<VrfRecord>('ROUTES4', ({ routes4 }) => routes4),
  column<VrfRecord>('ROUTES6', ({ routes6 }) => routes6),
  column<VrfRecord>('SIDS', ({ sids }) => sids.join(' ')),
];

export function vrfRecords(context: ShowContext): VrfRecord[] {
  const { kernel, names, plan } = context;
  const maps = ebpfOnlyMaps(context);
  if (maps !== undefined) return recordsOfMaps(context, maps);
  const sids = localSids(kernel);
  const records = names.vrfs.map(({ name, tenant, table, index, up }): VrfRecord => {
    const members = routesOf(kernel, table).filter(({ type }) => type === 'unicast');
    return {
      name,
      tenant,
      table,
      state: up ? 'up' : 'down',
      ports: membersOf(kernel, index).length,
      routes4: members.filter(({ family }) => family === 4).length,
      routes6: members.filter(({ family }) => family === 6).length,
      sids: sids
        .filter(({ encap }) => (encap.vrfTable ?? encap.table) === table)
        .map(({ prefix }) => prefix.replace(/\/128$/, '')),
    };
  });
  for (const [name, { table, alias }] of plan()?.vrf ?? []) {
    if (records.some((record) => record.name === name)) continue;
    const tenant = alias.slice(ALIAS_PREFIX.length);
    records.push({ name, tenant, table, state: 'missing', ports: 0, routes4: 0, routes6: 0, sids: [] });
  }
  return records;
}

/** Tenants of a fast path without VRFs: those with a local SID. */
function recordsOfMaps({ kernel, names, plan }: ShowContext, maps: FastpathMaps): VrfRecord[] {
  const record = (tenant: number, state: VrfRecord['state']): VrfRecord => {
    const none = { name: null, table: null, ports: 0, routes4: 0, routes6: 0, sids: [] };
    return { ...none, tenant: names.tenantOfId(tenant), state };
  };
  const records = new Map<number, VrfRecord>();
  for (const { sid, tenant } of sidEntries(maps)) {
    const known = records.get(tenant) ?? record(tenant, 'fastpath');
    known.sids.push(sid);
    records.set(tenant, known);
  }
  for (const [key, value] of maps.sg_ports.entries()) {
    const known = records.get(value.readUInt32LE(Port.OFFSETS.tenant));
    if (known !== undefined && kernel.links.byIndex(key.readUInt32LE(0)) !== undefined) known.ports += 1;
  }
  for (const { zone, family, to } of routeEntries(maps)) {
    const known = records.get(zone);
    if (known === undefined || to.kind === 'gateway' || to.kind === 'absent') continue;
    if (family === 4) known.routes4 += 1;
    else known.routes6 += 1;
  }
  for (const { tenant } of plan()?.['bpf-sid'].values() ?? []) {
    if (!records.has(tenant)) records.set(tenant, record(tenant, 'missing'));
  }
  return [...records.values()];
}

export function showVrf(context: ShowContext, { tenant }: ShowOptions): Shown {
  const records = vrfRecords(context).filter((record) => tenant === undefined || record.tenant === tenant);
  return tableOf(records, VRF_COLUMNS);
}
