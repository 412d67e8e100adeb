/** Equality of an intent's entities, field by field. Features define the equality of their keys and lists (part.ts). */
import type { IntentNode, Port, Subnet, Tenant } from './types.js';

export type Same<T> = (a: T, b: T) => boolean;

type Value = string | number | boolean | undefined;

export function exact(a: Value, b: Value): boolean {
  return a === b;
}

/** Equality of lists with a meaningful order; absent equals empty. */
export function sameList(a: readonly Value[] = [], b: readonly Value[] = []): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}

/** Equality of addresses, prefixes and uplinks as sets, without order; absent equals empty. */
export function sameSet(a: readonly string[] = [], b: readonly string[] = []): boolean {
  return sameList(a, b) || (a.length === b.length && sameList([...a].sort(), [...b].sort()));
}

/** Equality of sets of objects: `nameOf` gives the key of an element. */
function sameSetOf<T>(same: Same<T>, nameOf: (value: T) => string): Same<readonly T[] | undefined> {
  const sorted = (values: readonly T[]): T[] => [...values].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  const inOrder = (a: readonly T[], b: readonly T[]): boolean => a.every((value, at) => same(value, b[at] as T));
  return (a = [], b = []) => a.length === b.length && (inOrder(a, b) || inOrder(sorted(a), sorted(b)));
}

/** An equality for each field, optional ones included. */
export type FieldEquality<T> = { readonly [K in keyof T]-?: Same<T[K] | undefined> };

/** @returns whether all fields are equal */
export function sameFields<T extends object>(fields: FieldEquality<T>): Same<T> {
  const rows = Object.entries(fields) as [keyof T, Same<unknown>][];
  return (a, b) => {
    for (const [field, same] of rows) if (!same(a[field], b[field])) return false;
    return true;
  };
}

/** Equalities of fields that concern more than one feature, except a tenant's subnets (subnetsWith). */
export const CORE_FIELDS = {
  node: {
    name: exact,
    locator: exact,
    source: exact,
    acceptedSources: sameList,
    // The first element determines the second.
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

/** Equality of a tenant's subnets in any order. */
export function subnetsWith(same: Same<Subnet>): Same<readonly Subnet[] | undefined> {
  return sameSetOf(same, ({ prefix }) => prefix);
}
