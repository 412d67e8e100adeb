/**
 * Policies from one zone to another: a set of entries that never changes, and one entry that says which set is in force. A change writes
 * another set beside the old one and swaps it in by one update: no packet sees half of it.
 */
import { getAddress, putPrefix } from '../ebpf/bytes.js';
import * as layouts from '../ebpf/generated/steering.js';
import { Family } from '../ebpf/generated/layouts.js';
import { familyOf } from '../net/address.js';
import { ruleOrder } from './policy-set.js';
import { PortRuns } from './port-runs.js';
import type { ClassPrefix, PolicyBoundary, PolicyRule, PolicySet } from './policy-set.js';
import type { BpfMap } from '../libbpf/index.js';
import type { Kind, ObjectFailure } from '../reconcile/kind.js';
import type { SteeringMaps, SteeringStore } from './steering-maps.js';

const { ClassKey, PairKey, Policy, PolicyClass, PolicyFlags, PolicyPort, PolicyRule: RuleValue, RuleKey } = layouts;
const { PolicySet: SetValue, PolicyTable } = layouts;

/** Bits before a prefix's own in a key: set and family. */
const KEY_BITS = 64;

/** The sets as the maps have them, by their number. */
interface Stored {
  set: PolicySet;
  /** Where its boundaries stand. */
  runs: layouts.PolicyRule[];
}

/** The sets that are in force, by `<zone from> <zone to>`. */
export function policySetsInForce(steering: SteeringStore): Map<string, PolicySet> {
  const found = new Map<string, PolicySet>();
  const { maps } = steering;
  if (maps === undefined) return found;
  steering.ensureKnown();
  const sets = readSets(steering, maps);
  for (const [key, value] of maps.policy_pairs.entries()) {
    const { from, to } = PairKey.decode(key, 0);
    const set = sets.get(SetValue.decode(value, 0).id)?.set;
    found.set(`${from} ${to}`, set ?? { sources: [], destinations: [], rules: [] });
  }
  return found;
}

export const steerPoliciesKind: Kind<'steer-policies'> = {
  name: 'steer-policies',

  list: ({ fastpath }) => policySetsInForce(fastpath.steering),

  apply(kernel, changes) {
    const failures: ObjectFailure[] = [];
    const { steering } = kernel.fastpath;
    const maps = steering.make();
    steering.ensureKnown();
    const sets = readSets(steering, maps);
    const inForce = new Map<string, number>();
    for (const [key, value] of maps.policy_pairs.entries()) {
      const { from, to } = PairKey.decode(key, 0);
      inForce.set(`${from} ${to}`, SetValue.decode(value, 0).id);
    }
    const free = new PortRuns(
      maps.policy_ports.info.maxEntries,
      [...sets.values()].flatMap(({ runs }) => runs),
    );
    for (const { key, desired } of changes) {
      try {
        const [from = 0, to = 0] = key.split(' ').map(Number);
        const pair = Buffer.alloc(PairKey.SIZE);
        PairKey.encode(pair, 0, { from, to });
        if (desired === undefined) {
          maps.policy_pairs.delete(pair);
          inForce.delete(key);
        } else {
          const id = writeSet(steering, maps, desired, free);
          const value = Buffer.alloc(SetValue.SIZE);
          SetValue.encode(value, 0, { id, tables: tablesOf(desired) });
          maps.policy_pairs.update(pair, value);
          inForce.set(key, id);
        }
      } catch (error) {
        failures.push({ key, error: error as Error });
      }
    }
    // Only now, with another epoch, does every packet see the new sets.
    steering.change();
    removeOthers(steering, maps, new Set(inForce.values()));
    return failures;
  },

  describe: (key, { rules }) => `gateway policies from zone ${key.replace(' ', ' to zone ')} rules ${rules.length}`,
};

/** Names of the policies that a set has. */
function namesOf({ rules }: PolicySet): Set<string> {
  return new Set(rules.flatMap(({ ports }) => ports.flatMap(({ policy }) => policy ?? [])));
}

