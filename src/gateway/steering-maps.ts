/** The maps that a network node decides by (bpf/maps/nn_maps.h): pinned beside the fast path's, made when there is a gateway to serve. */
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import * as layouts from '../ebpf/generated/steering.js';
import { Endpoint, Limits, TrafficStats } from '../ebpf/generated/layouts.js';
import { generationOf } from '../ebpf/generation.js';
import { steeringSizes } from '../ebpf/maps.js';
import { openThere } from '../ebpf/open-there.js';
import { loadOver } from '../ebpf/load.js';
import { rodataOf } from '../ebpf/programs.js';
import { ObjectIds } from '../kernel/object-ids.js';
import type { BpfMap, BpfProgram, MapConfiguration } from 'libbpf-ts';
import { CONNECTION_BUCKETS } from './connection-table.js';
import type { PolicyIndex } from './policy-index.js';

const U32_BYTES = 4;
const ADDRESS_BYTES = 16;
const { ZONE_SLOTS } = Limits;
const { POLICY_SLOTS, HASH_SEEDS } = Limits;

const { Zone, NnConfig } = layouts;

/** Bytes of key and value of each map. */
const STEERING_SIZES = {
  sg_nn_config: [U32_BYTES, NnConfig.SIZE],
  sg_gw_sids: [ADDRESS_BYTES, Zone.SIZE],
  sg_ext_src: [layouts.ExternalSrcKey.SIZE, Zone.SIZE],
  sg_icmp_src_lpm: [28, layouts.IcmpSrc.SIZE],
  sg_zone_routes: [28, Zone.SIZE],
  sg_pol_pairs: [layouts.ZonePair.SIZE, layouts.PolicySet.SIZE],
  sg_pol_src: [layouts.ClassKey.SIZE, layouts.PolicyClass.SIZE],
  sg_pol_dst: [layouts.ClassKey.SIZE, layouts.PolicyClass.SIZE],
  sg_pol_rules: [layouts.RuleKey.SIZE, layouts.PolicyRule.SIZE],
  sg_pol_ports: [U32_BYTES, layouts.PolicyPort.SIZE],
  sg_policies: [U32_BYTES, layouts.Policy.SIZE],
  sg_pol_hits: [U32_BYTES, layouts.PolicyHit.SIZE],
  sg_zone_stats: [U32_BYTES, TrafficStats.SIZE],
  sg_ct: [U32_BYTES, layouts.ConnectionBucket.SIZE],
  sg_ct_totals: [U32_BYTES, layouts.CtTotals.SIZE],
  sg_ct_pairs: [layouts.ZonePair.SIZE, layouts.CtPair.SIZE],
  sg_policy_log: [0, 0],
  sg_uplink_prog: [U32_BYTES, U32_BYTES],
  sg_nn_cache: [U32_BYTES, layouts.NnFlowSet.SIZE],
} as const satisfies Record<string, readonly [key: number, value: number]>;

export type SteeringMapName = keyof typeof STEERING_SIZES;
export const STEERING_MAP_NAMES = Object.keys(STEERING_SIZES) as SteeringMapName[];
/** Programs write them; the rest they only read. */
const WRITTEN: readonly SteeringMapName[] = [
  'sg_ct',
  'sg_ct_totals',
  'sg_ct_pairs',
  'sg_pol_hits',
  'sg_zone_stats',
  'sg_policy_log',
  'sg_nn_cache',
];
export type SteeringMaps = Readonly<Record<SteeringMapName, BpfMap>>;

const GENERATION = generationOf({
  maps: STEERING_SIZES,
  offsets: Object.fromEntries(
    Object.values(layouts).flatMap((codec) => ('OFFSETS' in codec ? [[codec.NAME, codec.OFFSETS]] : [])),
  ),
  reasons: { target: Endpoint.SIZE },
});

/** Seeds of a new table of connections: nobody outside can choose which of them share a bucket. */
export function newSeeds(): bigint[] {
  const bytes = randomBytes(HASH_SEEDS * 8);
  return Array.from({ length: HASH_SEEDS }, (_, index) => bytes.readBigUInt64LE(index * 8));
}

