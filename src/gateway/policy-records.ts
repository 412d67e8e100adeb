/** Policies of the intent and those in force here, with their counters; traffic of zones. */
import { policySetsInForce } from './policy-resource.js';
import { policyOrder } from './policy-set.js';
import { zoneOf } from './view.js';
import { equalValues } from '../plan/equal.js';
import { TrafficStats } from '../ebpf/generated/layouts.js';
import { PolicyHit } from '../ebpf/generated/steering.js';
import { ZoneNames, zoneText } from './zone-names.js';
import type { PolicySet } from './policy-set.js';
import type { SteeringMaps } from './steering-maps.js';
import type { Kernel } from '../kernel/kernel.js';
import type { ObservedNode } from '../reconcile/observation.js';
import type { Policy, PolicyEnd } from './types.js';

/**
 * `in-force`; `overridden`: in force, but earlier policies decide about all of its connections; `outdated`: the policies in force between its ends
 * differ from the intent's; `missing`: no policy is in force between its ends; `unplanned`: in force but not in the intent; `elsewhere`: this node
 * is no network node of its gateway.
 */
export type PolicyState = 'in-force' | 'overridden' | 'outdated' | 'missing' | 'unplanned' | 'elsewhere';

export interface PolicyEndRecord {
  zone: string;
  /** Empty: the whole zone. */
  prefixes: string[];
}

/** One element of `segue show policy -j`. If the policy is not in the intent, fields that come only from the intent are null. */
export interface PolicyRecord {
  name: string;
  from: PolicyEndRecord;
  to: PolicyEndRecord;
  protocol: string | null;
  /** Destination ports, `80` or `8000-8100`; empty: all. */
  ports: string[] | null;
  action: 'allow' | 'deny';
  log: boolean;
  priority: number | null;
  state: PolicyState;
  /** Connections that it allowed or denied since it came into force; null if it is not in force. */
  connections: number | null;
  /** Packets of these connections, in both directions. */
  packets: number | null;
  bytes: number | null;
}

export interface Hits {
  connections: number;
  packets: number;
  bytes: number;
}

/** Counters of each policy in force, summed over CPUs; by name. */
export function policyHits({ fastpath }: Kernel): Map<string, Hits> {
  const found = new Map<string, Hits>();
  const { steering } = fastpath;
  const { maps } = steering;
  if (maps === undefined) return found;
  steering.ensureKnown();
  for (const [name, slot] of steering.policySlots.entries()) found.set(name, hitsOf(maps, slot));
  return found;
}

function hitsOf({ sg_pol_hits: map }: SteeringMaps, slot: number): Hits {
  const key = Buffer.alloc(4);
  key.writeUInt32LE(slot);
  const value = map.lookup(key);
  const all = value === undefined ? [] : map.cpuValues(value).map((bytes) => PolicyHit.decode(bytes, 0));
  const sum = (field: keyof PolicyHit): number => Number(all.reduce((total, hit) => total + hit[field], 0n));
  return { connections: sum('connections'), packets: sum('packets'), bytes: sum('bytes') };
}

/** Packets that a network node has forwarded for a zone since it serves the zone. */
export interface ZoneTraffic {
  /** From the zone. */
  txPackets: number;
  txBytes: number;
  /** To the zone. */
  rxPackets: number;
  rxBytes: number;
}

/** Traffic of each zone, by number; undefined if the node is no network node. */
export function zoneTraffic({ fastpath }: Kernel): (ZoneTraffic & { zone: number })[] | undefined {
  const { steering } = fastpath;
  const { maps } = steering;
  if (maps === undefined) return undefined;
  steering.ensureKnown();
  const key = Buffer.alloc(4);
  return [...steering.zoneSlots.entries()].flatMap(([zone, slot]) => {
    key.writeUInt32LE(slot);
    const value = maps.sg_zone_stats.lookup(key);
    if (value === undefined || Number.isNaN(Number(zone))) return [];
    const all = maps.sg_zone_stats.cpuValues(value);
    const sum = (at: number): number => Number(all.reduce((total, bytes) => total + bytes.readBigUInt64LE(at), 0n));
    const { txPackets, txBytes, rxPackets, rxBytes } = TrafficStats.OFFSETS;
    const counted = {
      txPackets: sum(txPackets),
      txBytes: sum(txBytes),
      rxPackets: sum(rxPackets),
      rxBytes: sum(rxBytes),
    };
    return [{ zone: Number(zone), ...counted }];
  });
}