function tablesOf({ rules }: PolicySet): number {
  let tables = 0;
  for (const { source, dest } of rules) {
    if (source === 0) tables |= dest === 0 ? PolicyTable.POLICY_ANY : PolicyTable.POLICY_DESTINATION;
    else tables |= dest === 0 ? PolicyTable.POLICY_SOURCE : PolicyTable.POLICY_BOTH;
  }
  return tables;
}

/** Writes a set under a number that none had before. @returns the number */
function writeSet(steering: SteeringStore, maps: SteeringMaps, set: PolicySet, free: PortRuns): number {
  const nextSet = steering.state?.nextSet ?? 1;
  steering.change({ nextSet: nextSet + 1 });
  const slots = new Map([...namesOf(set)].map((name) => [name, slotOf(steering, maps, name)]));
  for (const { source, dest, protocol, ports } of set.rules) {
    const first = free.allocate(ports.length);
    const keys = Buffer.alloc(4 * ports.length);
    const values = Buffer.alloc(PolicyPort.SIZE * ports.length);
    for (const [index, boundary] of ports.entries()) {
      keys.writeUInt32LE(first + index, 4 * index);
      const policy = slots.get(boundary.policy ?? '') ?? 0;
      PolicyPort.encode(values, PolicyPort.SIZE * index, {
        ...{ set: nextSet, first: boundary.first, flags: flagsOf(boundary), policy, rank: boundary.rank },
      });
    }
    maps.policy_ports.updateBatch(keys, values);
    const key = Buffer.alloc(RuleKey.SIZE);
    const value = Buffer.alloc(RuleValue.SIZE);
    RuleKey.encode(key, 0, { set: nextSet, source, dest, protocol });
    RuleValue.encode(value, 0, { first, count: ports.length });
    maps.policy_rules.update(key, value);
  }
  writeClasses(maps.policy_sources, nextSet, set.sources);
  writeClasses(maps.policy_destinations, nextSet, set.destinations);
  return nextSet;
}

function flagsOf({ policy, allow, log }: PolicyBoundary): number {
  if (policy === undefined) return PolicyFlags.POLICY_NONE;
  return (allow ? PolicyFlags.POLICY_ALLOW : 0) | (log ? PolicyFlags.POLICY_LOG : 0);
}

function writeClasses(map: BpfMap, set: number, classes: readonly ClassPrefix[]): void {
  for (const { prefix, id } of classes) {
    const key = Buffer.alloc(ClassKey.SIZE);
    const length = putPrefix(prefix, key, ClassKey.OFFSETS.address);
    key.writeUInt32LE(KEY_BITS + length, ClassKey.OFFSETS.length);
    key.writeUInt32LE(set, ClassKey.OFFSETS.set);
    const family = familyOf(prefix) === 4 ? Family.FAMILY_INET : Family.FAMILY_INET6;
    key.writeUInt32LE(family, ClassKey.OFFSETS.family);
    const value = Buffer.alloc(PolicyClass.SIZE);
    PolicyClass.encode(value, 0, { id, unused: 0 });
    map.update(key, value);
  }
}

/** A policy's slot; a new one has its name there, and its counters are zero. */
function slotOf(steering: SteeringStore, { policies, policy_hits: hits }: SteeringMaps, name: string): number {
  const known = steering.policySlots.get(name);
  if (known !== undefined) return known;
  const slot = steering.policySlots.allocate(name);
  const key = Buffer.alloc(4);
  key.writeUInt32LE(slot);
  const value = Buffer.alloc(Policy.SIZE);
  value.write(name, 'utf8');
  hits.update(key, Buffer.alloc(hits.valueSize));
  policies.update(key, value);
  return slot;
}

