/**
 * The policies from one zone to another, compiled for lookups by a network node (bpf/state/policy.h): classes of addresses by prefix, and for each
 * combination of classes and protocol the deciding policy by destination port. A pure function.
 *
 * The order of entries is fixed, so that a set read back from the maps equals the planned one.
 */
import { parsePrefix, type Prefix, prefixContains } from 'netlink-ts/inet';
import { type PortRange, portRanges } from './port-ranges.js';
import { decidingPorts } from './port-precedence.js';
import type { Policy } from './types.js';

/** A prefix of one end; the longest prefix of an address determines its class. */
export interface ClassPrefix {
  prefix: string;
  /** From 1. */
  id: number;
}

/** Destination ports from `first` up to the next boundary. */
export interface PolicyBoundary {
  first: number;
  /** Name of the deciding policy; absent: no policy applies to these ports. */
  policy?: string;
  allow?: true;
  log?: true;
  /** Precedence among the set's tables: the lowest rank decides; 0 without a policy. */
  rank: number;
}

export interface PolicyRule {
  /** Classes; 0: any. */
  source: number;
  dest: number;
  /** 6, 17, 1 for ICMP of both families, 0 for what is none of them. */
  protocol: number;
  /** Ascending; the first has port 0. */
  ports: PolicyBoundary[];
}

/** All policies from one zone to another. */
export interface PolicySet {
  sources: ClassPrefix[];
  destinations: ClassPrefix[];
  rules: PolicyRule[];
}

/** Protocol numbers of bpf/state/policy.h; 0 stands for all others. */
const PROTOCOLS: readonly [name: Policy['protocol'] | undefined, number: number][] = [
  [undefined, 0],
  ['icmp', 1],
  ['tcp', 6],
  ['udp', 17],
];

/** A policy with its rank. */
interface Ranked {
  policy: Policy;
  rank: number;
  /** Absent: all. */
  ports: readonly PortRange[] | undefined;
}

/** The order of precedence: by priority, denials before permissions, then by name. */
export function policyOrder(a: Policy, b: Policy): number {
  if (a.priority !== b.priority) return a.priority - b.priority;
  if (a.action !== b.action) return a.action === 'deny' ? -1 : 1;
  return a.name < b.name ? -1 : 1;
}

/** The classes of one end, and which of them are inside a prefix. */
class Classes {
  readonly list: ClassPrefix[] = [];
  readonly #within = new Map<string, readonly number[]>();
  readonly #parsed: Prefix[] = [];

  constructor(prefixes: Iterable<string>) {
    for (const prefix of [...new Set(prefixes)].sort()) {
      this.list.push({ prefix, id: this.list.length + 1 });
      this.#parsed.push(parsed(prefix));
    }
  }

  /** Ids of the classes whose addresses are all inside one of the prefixes; without prefixes: 0, any. */
  inside(prefixes: readonly string[] | undefined): readonly number[] {
    if (prefixes === undefined) return ANY;
    const [only] = prefixes;
    if (prefixes.length === 1 && only !== undefined) return this.#insideOne(only);
    return [...new Set(prefixes.flatMap((prefix) => this.#insideOne(prefix)))];
  }

  #insideOne(prefix: string): readonly number[] {
    const known = this.#within.get(prefix);
    if (known !== undefined) return known;
    const outer = parsed(prefix);
    const ids = this.#parsed.flatMap((inner, index) => (prefixContains(outer, inner) ? [index + 1] : []));
    this.#within.set(prefix, ids);
    return ids;
  }
}

const ANY: readonly number[] = [0];

function parsed(text: string): Prefix {
  const result = parsePrefix(text);
  if (!result.ok) throw new RangeError(`prefix ${text}: expected ${result.expected}`);
  return result.prefix;
}

/**
 * Compiles the policies from one zone to another.
 *
 * @param policies all of them, in any order
 */
export function compilePolicySet(policies: readonly Policy[]): PolicySet {
  const ranked = [...policies].sort(policyOrder).map((policy, rank): Ranked => {
    return { policy, rank, ports: policy.ports && portRanges(policy.ports) };
  });
  const sources = new Classes(policies.flatMap(({ from }) => from.prefixes ?? []));
  const destinations = new Classes(policies.flatMap(({ to }) => to.prefixes ?? []));
  /** Policies by combination of classes, by rank. Policies with a prefix and those without are in different tables. */
  const cells = new Map<string, { source: number; dest: number; members: Ranked[] }>();
  for (const one of ranked) {
    const dests = destinations.inside(one.policy.to.prefixes);
    for (const source of sources.inside(one.policy.from.prefixes)) {
      for (const dest of dests) {
        const key = `${source} ${dest}`;
        const cell = cells.get(key);
        if (cell === undefined) cells.set(key, { source, dest, members: [one] });
        else cell.members.push(one);
      }
    }
  }
  const rules: PolicyRule[] = [];
  for (const { source, dest, members } of cells.values()) {
    for (const [name, protocol] of PROTOCOLS) {
      const those = members.filter(({ policy }) => policy.protocol === 'any' || policy.protocol === name);
      if (those.length > 0) rules.push({ source, dest, protocol, ports: boundaries(those, protocol) });
    }
  }
  rules.sort(ruleOrder);
  return { sources: sources.list, destinations: destinations.list, rules };
}

/** Order of rules in a set: by classes, then by protocol. */
export function ruleOrder(a: PolicyRule, b: PolicyRule): number {
  return a.source - b.source || a.dest - b.dest || a.protocol - b.protocol;
}

function boundaries(members: readonly Ranked[], protocol: number): PolicyBoundary[] {
  const hasPorts = protocol === 6 || protocol === 17;
  const runs = decidingPorts(members.map(({ ports }) => (hasPorts ? ports : undefined)));
  return runs.map(({ first, index }) => {
    const winner = index === undefined ? undefined : members[index];
    if (winner === undefined) return { first, rank: 0 };
    const { name, action, log } = winner.policy;
    return {
      first,
      policy: name,
      ...(action === 'allow' && { allow: true }),
      ...(log === true && { log }),
      rank: winner.rank,
    };
  });
}
