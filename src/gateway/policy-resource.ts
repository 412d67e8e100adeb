/**
 * Policies from one zone to another: a set of entries that never changes, and an entry that selects the set in force. A change writes a new set
 * beside the old one and selects it by a single update, so that no packet sees a partial set.
 */
import { SWEEP_ONLY } from '../reconcile/follows.js';
import { getAddress, putPrefix } from '../ebpf/bytes.js';
import * as layouts from '../ebpf/generated/steering.js';
import { Family } from '../ebpf/generated/layouts.js';
import { familyOf } from 'netlink-ts/inet';
import { ruleOrder } from './policy-set.js';
import { PolicyIndex } from './policy-index.js';
import type { SetEntries } from './policy-index.js';
import type { ClassPrefix, PolicyBoundary, PolicySet } from './policy-set.js';
import type { Run } from './range-allocator.js';
import type { BpfMap } from 'libbpf-ts';
import type { Resource, ObjectFailure } from '../reconcile/resource.js';
import type { SteeringMaps, SteeringStore } from './steering-maps.js';

const { ClassKey, ZonePair, Policy, PolicyClass, PolicyFlags, PolicyPort, PolicyRule: RuleValue, RuleKey } = layouts;
const { PolicySet: SetValue, PolicyTable } = layouts;

/** Bits that precede the prefix in a key: set and family. */
const KEY_BITS = 64;

/** A set as read from the maps. */
interface StoredSet {
  set: PolicySet;
  rules: Buffer[];
  sources: Buffer[];
  destinations: Buffer[];
  /** Runs of its boundaries. */
  runs: Run[];
  slots: Set<number>;
}

/** The sets in force, by `<zone from> <zone to>`. */
export function policySetsInForce(steering: SteeringStore): Map<string, PolicySet> {
  const found = new Map<string, PolicySet>();
  const { maps } = steering;
  if (maps === undefined) return found;
  steering.ensureKnown();
  const { sets, inForce } = readAll(steering, maps);
  for (const [pair, id] of inForce) {
    found.set(pair, sets.get(id)?.set ?? { sources: [], destinations: [], rules: [] });
  }
  return found;
}

export const nnPoliciesResource: Resource<'nn-policies'> = {
  name: 'nn-policies',
  after: ['nn-route'],
  follows: SWEEP_ONLY,

  list: ({ fastpath }) => policySetsInForce(fastpath.steering),

  apply(kernel, changes) {
    const failures: ObjectFailure[] = [];
    const { steering } = kernel.fastpath;
    const maps = steering.make();
    steering.ensureKnown();
    const index = steering.policyIndex ?? readAll(steering, maps).index;
    let id = steering.state?.nextSet ?? 1;
    steering.change({ nextSet: id + changes.length });
    for (const { key, desired } of changes) {
      try {
        const [from = 0, to = 0] = key.split(' ').map(Number);
        const pair = Buffer.alloc(ZonePair.SIZE);
        ZonePair.encode(pair, 0, { from, to });
        if (desired === undefined) {
          maps.sg_pol_pairs.delete(pair);
          index.enforce(key, undefined);
        } else {
          const set = id++;
          writeSet({ steering, maps, index }, set, desired);
          const value = Buffer.alloc(SetValue.SIZE);
          SetValue.encode(value, 0, { id: set, tables: tablesOf(desired) });
          maps.sg_pol_pairs.update(pair, value);
          index.enforce(key, set);
        }
      } catch (error) {
        failures.push({ key, error: error as Error });
      }
    }
    // The new policy generation makes every packet use the new sets.
    steering.change();
    removeUnreferenced({ steering, maps, index });
    return failures;
  },

  describe: (key, { rules }) => `gateway policies from zone ${key.replace(' ', ' to zone ')} rules ${rules.length}`,
};

/** The maps and the index of their contents. */
interface PolicyStore {
  steering: SteeringStore;
  maps: SteeringMaps;
  index: PolicyIndex;
}

/** Names of the policies of a set. */
function namesOf({ rules }: PolicySet): Set<string> {
  return new Set(rules.flatMap(({ ports }) => ports.flatMap(({ policy }) => policy ?? [])));
}

/** The tables in which a set has rules. */
export function tablesOf({ rules }: PolicySet): number {
  let tables = 0;
  for (const { source, dest } of rules) {
    if (source === 0) tables |= dest === 0 ? PolicyTable.POLICY_ANY : PolicyTable.POLICY_DESTINATION;
    else tables |= dest === 0 ? PolicyTable.POLICY_SOURCE : PolicyTable.POLICY_BOTH;
  }
  return tables;
}