/** The deciding policies of a set, by name. */
function named(set: PolicySet | undefined): Map<string, { allow: boolean; log: boolean }> {
  const found = new Map<string, { allow: boolean; log: boolean }>();
  for (const { ports } of set?.rules ?? []) {
    for (const { policy, allow, log } of ports) {
      if (policy !== undefined) found.set(policy, { allow: allow === true, log: log === true });
    }
  }
  return found;
}

/** The intent's policies by pair of zones, within a pair in order of precedence; then those in force but not in the intent. */
export function policyRecords(context: ObservedNode): PolicyRecord[] {
  const { kernel, intent } = context;
  const zones = new ZoneNames(kernel, intent);
  const sets = policySetsInForce(kernel.fastpath.steering);
  const planned = context.plan()?.['nn-policies'] ?? new Map<string, PolicySet>();
  const hits = policyHits(kernel);
  const seen = new Set<string>();
  const records: PolicyRecord[] = [];
  for (const policy of [...(intent?.policies ?? [])].sort(byEnds)) {
    const [from, to] = [policy.from, policy.to].map((end) => zones.numberOf(zoneText(zoneOf(end))) ?? -1);
    const key = `${from ?? -1} ${to ?? -1}`;
    seen.add(`${key} ${policy.name}`);
    const state = stateOf(policy.name, sets.get(key), planned.get(key));
    records.push(recordOf(policy, state, named(sets.get(key)).has(policy.name) ? hits.get(policy.name) : undefined));
  }
  for (const [key, set] of sets) {
    const [from = 0, to = 0] = key.split(' ').map(Number);
    for (const [name, { allow, log }] of named(set)) {
      if (seen.has(`${key} ${name}`)) continue;
      records.push({
        name,
        from: { zone: zones.of(from), prefixes: [] },
        to: { zone: zones.of(to), prefixes: [] },
        ...{ protocol: null, ports: null, action: allow ? 'allow' : 'deny', log, priority: null, state: 'unplanned' },
        ...(hits.get(name) ?? NO_HITS),
      });
    }
  }
  return records;
}

const NO_HITS = { connections: null, packets: null, bytes: null };

function stateOf(name: string, found: PolicySet | undefined, planned: PolicySet | undefined): PolicyState {
  if (planned === undefined) return found !== undefined && named(found).has(name) ? 'unplanned' : 'elsewhere';
  if (found === undefined) return 'missing';
  if (!equalValues(planned, found)) return 'outdated';
  return named(found).has(name) ? 'in-force' : 'overridden';
}

function recordOf(policy: Policy, state: PolicyState, hits: Hits | undefined): PolicyRecord {
  const { name, from, to, protocol, ports, action, log, priority } = policy;
  return {
    ...{ name, from: endOf(from), to: endOf(to), protocol, ports: (ports ?? []).map(String) },
    ...{ action, log: log === true, priority, state },
    ...(hits ?? NO_HITS),
  };
}

function endOf(end: PolicyEnd): PolicyEndRecord {
  return { zone: zoneText(zoneOf(end)), prefixes: end.prefixes ?? [] };
}

/** Orders policies by their zones; within a pair by priority, denials before permissions, then by name. */
function byEnds(a: Policy, b: Policy): number {
  return zoneOf(a.from).localeCompare(zoneOf(b.from)) || zoneOf(a.to).localeCompare(zoneOf(b.to)) || policyOrder(a, b);
}
