/** When two entities of an intent are the same: field by field. Fields of features have their equality with their key (part.ts). */
import type { External, Gateway, IntentNode, Path, Policy, PolicyEnd, Port, Subnet, Tenant } from './types.js';

export type Same<T> = (a: T, b: T) => boolean;

type Value = string | number | boolean | undefined;

export function exact(a: Value, b: Value): boolean {
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

/** Sets of what is more than text: `nameOf` tells elements apart. */
function sameSetOf<T>(same: Same<T>, nameOf: (value: T) => string): Same<readonly T[] | undefined> {
  const sorted = (values: readonly T[]): T[] => [...values].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  const inOrder = (a: readonly T[], b: readonly T[]): boolean => a.every((value, at) => same(value, b[at] as T));
  return (a = [], b = []) => a.length === b.length && (inOrder(a, b) || inOrder(sorted(a), sorted(b)));
}

/** An equality for each field, the optional ones too. */
export type FieldEquality<T> = { readonly [K in keyof T]-?: Same<T[K] | undefined> };

/** @returns whether all fields are the same */
export function sameFields<T extends object>(fields: FieldEquality<T>): Same<T> {
  const rows = Object.entries(fields) as [keyof T, Same<unknown>][];
  return (a, b) => {
    for (const [field, same] of rows) if (!same(a[field], b[field])) return false;
    return true;
  };
}

/** A policy's end: without prefixes it is all of the tenant or external network, which no list says. */
function sameEnd(a: PolicyEnd | undefined, b: PolicyEnd | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  const party = (end: PolicyEnd): string => ('tenant' in end ? `tenant ${end.tenant}` : `external ${end.external}`);
  if (party(a) !== party(b) || (a.prefixes === undefined) !== (b.prefixes === undefined)) return false;
  return sameSet(a.prefixes, b.prefixes);
}

/** Equalities of the fields that concern more than one feature; a tenant's subnets are compared by theirs (subnetsWith). */
export const CORE_FIELDS = {
  node: {
    name: exact,
    locator: exact,
    source: exact,
    acceptedSources: sameList,
    // The first says the second.
    behaviours: (a, b) => a?.[0] === b?.[0],
    drain: exact,
  },
  tenant: {
    name: exact,
    id: exact,
    dscp: exact,
    mtu: exact,
    gatewayMac: exact,
  },
  subnet: { prefix: exact, gateway: exact },
  port: {
    name: exact,
    tenant: exact,
    node: exact,
    interface: exact,
    mac: exact,
    addresses: sameSet,
    prefixes: sameSet,
  },
} as const satisfies {
  node: Partial<FieldEquality<IntentNode>>;
  tenant: Partial<FieldEquality<Omit<Tenant, 'subnets'>>>;
  subnet: Partial<FieldEquality<Subnet>>;
  port: Partial<FieldEquality<Port>>;
};

/** A tenant's subnets, whatever their order. */
export function subnetsWith(same: Same<Subnet>): Same<readonly Subnet[] | undefined> {
  return sameSetOf(same, ({ prefix }) => prefix);
}

export const samePath = sameFields<Path>({
  to: exact,
  via: sameList,
  tenants: sameList,
});

export const sameGateway = sameFields<Gateway>({
  name: exact,
  nodes: sameSet,
  tenants: sameSet,
});

export const sameExternal = sameFields<External>({
  name: exact,
  gateway: exact,
  interface: exact,
  prefixes: sameSet,
});

export const samePolicy = sameFields<Policy>({
  name: exact,
  from: sameEnd,
  to: sameEnd,
  protocol: exact,
  ports: (a, b) => (a === undefined) === (b === undefined) && sameList(a?.map(String), b?.map(String)),
  action: exact,
  log: exact,
  priority: exact,
});
