/** Sets of policies written by hand, piece by piece as the maps have them: what compiles the intent's policies is not trusted here. */
import * as steering from '../../../src/ebpf/generated/steering.js';
import { u32 } from '../libbpf/harness.js';
import { encode, prefixOf } from './values.js';
import type { BpfMap } from 'libbpf-ts';

export const PROTOCOL = { tcp: 6, udp: 17, icmp: 1, other: 0 } as const;
const ALLOW = steering.PolicyFlags.POLICY_ALLOW;
const NONE = steering.PolicyFlags.POLICY_NONE;

/** From a port on: allowed or denied by a policy, or nothing said. */
export interface PortEntry {
  first: number;
  action: 'allow' | 'deny' | 'none';
  /** slot */
  policy?: number;
  rank?: number;
  log?: boolean;
}

export interface Rule {
  /** index into the set's sources, from 1; 0 any */
  source?: number;
  dest?: number;
  protocol: keyof typeof PROTOCOL;
  ports: readonly PortEntry[];
}

export interface PolicySetText {
  sources?: readonly string[];
  destinations?: readonly string[];
  rules: readonly Rule[];
}

export interface PolicyMaps {
  policy_pairs: BpfMap;
  policy_sources: BpfMap;
  policy_destinations: BpfMap;
  policy_rules: BpfMap;
  policy_ports: BpfMap;
}

/** Every port of a protocol, by one policy. */
export function everyPort(protocol: keyof typeof PROTOCOL, action: 'allow' | 'deny', policy = 1, rank = 10): Rule {
  return { protocol, ports: [{ first: 0, action, policy, rank }] };
}

/** Writes sets; each gets a number and places of its own. */
export class PolicyWriter {
  readonly #maps: PolicyMaps;
  #nextSet = 1;
  #nextPlace = 0;

  constructor(maps: PolicyMaps) {
    this.#maps = maps;
  }

  /** Where the next rule's ports go. */
  get nextPlace(): number {
    return this.#nextPlace;
  }

  /** A set that no pair has yet. */
  write(text: PolicySetText): { id: number; tables: number } {
    const id = this.#nextSet++;
    const { POLICY_ANY, POLICY_SOURCE, POLICY_DESTINATION, POLICY_BOTH } = steering.PolicyTable;
    let tables = 0;
    for (const { source = 0, dest = 0, protocol, ports } of text.rules) {
      tables |= source > 0 ? (dest > 0 ? POLICY_BOTH : POLICY_SOURCE) : dest > 0 ? POLICY_DESTINATION : POLICY_ANY;
      const first = this.#nextPlace;
      for (const { first: port, action, policy = 0, rank = 10, log = false } of ports) {
        const flags = (action === 'allow' ? ALLOW : action === 'none' ? NONE : 0) | (log ? 2 : 0);
        const entry = { set: id, first: port, flags, policy, rank };
        this.#maps.policy_ports.update(u32(this.#nextPlace++), encode(steering.PolicyPort, entry));
      }
      const key = { set: id, source, dest, protocol: PROTOCOL[protocol] };
      this.#maps.policy_rules.update(
        encode(steering.RuleKey, key),
        encode(steering.PolicyRule, { first, count: ports.length }),
      );
    }
    const classes = (trie: BpfMap, prefixes: readonly string[] = []): void => {
      for (const [index, prefix] of prefixes.entries()) {
        const key = { ...prefixOf(prefix), set: id };
        trie.update(encode(steering.ClassKey, key), encode(steering.PolicyClass, { id: index + 1, unused: 0 }));
      }
    };
    classes(this.#maps.policy_sources, text.sources);
    classes(this.#maps.policy_destinations, text.destinations);
    return { id, tables };
  }

  /** Gives a pair of zones a set, in one update. */
  give(from: number, to: number, text: PolicySetText): number {
    const set = this.write(text);
    this.#maps.policy_pairs.update(encode(steering.ZonePair, { from, to }), encode(steering.PolicySet, set));
    return set.id;
  }
}
