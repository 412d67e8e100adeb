/** When two entities of an intent are the same: field by field. A field that is added and has no equality here does not compile. */
import type { External, Gateway, IntentNode, Path, Policy, PolicyEnd, Port, Subnet, Tenant } from './types.js';

type Same<T> = (a: T, b: T) => boolean;

/** An equality for each field, the optional ones too. */
export type FieldEquality<T> = { readonly [K in keyof T]-?: Same<T[K] | undefined> };

type Value = string | number | boolean | undefined;

function exact(a: Value, b: Value): boolean {
  return a === b;
}

/** Lists whose order means something; absent is as empty. */
export function sameList(a: readonly Value[] = [], b: readonly Value[] = []): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}

/** Addresses, prefixes and uplinks are sets: their order says nothing; absent is as empty. */
function sameSet(a: readonly string[] = [], b: readonly string[] = []): boolean {
  return sameList(a, b) || (a.length === b.length && sameList([...a].sort(), [...b].sort()));
}

/** @returns whether all fields are the same */
function by<T extends object>(fields: FieldEquality<T>): Same<T> {
  const rows = Object.entries(fields) as [keyof T, Same<unknown>][];
  return (a, b) => {
    for (const [field, same] of rows) if (!same(a[field], b[field])) return false;
    return true;
  };
}

const subnetText = ({ prefix, gateway }: Subnet): string => `${prefix} ${gateway}`;

/** A policy's end: without prefixes it is all of the tenant or external network, which no list says. */
function sameEnd(a: PolicyEnd | undefined, b: PolicyEnd | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  const party = (end: PolicyEnd): string => ('tenant' in end ? `tenant ${end.tenant}` : `external ${end.external}`);
  if (party(a) !== party(b) || (a.prefixes === undefined) !== (b.prefixes === undefined)) return false;
  return sameSet(a.prefixes, b.prefixes);
}

export const sameNode = by<IntentNode>({
  name: exact,
  locator: exact,
  source: exact,
  acceptedSources: sameList,
  // The first says the second.
  behaviours: (a, b) => a?.[0] === b?.[0],
  drain: exact,
});

export const sameTenant = by<Tenant>({
  name: exact,
  id: exact,
  subnets: (a = [], b = []) => sameSet(a.map(subnetText), b.map(subnetText)),
  dscp: exact,
  mtu: exact,
  gatewayMac: exact,
});

export const samePort = by<Port>({
  name: exact,
  tenant: exact,
  node: exact,
  interface: exact,
  mac: exact,
  addresses: sameSet,
  prefixes: sameSet,
  xdp: exact,
});

export const samePath = by<Path>({ to: exact, via: sameList, tenants: sameList });

export const sameGateway = by<Gateway>({ name: exact, nodes: sameSet, tenants: sameSet });

export const sameExternal = by<External>({ name: exact, gateway: exact, interface: exact, prefixes: sameSet });

export const samePolicy = by<Policy>({
  name: exact,
  from: sameEnd,
  to: sameEnd,
  protocol: exact,
  ports: (a, b) => (a === undefined) === (b === undefined) && sameList(a?.map(String), b?.map(String)),
  action: exact,
  log: exact,
  priority: exact,
});