/** Keys of a set's rules and classes. */
export interface SetKeys {
  rules: Buffer;
  sources: Buffer;
  destinations: Buffer;
}

export function setKeys(set: number, { rules, sources, destinations }: PolicySet): SetKeys {
  const ruleKeys = Buffer.alloc(RuleKey.SIZE * rules.length);
  for (const [at, { source, dest, protocol }] of rules.entries()) {
    RuleKey.encode(ruleKeys, RuleKey.SIZE * at, { set, source, dest, protocol });
  }
  return { rules: ruleKeys, sources: classKeys(set, sources), destinations: classKeys(set, destinations) };
}

/** A set with the runs of its rules' boundaries and the slots of its policies. */
export interface SetToWrite {
  set: number;
  content: PolicySet;
  keys: SetKeys;
  runs: readonly Run[];
  slotOf: (policy: string) => number;
}

/** Writes the entries of a set that is not in force. */
export function writeSetEntries(
  maps: Pick<SteeringMaps, 'sg_pol_ports' | 'sg_pol_rules' | 'sg_pol_src' | 'sg_pol_dst'>,
  { set, content, keys, runs, slotOf }: SetToWrite,
): void {
  const { rules, sources, destinations } = content;
  const places = runs.flatMap(({ first, count }) => Array.from({ length: count }, (_, at) => first + at));
  const ports = Buffer.alloc(PolicyPort.SIZE * places.length);
  for (const [at, boundary] of rules.flatMap((rule) => rule.ports).entries()) {
    const policy = boundary.policy === undefined ? 0 : slotOf(boundary.policy);
    PolicyPort.encode(ports, PolicyPort.SIZE * at, {
      ...{ set, first: boundary.first, flags: flagsOf(boundary), policy, rank: boundary.rank },
    });
  }
  maps.sg_pol_ports.updateBatch(numbersOf(places), ports);
  const values = Buffer.alloc(RuleValue.SIZE * runs.length);
  for (const [at, run] of runs.entries()) RuleValue.encode(values, RuleValue.SIZE * at, run);
  maps.sg_pol_rules.updateBatch(keys.rules, values);
  maps.sg_pol_src.updateBatch(keys.sources, classValues(sources));
  maps.sg_pol_dst.updateBatch(keys.destinations, classValues(destinations));
}

/** Writes a set under an unused number. Its runs and slots are recorded in the index first, so that a failed write leaks nothing. */
function writeSet({ steering, maps, index }: PolicyStore, set: number, content: PolicySet): void {
  const keys = setKeys(set, content);
  const runs: Run[] = [];
  const slots: number[] = [];
  const slotsByName = new Map<string, number>();
  try {
    for (const name of namesOf(content)) {
      const slot = slotFor(steering, maps, name);
      slots.push(slot);
      slotsByName.set(name, slot);
    }
    for (const { ports } of content.rules) {
      runs.push({ first: index.ports.allocate(ports.length), count: ports.length });
    }
  } finally {
    index.add(set, { ...keys, runs, slots });
  }
  writeSetEntries(maps, { set, content, keys, runs, slotOf: (name) => slotsByName.get(name) ?? 0 });
}

function numbersOf(numbers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * numbers.length);
  for (const [at, number] of numbers.entries()) bytes.writeUInt32LE(number, 4 * at);
  return bytes;
}

function flagsOf({ policy, allow, log }: PolicyBoundary): number {
  if (policy === undefined) return PolicyFlags.POLICY_NONE;
  return (allow ? PolicyFlags.POLICY_ALLOW : 0) | (log ? PolicyFlags.POLICY_LOG : 0);
}

function classKeys(set: number, classes: readonly ClassPrefix[]): Buffer {
  const keys = Buffer.alloc(ClassKey.SIZE * classes.length);
  for (const [at, { prefix }] of classes.entries()) {
    const key = keys.subarray(ClassKey.SIZE * at, ClassKey.SIZE * (at + 1));
    const length = putPrefix(prefix, key, ClassKey.OFFSETS.address);
    key.writeUInt32LE(KEY_BITS + length, ClassKey.OFFSETS.length);
    key.writeUInt32LE(set, ClassKey.OFFSETS.set);
    const family = familyOf(prefix) === 4 ? Family.FAMILY_INET : Family.FAMILY_INET6;
    key.writeUInt32LE(family, ClassKey.OFFSETS.family);
  }
  return keys;
}

function classValues(classes: readonly ClassPrefix[]): Buffer {
  const values = Buffer.alloc(PolicyClass.SIZE * classes.length);
  for (const [at, { id }] of classes.entries()) PolicyClass.encode(values, PolicyClass.SIZE * at, { id, unused: 0 });
  return values;
}