/** The number that means "none" where a policy's slot is expected (bpf/abi/limits.h: no enumerator, as BTF of clang 14 says -1 of it). */
export const NO_SLOT = 0xffffffff;

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
        sg_ct: { maxEntries: CONNECTION_BUCKETS },
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
    return this.maps?.sg_uplink_prog.lookup(STATE_KEY)?.readUInt32LE(0);
  }

  setUplinkProgram(program: BpfProgram | undefined): void {
    const { sg_uplink_prog: programs } = this.make();
    if (program !== undefined) programs.updateHandle(STATE_KEY, program);
    else programs.delete(STATE_KEY);
  }

  /** The same of those that programs only read, and a table of connections as large as the live one; undefined where there are none. */
  readOnly(): Record<string, MapConfiguration> | undefined {
    const { maps } = this;
    if (maps === undefined) return undefined;
    const read = STEERING_MAP_NAMES.filter((name) => !WRITTEN.includes(name));
    const connections = { maxEntries: maps.sg_ct.info.maxEntries };
    return { sg_ct: connections, ...reuseOf(Object.fromEntries(read.map((name) => [name, maps[name]]))) };
  }

  /** The node's own entry; undefined before the first was written. */
  get state(): layouts.NnConfig | undefined {
    const bytes = this.maps?.sg_nn_config.lookup(STATE_KEY);
    const state = bytes === undefined ? undefined : NnConfig.decode(bytes, 0);
    return state === undefined || state.policyGeneration === 0n ? undefined : state;
  }

  /** Alters the node's own entry, in an epoch of its own: what was let in before is looked at again. */
  change(change: Partial<layouts.NnConfig> = {}): layouts.NnConfig {
    const before = this.state ?? {
      policyGeneration: 0n,
      nextSet: 1,
      self: Limits.NO_NETWORK_NODE,
      unused: 0,
      seeds: newSeeds(),
    };
    const state = { ...before, policyGeneration: before.policyGeneration + 1n, ...change };
    const bytes = Buffer.alloc(NnConfig.SIZE);
    NnConfig.encode(bytes, 0, state);
    this.make().sg_nn_config.update(STATE_KEY, bytes);
    return state;
  }

  /** Reads the numbers anew where this process has not read them, or another wrote since. */
  ensureKnown(): void {
    const { maps } = this;
    if (this.#known || maps === undefined) return;
    this.zoneSlots.clear();
    this.policySlots.clear();
    this.policyIndex = undefined;
    for (const map of [maps.sg_gw_sids, maps.sg_ext_src, maps.sg_zone_routes]) {
      for (const [, value] of map.entries()) {
        const { id, slot } = Zone.decode(value, 0);
        this.zoneSlots.set(String(id), slot);
      }
    }
    for (const [key, value] of maps.sg_policies.entries()) {
      const end = value.indexOf(0);
      const name = value.toString('utf8', 0, end < 0 ? value.length : end);
      if (name !== '') this.policySlots.set(name, key.readUInt32LE(0));
    }
    this.#known = true;
  }

  /** Name of the policy that a program named by its slot; undefined: none, or it is known no more. */
  policyOfSlot(slot: number): string | undefined {
    if (slot === NO_SLOT) return undefined;
    // Another process may have given it out since.
    if (this.policySlots.keyOf(slot) === undefined) this.setUnknown();
    this.ensureKnown();
    return this.policySlots.keyOf(slot);
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

  /** Removes what another build's layouts have left. */
  sweep(): void {
    if (!existsSync(this.#pinDirectory)) return;
    const stale = readdirSync(this.#pinDirectory).filter(
      (name) => name.startsWith(PREFIX) && name !== PREFIX + GENERATION,
    );
    if (stale.length > 0) this.#onPins();
    for (const name of stale) rmSync(`${this.#pinDirectory}/${name}`, { recursive: true });
  }

  #open(): Partial<Record<SteeringMapName, BpfMap>> {
    return openThere(STEERING_MAP_NAMES, (name) => `${this.#directory}/${name}`);
  }
}

function reuseOf(maps: Partial<Record<SteeringMapName, BpfMap>>): Record<string, { reuse: BpfMap }> {
  return Object.fromEntries(Object.entries(maps).map(([name, reuse]) => [name, { reuse }]));
}
