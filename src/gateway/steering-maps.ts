/** The maps of a network node (bpf/maps/nn_maps.h), pinned beside the fast path's; created when there is a gateway to serve. */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import * as layouts from '../ebpf/generated/steering.js';
import { Endpoint, Limits } from '../ebpf/generated/layouts.js';
import { generationOf } from '../ebpf/generation.js';
import { readOnlyOf, sizesOf, steeringSizes, writtenOf } from '../ebpf/maps.js';
import { NN_MAPS } from '../ebpf/generated/maps.js';
import { openThere } from '../ebpf/open-there.js';
import { loadOver } from '../ebpf/load.js';
import { rodataOf } from '../ebpf/programs.js';
import { ObjectIds } from '../kernel/object-ids.js';
import type { BpfMap, BpfProgram, MapConfiguration } from 'libbpf-ts';
import { CONNECTION_BUCKETS } from './connection-table.js';
import { newSeeds } from './seeds.js';
import type { PolicyIndex } from './policy-index.js';

const U32_BYTES = 4;
const { ZONE_SLOTS } = Limits;
const { POLICY_SLOTS } = Limits;

const { Zone, NnConfig } = layouts;

export type SteeringMapName = keyof typeof NN_MAPS;
export const STEERING_MAP_NAMES = Object.keys(NN_MAPS) as SteeringMapName[];
export type SteeringMaps = Readonly<Record<SteeringMapName, BpfMap>>;

const GENERATION = generationOf({
  maps: sizesOf(NN_MAPS),
  written: writtenOf(NN_MAPS),
  offsets: Object.fromEntries(
    Object.values(layouts).flatMap((codec) => ('OFFSETS' in codec ? [[codec.NAME, codec.OFFSETS]] : [])),
  ),
  reasons: { target: Endpoint.SIZE },
});

/** No policy's slot (bpf/abi/limits.h). It is no enumerator there, because clang 14's BTF reports it as -1. */
export const NO_SLOT = 0xffffffff;

const PREFIX = 'steering_';
const STATE_KEY = Buffer.alloc(U32_BYTES);

/** A network node's maps, and the slots that are allocated from their contents. */
export class SteeringStore {
  /** Slots of zones' counters, by zone id. */
  readonly zoneSlots = new ObjectIds({ what: 'zone', first: 0, count: ZONE_SLOTS });
  /** Slots of policies, by name. */
  readonly policySlots = new ObjectIds({ what: 'policy', first: 0, count: POLICY_SLOTS });
  /** Index of the policy sets; undefined until it is read. */
  policyIndex: PolicyIndex | undefined;
  readonly #pinDirectory: string;
  readonly #shared: () => Record<string, MapConfiguration>;
  readonly #onPins: () => void;
  #maps: SteeringMaps | undefined;
  #known = false;

  /**
   * @param shared creates the maps that a network node shares with the rest of the fast path
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

  /** The maps; undefined unless all of them are pinned. @throws LibbpfError */
  get maps(): SteeringMaps | undefined {
    const isThere = STEERING_MAP_NAMES.every((name) => existsSync(`${this.#directory}/${name}`));
    if (!isThere) this.forget();
    else this.#maps ??= this.#open() as SteeringMaps;
    return this.#maps;
  }

  /** The maps; creates and pins missing ones. @throws LibbpfError */
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

  /** Makes a program's object file use these maps. */
  reuse(): Record<string, { reuse: BpfMap }> {
    return reuseOf(this.make());
  }

  /** Id of the XDP program that gets packets at an uplink that are for no gateway; undefined if there is none. */
  get uplinkProgram(): number | undefined {
    return this.maps?.sg_uplink_prog.lookup(STATE_KEY)?.readUInt32LE(0);
  }

  setUplinkProgram(program: BpfProgram | undefined): void {
    const { sg_uplink_prog: programs } = this.make();
    if (program !== undefined) programs.updateHandle(STATE_KEY, program);
    else programs.delete(STATE_KEY);
  }

  /** The same for maps that programs only read, with a table of connections of the live one's size; undefined without maps. */
  readOnly(): Record<string, MapConfiguration> | undefined {
    const { maps } = this;
    if (maps === undefined) return undefined;
    const connections = { maxEntries: maps.sg_ct.info.maxEntries };
    return { sg_ct: connections, ...reuseOf(readOnlyOf(NN_MAPS, maps)) };
  }

  /** The node's own entry; undefined before it was first written. */
  get state(): layouts.NnConfig | undefined {
    const bytes = this.maps?.sg_nn_config.lookup(STATE_KEY);
    const state = bytes === undefined ? undefined : NnConfig.decode(bytes, 0);
    return state === undefined || state.policyGeneration === 0n ? undefined : state;
  }

  /** Changes the node's own entry and starts a new policy generation: established connections are checked again. */
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

  /** Reads the slots, unless this process has read them and no other process has written since. */
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

  /** Name of the policy in a slot; undefined if the slot is NO_SLOT or no longer used. */
  policyOfSlot(slot: number): string | undefined {
    if (slot === NO_SLOT) return undefined;
    // Another process may have allocated it since.
    if (this.policySlots.keyOf(slot) === undefined) this.setUnknown();
    this.ensureKnown();
    return this.policySlots.keyOf(slot);
  }

  /** Discards the slots, because another process has written. */
  setUnknown(): void {
    this.#known = false;
    this.policyIndex = undefined;
  }

  forget(): void {
    for (const map of Object.values(this.#maps ?? {})) map.close();
    this.#maps = undefined;
    this.setUnknown();
  }

  /** Removes the pins; the maps remain until their last program ends. */
  remove(): void {
    this.#onPins();
    this.forget();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** Removes maps of other builds' layouts. */
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

/** Decisions of policies with `log` that programs did not log since the maps were created: beyond the rate, or the ring was full. */
export function suppressedDecisions({ sg_log_rate: rate }: Pick<SteeringMaps, 'sg_log_rate'>): number {
  const value = rate.lookup(STATE_KEY);
  if (value === undefined) return 0;
  const { PolicyLogRatelimit } = layouts;
  return rate
    .cpuValues(value)
    .reduce((sum, bytes) => sum + Number(PolicyLogRatelimit.decode(bytes, 0).allSuppressed), 0);
}

function reuseOf(maps: Partial<Record<SteeringMapName, BpfMap>>): Record<string, { reuse: BpfMap }> {
  return Object.fromEntries(Object.entries(maps).map(([name, reuse]) => [name, { reuse }]));
}