/** Every set, whole or not. */
function readSets(steering: SteeringStore, maps: SteeringMaps): Map<number, Stored> {
  const sets = new Map<number, Stored>();
  const at = (id: number): Stored => {
    const known = sets.get(id);
    if (known !== undefined) return known;
    const made: Stored = { set: { sources: [], destinations: [], rules: [] }, runs: [] };
    sets.set(id, made);
    return made;
  };
  const rules = [...maps.policy_rules.entries()].map(([key, value]) => ({
    ...RuleKey.decode(key, 0),
    ...RuleValue.decode(value, 0),
  }));
  const ports = readPorts(
    maps.policy_ports,
    rules.reduce((end, { first, count }) => Math.max(end, first + count), 0),
  );
  for (const { set, source, dest, protocol, first, count } of rules) {
    const { set: content, runs } = at(set);
    const boundaries = ports.slice(first, first + count).map((port) => boundaryOf(steering, port));
    const rule: PolicyRule = { source, dest, protocol, ports: boundaries };
    content.rules.push(rule);
    runs.push({ first, count });
  }
  const classes = (map: BpfMap, side: 'sources' | 'destinations'): void => {
    for (const [key, value] of map.entries()) {
      const { length, set, family } = ClassKey.decode(key, 0);
      const prefix = `${getAddress(key, ClassKey.OFFSETS.address, family)}/${length - KEY_BITS}`;
      at(set).set[side].push({ prefix, id: PolicyClass.decode(value, 0).id });
    }
  };
  classes(maps.policy_sources, 'sources');
  classes(maps.policy_destinations, 'destinations');
  for (const { set } of sets.values()) {
    set.rules.sort(ruleOrder);
    set.sources.sort((a, b) => a.id - b.id);
    set.destinations.sort((a, b) => a.id - b.id);
  }
  return sets;
}

/** The boundaries up to a place, by their places. */
function readPorts(map: BpfMap, end: number): layouts.PolicyPort[] {
  const ports: layouts.PolicyPort[] = [];
  for (const { count, values } of map.readBatches()) {
    for (let index = 0; index < count && ports.length < end; index++) {
      ports.push(PolicyPort.decode(values, index * PolicyPort.SIZE));
    }
    if (ports.length >= end) break;
  }
  return ports;
}

function boundaryOf(steering: SteeringStore, { first, flags, policy, rank }: layouts.PolicyPort): PolicyBoundary {
  if ((flags & PolicyFlags.POLICY_NONE) !== 0) return { first, rank };
  return {
    first,
    policy: steering.policySlots.keyOf(policy) ?? `slot ${policy}`,
    ...((flags & PolicyFlags.POLICY_ALLOW) !== 0 && { allow: true }),
    ...((flags & PolicyFlags.POLICY_LOG) !== 0 && { log: true }),
    rank,
  };
}

/** Removes what belongs to no set in force, and the slots of policies that none of these has. */
function removeOthers(steering: SteeringStore, maps: SteeringMaps, inForce: ReadonlySet<number>): void {
  const sets = readSets(steering, maps);
  const used = new Set([...sets].flatMap(([id, { set }]) => (inForce.has(id) ? [...namesOf(set)] : [])));
  const gone = (map: BpfMap, setAt: number): Buffer[] =>
    [...map.keys()].filter((key) => !inForce.has(key.readUInt32LE(setAt)));
  for (const [map, setAt] of [
    [maps.policy_rules, RuleKey.OFFSETS.set],
    [maps.policy_sources, ClassKey.OFFSETS.set],
    [maps.policy_destinations, ClassKey.OFFSETS.set],
  ] as const) {
    for (const key of gone(map, setAt)) map.delete(key);
  }
  const names = [...sets].flatMap(([id, { set }]) => (inForce.has(id) ? [] : [...namesOf(set)]));
  for (const name of new Set(names)) {
    const slot = used.has(name) ? undefined : steering.policySlots.get(name);
    if (slot === undefined) continue;
    const key = Buffer.alloc(4);
    key.writeUInt32LE(slot);
    maps.policies.update(key, Buffer.alloc(Policy.SIZE));
    steering.policySlots.release(name);
  }
}
