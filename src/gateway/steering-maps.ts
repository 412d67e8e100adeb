/** The maps that a network node decides by (bpf/maps/nn_maps.h): pinned beside the fast path's, made when there is a gateway to serve. */
import { randomBytes } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import * as layouts from '../ebpf/generated/steering.js';
import { Target, Traffic } from '../ebpf/generated/layouts.js';
import { generationOf } from '../ebpf/generation.js';
import { steeringSizes } from '../ebpf/maps.js';
import { openThere } from '../ebpf/open-there.js';
import { loadOver } from '../ebpf/load.js';
import { rodataOf } from '../ebpf/programs.js';
import { ObjectIds } from '../kernel/object-ids.js';
import type { BpfMap } from '../libbpf/index.js';
import { CONNECTION_BUCKETS } from './connection-table.js';
import type { BpfProgram, MapConfiguration } from '../libbpf/index.js';
import type { PolicyIndex } from './policy-index.js';

const U32_BYTES = 4;
const ADDRESS_BYTES = 16;
/** ZONE_SLOTS and POLICY_SLOTS of bpf/abi/limits.h. */
export const ZONE_SLOTS = 4096;
const POLICY_SLOTS = 16_384;

const { Zone, Steering } = layouts;

/** Bytes of key and value of each map. */
const STEERING_SIZES = {
  steering: [U32_BYTES, Steering.SIZE],
  gateway_sids: [ADDRESS_BYTES, Zone.SIZE],
  external_sources: [layouts.ExternalKey.SIZE, Zone.SIZE],
  zone_gateways: [28, layouts.ZoneGateway.SIZE],
  routes: [28, Zone.SIZE],
  policy_pairs: [layouts.PairKey.SIZE, layouts.PolicySet.SIZE],
  policy_sources: [layouts.ClassKey.SIZE, layouts.PolicyClass.SIZE],
  policy_destinations: [layouts.ClassKey.SIZE, layouts.PolicyClass.SIZE],
  policy_rules: [layouts.RuleKey.SIZE, layouts.PolicyRule.SIZE],
  policy_ports: [U32_BYTES, layouts.PolicyPort.SIZE],
  policies: [U32_BYTES, layouts.Policy.SIZE],
  policy_hits: [U32_BYTES, layouts.PolicyHit.SIZE],
  zone_traffics: [U32_BYTES, Traffic.SIZE],
  connections: [U32_BYTES, layouts.ConnectionBucket.SIZE],
  connection_totals: [U32_BYTES, layouts.ConnectionTotals.SIZE],
  pair_connections: [layouts.PairKey.SIZE, layouts.PairConnections.SIZE],
  denials: [0, 0],
  uplink_programs: [U32_BYTES, U32_BYTES],
  passed_flows: [U32_BYTES, layouts.PassedSet.SIZE],
} as const satisfies Record<string, readonly [key: number, value: number]>;

export type SteeringMapName = keyof typeof STEERING_SIZES;
export const STEERING_MAP_NAMES = Object.keys(STEERING_SIZES) as SteeringMapName[];
/** Programs write them; the rest they only read. */
const WRITTEN: readonly SteeringMapName[] = [
  'connections',
  'connection_totals',
  'pair_connections',
  'policy_hits',
  'zone_traffics',
  'denials',
  'passed_flows',
];
export type SteeringMaps = Readonly<Record<SteeringMapName, BpfMap>>;

const GENERATION = generationOf({
  maps: STEERING_SIZES,
  offsets: Object.fromEntries(
    Object.values(layouts).flatMap((codec) => ('OFFSETS' in codec ? [[codec.NAME, codec.OFFSETS]] : [])),
  ),
  reasons: { target: Target.SIZE },
});

/** HASH_SEEDS of bpf/abi/limits.h. */
const SEEDS = 6;

/** Seeds of a new table of connections: nobody outside can choose which of them share a bucket. */
export function newSeeds(): bigint[] {
  const bytes = randomBytes(SEEDS * 8);
  return Array.from({ length: SEEDS }, (_, index) => bytes.readBigUInt64LE(index * 8));
}

const PREFIX = 'steering_';
const STATE_KEY = Buffer.alloc(U32_BYTES);

/** One node's steering maps, and the numbers that are given out by what they hold. */
export class SteeringStore {
  /** Of zones, by zone id: their counters. */
  readonly zoneSlots = new ObjectIds({ what: 'zone', first: 0, count: ZONE_SLOTS });
  /** Of policies, by name. */
  readonly policySlots = new ObjectIds({ what: 'policy', first: 0, count: POLICY_SLOTS });
  /** Of the policy sets; undefined: to be read. */
  policyIndex: PolicyIndex | undefined;
  readonly #pinDirectory: string;
  readonly #shared: () => Record<string, MapConfiguration>;
  readonly #onPins: () => void;
  #maps: SteeringMaps | undefined;
  #known = false;

  /**
   * @param shared makes the maps that steering shares with the rest of the fast path
   * @param onPins called before pins are made or removed
   */
  constructor(pinDirectory: string, shared: () => Record<string, MapConfiguration>, onPins: () => void) {
    this.#onPins = onPins;
    this.#pinDirectory = pinDirectory;
    this.#shared = shared;
  }

