import { column } from '../table.js';
import { encapEntries, ebpfOnlyMaps, readTenantSid, routeEntries } from '../../observe/inspect/fastpath-entries.js';
import { ownNexthops, routesOf } from '../../observe/inspect/state.js';
import { familyName } from '../../observe/inspect/format.js';
import { tableOf } from './view.js';
import type { FastpathMaps } from '../../ebpf/maps.js';
import type { ShowContext } from '../../observe/inspect/context.js';
import type { ShowOptions, Shown } from './view.js';

/** One element of `segue show nexthop -j`. */
export interface NexthopRecord {
  id: number;
  /** Family of the inner packets; null: both, if the fast path forwards alone and the SID accepts both. */
  family: 'inet' | 'inet6' | null;
  vrf: string | null;
  tenant: string | null;
  /** `encap.red` or `encap` */
  mode: string | null;
  segments: string[];
  /** Node whose locator contains the last segment; null without the intent. */
  node: string | null;
  /** Number of the tenant's routes that use it. */
  routes: number;
}

export const NEXTHOP_COLUMNS = [
  column<NexthopRecord>('ID', ({ id }) => id),
  column<NexthopRecord>('FAMILY', ({ family }) => family ?? undefined),
  column<NexthopRecord>('TENANT', ({ tenant }) => tenant ?? undefined),
  column<NexthopRecord>('DEV', ({ vrf }) => vrf ?? undefined),
  column<NexthopRecord>('MODE', ({ mode }) => mode ?? undefined),
  column<NexthopRecord>('SEGS', ({ segments }) => segments.join(',')),
  column<NexthopRecord>('NODE', ({ node }) => node ?? undefined),
  column<NexthopRecord>('ROUTES', ({ routes }) => routes),
];

export function nexthopRecords(context: ShowContext): NexthopRecord[] {
  const { kernel, names } = context;
  const maps = ebpfOnlyMaps(context);
  if (maps !== undefined) return recordsOfMaps(context, maps);
  const users = new Map<number, number>();
  for (const { table } of names.vrfs) {
    for (const { nexthopId } of routesOf(kernel, table)) {
      if (nexthopId !== undefined) users.set(nexthopId, (users.get(nexthopId) ?? 0) + 1);
    }
  }
  return ownNexthops(kernel)
    .sort((a, b) => a.id - b.id)
    .map(({ id, family, oif, encap }): NexthopRecord => {
      const vrf = names.vrfOfIndex(oif);
      const seg6 = encap?.type === 'seg6' ? encap : undefined;
      return {
        id,
        family: familyName(family),
        vrf: vrf?.name ?? (oif === undefined ? null : kernel.links.nameOf(oif)),
        tenant: vrf?.tenant ?? null,
        mode: seg6?.mode ?? null,
        segments: seg6?.segments ?? [],
        node: names.nodeOfSid(seg6?.segments.at(-1)) ?? null,
        routes: users.get(id) ?? 0,
      };
    });
}

/** The encapsulations of a fast path that forwards alone. */
function recordsOfMaps({ names }: ShowContext, maps: FastpathMaps): NexthopRecord[] {
  const users = new Map<number, number>();
  for (const { to } of routeEntries(maps)) if (to.kind === 'encap') users.set(to.id, (users.get(to.id) ?? 0) + 1);
  return [...encapEntries(maps).values()]
    .sort((a, b) => a.id - b.id)
    .map(({ id, segments }): NexthopRecord => {
      const last = segments.at(-1);
      const sid = last === undefined ? undefined : readTenantSid(last);
      return {
        id,
        family: sid?.behaviour === 'End.DT4' ? 'inet' : sid?.behaviour === 'End.DT6' ? 'inet6' : null,
        vrf: null,
        tenant: sid === undefined ? null : names.tenantOfId(sid.tenant),
        mode: 'encap.red',
        segments,
        node: names.nodeOfSid(last) ?? null,
        routes: users.get(id) ?? 0,
      };
    });
}

export function showNexthop(context: ShowContext, { tenant }: ShowOptions): Shown {
  const records = nexthopRecords(context).filter((record) => tenant === undefined || record.tenant === tenant);
  return tableOf(records, NEXTHOP_COLUMNS);
}
