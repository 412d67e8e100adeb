import { column } from '../table.js';
import { localSids, membersOf, routesOf } from '../../inspect/state.js';
import { tableOf } from './view.js';
import { ALIAS_PREFIX } from '../../vrf/plan.js';
import type { ShowContext } from '../../inspect/context.js';
import type { ShowOptions, Shown } from './view.js';

/** One element of `segue show vrf -j`. */
export interface VrfRecord {
  name: string;
  tenant: string;
  table: number;
  /** `missing`: the intent asks for it and the kernel has none. */
  state: 'up' | 'down' | 'missing';
  /** Interfaces in it. */
  ports: number;
  /** Unicast routes: local and remote members, and prefixes behind them. */
  routes4: number;
  routes6: number;
  sids: string[];
}

export const VRF_COLUMNS = [
  column<VrfRecord>('VRF', ({ name }) => name),
  column<VrfRecord>('TENANT', ({ tenant }) => tenant),
  column<VrfRecord>('TABLE', ({ table }) => table),
  column<VrfRecord>('STATE', ({ state }) => state.toUpperCase()),
  column<VrfRecord>('PORTS', ({ ports }) => ports),
  column<VrfRecord>('ROUTES4', ({ routes4 }) => routes4),
  column<VrfRecord>('ROUTES6', ({ routes6 }) => routes6),
  column<VrfRecord>('SIDS', ({ sids }) => sids.join(' ')),
];

export function vrfRecords({ kernel, names, plan }: ShowContext): VrfRecord[] {
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

export function showVrf(context: ShowContext, { tenant }: ShowOptions): Shown {
  const records = vrfRecords(context).filter((record) => tenant === undefined || record.tenant === tenant);
  return tableOf(records, VRF_COLUMNS);
}