  get #directory(): string {
    return `${this.#pinDirectory}/${PREFIX}${GENERATION}`;
  }

  /** The maps, undefined when not all of them are there. @throws LibbpfError */
  get maps(): SteeringMaps | undefined {
    const isThere = STEERING_MAP_NAMES.every((name) => existsSync(`${this.#directory}/${name}`));
    if (!isThere) this.forget();
    else this.#maps ??= this.#open() as SteeringMaps;
    return this.#maps;
  }

  /** The maps, made and pinned where they are not there. @throws LibbpfError */
  make(): SteeringMaps {
    const there = this.maps;
    if (there !== undefined) return there;
    this.#onPins();
    const known = this.#open();
    try {
      using object = loadOver('nn_uplink_xdp', rodataOf('nn_uplink_xdp'), {
        ...steeringSizes(),
        connections: { maxEntries: CONNECTION_BUCKETS },
        ...this.#shared(),
        ...reuseOf(known),
      });
      for (const name of STEERING_MAP_NAMES) {
        if (known[name] === undefined) object.map(name).pin(`${this.#directory}/${name}`);
      }
    } finally {
      for (const map of Object.values(known)) map.close();
    }
    return (this.#maps = this.#open() as SteeringMaps);
  }

  /** Has a program's object file use these maps. */
  reuse(): Record<string, { reuse: BpfMap }> {
    return reuseOf(this.make());
  }

  /** Id of the program that takes what arrives at an uplink in XDP and is for no gateway; undefined: none does. */
  get uplinkProgram(): number | undefined {
    return this.maps?.uplink_programs.lookup(STATE_KEY)?.readUInt32LE(0);
  }

  setUplinkProgram(program: BpfProgram | undefined): void {
    const { uplink_programs: programs } = this.make();
    if (program !== undefined) programs.updateHandle(STATE_KEY, program);
    else programs.delete(STATE_KEY);
  }

  /** The same of those that programs only read, and a table of connections as large as the live one; undefined where there are none. */
  readOnly(): Record<string, MapConfiguration> | undefined {
    const { maps } = this;
    if (maps === undefined) return undefined;
    const read = STEERING_MAP_NAMES.filter((name) => !WRITTEN.includes(name));
    const connections = { maxEntries: maps.connections.info.maxEntries };
    return { connections, ...reuseOf(Object.fromEntries(read.map((name) => [name, maps[name]]))) };
  }

  /** The node's own entry; undefined before the first was written. */
  get state(): layouts.Steering | undefined {
    const bytes = this.maps?.steering.lookup(STATE_KEY);
    const state = bytes === undefined ? undefined : Steering.decode(bytes, 0);
    return state === undefined || state.epoch === 0n ? undefined : state;
  }

  /** Alters the node's own entry, in an epoch of its own: what was let in before is looked at again. */
  change(change: Partial<layouts.Steering> = {}): layouts.Steering {
    const before = this.state ?? { epoch: 0n, nextSet: 1, self: 0xffff, unused: 0, seeds: newSeeds() };
    const state = { ...before, epoch: before.epoch + 1n, ...change };
    const bytes = Buffer.alloc(Steering.SIZE);
    Steering.encode(bytes, 0, state);
    this.make().steering.update(STATE_KEY, bytes);
    return state;
  }

  /** Reads the numbers anew where this process has not, or another wrote since. */
  ensureKnown(): void {
    const { maps } = this;
    if (this.#known || maps === undefined) return;
    this.zoneSlots.clear();
    this.policySlots.clear();
    this.policyIndex = undefined;
    for (const map of [maps.gateway_sids, maps.external_sources, maps.routes]) {
      for (const [, value] of map.entries()) {
        const { id, slot } = Zone.decode(value, 0);
        this.zoneSlots.set(String(id), slot);
      }
    }
    for (const [key, value] of maps.policies.entries()) {
      const end = value.indexOf(0);
      const name = value.toString('utf8', 0, end < 0 ? value.length : end);
      if (name !== '') this.policySlots.set(name, key.readUInt32LE(0));
    }
    this.#known = true;
  }

  /** Another process wrote: the numbers are to be read again. */
  setUnknown(): void {
    this.#known = false;
    this.policyIndex = undefined;
  }

  forget(): void {
    for (const map of Object.values(this.#maps ?? {})) map.close();
    this.#maps = undefined;
    this.setUnknown();
  }

  /** Removes the pins; the maps go with their last program. */
  remove(): void {
    this.#onPins();
    this.forget();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #open(): Partial<Record<SteeringMapName, BpfMap>> {
    return openThere(STEERING_MAP_NAMES, (name) => `${this.#directory}/${name}`);
  }
}

function reuseOf(maps: Partial<Record<SteeringMapName, BpfMap>>): Record<string, { reuse: BpfMap }> {
  return Object.fromEntries(Object.entries(maps).map(([name, reuse]) => [name, { reuse }]));
}