/** The slot of a policy; a new slot gets the policy's name, and its counters are reset. */
function slotFor(steering: SteeringStore, { sg_policies, sg_pol_hits: hits }: SteeringMaps, name: string): number {
  const known = steering.policySlots.get(name);
  if (known !== undefined) return known;
  const slot = steering.policySlots.allocate(name);
  const key = Buffer.alloc(4);
  key.writeUInt32LE(slot);
  const value = Buffer.alloc(Policy.SIZE);
  value.write(name, 'utf8');
  hits.update(key, Buffer.alloc(hits.valueSize));
  sg_policies.update(key, value);
  return slot;
}

/** Reads all sets, complete or not, and which are in force; rebuilds the index. */
function readAll(
  steering: SteeringStore,
  maps: SteeringMaps,
): { sets: Map<number, StoredSet>; inForce: Map<string, number>; index: PolicyIndex } {
  const sets = readSets(steering, maps);
  const inForce = new Map<string, number>();
  for (const [key, value] of maps.sg_pol_pairs.entries()) {
    const { from, to } = ZonePair.decode(key, 0);
    inForce.set(`${from} ${to}`, SetValue.decode(value, 0).id);
  }
  const entries = new Map<number, SetEntries>();
  for (const [id, { rules, sources, destinations, runs, slots }] of sets) {
    const [ruleKeys, sourceKeys] = [Buffer.concat(rules), Buffer.concat(sources)];
    const destinationKeys = Buffer.concat(destinations);
    entries.set(id, { rules: ruleKeys, sources: sourceKeys, destinations: destinationKeys, runs, slots: [...slots] });
  }
  const index = new PolicyIndex(maps.sg_pol_ports.info.maxEntries, entries, new Map(inForce));
  steering.policyIndex = index;
  return { sets, inForce, index };
}

function readSets(steering: SteeringStore, maps: SteeringMaps): Map<number, StoredSet> {
  const sets = new Map<number, StoredSet>();
  const at = (id: number): StoredSet => {
    const known = sets.get(id);
    if (known !== undefined) return known;
    const set = { sources: [], destinations: [], rules: [] };
    const made: StoredSet = { set, rules: [], sources: [], destinations: [], runs: [], slots: new Set() };
    sets.set(id, made);
    return made;
  };
  const rules = [...maps.sg_pol_rules.entries()].map(([key, value]) => ({
    ...{ key, ...RuleKey.decode(key, 0) },
    ...RuleValue.decode(value, 0),
  }));
  const ports = readPorts(
    maps.sg_pol_ports,
    rules.reduce((end, { first, count }) => Math.max(end, first + count), 0),
  );
  for (const { key, set, source, dest, protocol, first, count } of rules) {
    const stored = at(set);
    const own = ports.slice(first, first + count);
    stored.set.rules.push({ source, dest, protocol, ports: own.map((port) => boundaryOf(steering, port)) });
    stored.rules.push(key);
    stored.runs.push({ first, count });
    for (const port of own) {
      if (port.set === set && (port.flags & PolicyFlags.POLICY_NONE) === 0) stored.slots.add(port.policy);
    }
  }
  const classes = (map: BpfMap, side: 'sources' | 'destinations'): void => {
    for (const [key, value] of map.entries()) {
      const { length, set, family } = ClassKey.decode(key, 0);
      const prefix = `${getAddress(key, ClassKey.OFFSETS.address, family)}/${length - KEY_BITS}`;
      const stored = at(set);
      stored.set[side].push({ prefix, id: PolicyClass.decode(value, 0).id });
      stored[side].push(key);
    }
  };
  classes(maps.sg_pol_src, 'sources');
  classes(maps.sg_pol_dst, 'destinations');
  for (const { set } of sets.values()) {
    set.rules.sort(ruleOrder);
    set.sources.sort((a, b) => a.id - b.id);
    set.destinations.sort((a, b) => a.id - b.id);
  }
  return sets;
}

/** The boundaries in front of a slot, by slot. */
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

/** Removes sets that are not in force, and the slots of policies that no other set uses. */
function removeUnreferenced({ steering, maps, index }: PolicyStore): void {
  const key = Buffer.alloc(4);
  for (const [id, { rules, sources, destinations }] of index.left()) {
    maps.sg_pol_rules.deleteBatch(rules);
    maps.sg_pol_src.deleteBatch(sources);
    maps.sg_pol_dst.deleteBatch(destinations);
    for (const slot of index.remove(id)) {
      const name = steering.policySlots.keyOf(slot);
      if (name === undefined) continue;
      key.writeUInt32LE(slot);
      maps.sg_policies.update(key, Buffer.alloc(Policy.SIZE));
      steering.policySlots.release(name);
    }
  }
}
