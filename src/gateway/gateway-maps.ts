/**
 * Maps of gateways on hypervisors and network nodes (bpf/maps/gateway_maps.h, bpf/gateway/select.h), pinned beside the fast path's maps. They are
 * created only on nodes that use a gateway: the table of flows takes 15 MB.
 */
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import * as layouts from '../ebpf/generated/steering.js';
import { GATEWAY_MAPS } from '../ebpf/generated/maps.js';
import { GENERATION, generationOf } from '../ebpf/generation.js';
import { loadOver } from '../ebpf/load.js';
import { openThere } from '../ebpf/open-there.js';
import { readOnlyOf, reusing, sizesOf, steeringSizes, writtenOf } from '../ebpf/maps.js';
import { rodataOf } from '../ebpf/programs.js';
import { BpfMap, type MapConfiguration } from 'libbpf-ts';
import { FLOW_NODES, putFlowAffinity } from './flow-affinity.js';
import { newSeeds } from './seeds.js';
import type { FastpathMaps } from '../ebpf/maps.js';

const U32_BYTES = 4;

const { FlowKey, GwEvicted, GwFlowAffinity, GwFlowKey, GwSeeds, GatewayEncapKey, Maglev, NetworkNode } = layouts;

export type GatewayMapName = keyof typeof GATEWAY_MAPS;
export const GATEWAY_MAP_NAMES = Object.keys(GATEWAY_MAPS) as GatewayMapName[];
export type GatewayMaps = Readonly<Record<GatewayMapName, BpfMap>>;

/** For programs of a node without gateways, in which all code that uses these maps is removed. */
export const NO_GATEWAY_MAPS: Readonly<Record<string, MapConfiguration>> = Object.fromEntries(
  GATEWAY_MAP_NAMES.map((name) => [name, { create: false }]),
);

const offsetsOf = (
  ...codecs: { NAME: string; OFFSETS: Record<string, number> }[]
): Record<string, Record<string, number>> => Object.fromEntries(codecs.map(({ NAME, OFFSETS }) => [NAME, OFFSETS]));

const { sg_gw_seeds: seeds, sg_gw_affinity: lines, sg_gw_flow_keys: owners, ...tables } = sizesOf(GATEWAY_MAPS);
const FLOW_MAPS = { sg_gw_seeds: seeds, sg_gw_affinity: lines, sg_gw_flow_keys: owners };
/** Entries refer to encapsulations by the ids of this generation's fast path maps. */
const TABLES = `gateways_${GENERATION}_${generationOf({
  maps: tables,
  written: writtenOf(GATEWAY_MAPS).filter((name) => name in tables),
  offsets: offsetsOf(GatewayEncapKey, GwEvicted, Maglev, NetworkNode),
  reasons: {},
})}`;
/** Flows exist only in the maps, which therefore survive changes of other layouts. */
const FLOWS = `flows_${generationOf({
  maps: FLOW_MAPS,
  written: writtenOf(GATEWAY_MAPS).filter((name) => name in FLOW_MAPS),
  offsets: offsetsOf(FlowKey, GwFlowAffinity, GwFlowKey, GwSeeds),
  reasons: { entries: FLOW_NODES },
})}`;
const DIRECTORIES = /^(gateways|flows)_/;
/** Value of a flow in builds that used an LRU hash: number of the node, and time of the last packet. */
const FORMER_VALUE = { bytes: 8, node: 0, seen: 4 } as const;

/** A node's gateway maps. */
export class GatewayStore {
  readonly #pinDirectory: string;
  readonly #core: () => FastpathMaps;
  readonly #onPins: () => void;
  #maps: GatewayMaps | undefined;
  /** Inode of the pin of sg_maglev when the maps were opened. */
  #pin: number | undefined;

  /**
   * @param core creates the maps that gateways share with the rest of the fast path
   * @param onPins called before pins are made or removed
   */
  constructor(pinDirectory: string, core: () => FastpathMaps, onPins: () => void) {
    this.#onPins = onPins;
    this.#pinDirectory = pinDirectory;
    this.#core = core;
  }

  /** The maps; undefined unless all of them are pinned. @throws LibbpfError */
  get maps(): GatewayMaps | undefined {
    // Another process may have removed the pins and pinned new maps by the same names.
    const pin = statSync(this.#path('sg_maglev'), { throwIfNoEntry: false })?.ino;
    if (this.#maps !== undefined && pin !== undefined && pin === this.#pin) return this.#maps;
    this.forget();
    if (!GATEWAY_MAP_NAMES.every((name) => existsSync(this.#path(name)))) return undefined;
    this.#pin = pin;
    return (this.#maps = this.#open() as GatewayMaps);
  }

  /** The maps; creates and pins missing ones. @throws LibbpfError */
  make(): GatewayMaps {
    const there = this.maps;
    if (there !== undefined) return there;
    this.#onPins();
    const known = this.#open();
    try {
      using object = loadOver('port_tc', rodataOf('port_tc', { gateways: true }), {
        ...steeringSizes(),
        ...reusing(this.#core()),
        ...reuseOf(known),
      });
      // Filled before pinning, so that pinned maps always have seeds and flows.
      if (known.sg_gw_seeds === undefined) this.#begin((name) => object.map(name));
      for (const name of GATEWAY_MAP_NAMES) if (known[name] === undefined) object.map(name).pin(this.#path(name));
    } finally {
      for (const map of Object.values(known)) map.close();
    }
    this.#pin = statSync(this.#path('sg_maglev')).ino;
    return (this.#maps = this.#open() as GatewayMaps);
  }

  /** Makes a program's object file use these maps. */
  reuse(): Record<string, MapConfiguration> {
    return reuseOf(this.make());
  }

  /** The same for maps that programs only read: a test run has its own maps of flows. */
  reuseReadOnly(): Record<string, MapConfiguration> {
    return reuseOf(readOnlyOf(GATEWAY_MAPS, this.make()));
  }

  /** Closes the descriptors and keeps the pins. */
  forget(): void {
    for (const map of Object.values(this.#maps ?? {})) map.close();
    this.#maps = undefined;
  }

  /** Removes the pins; the maps remain until their last program ends. */
  remove(): void {
    this.#onPins();
    this.forget();
    for (const name of this.#directories()) rmSync(`${this.#pinDirectory}/${name}`, { recursive: true, force: true });
  }

  /** Removes maps of other builds' layouts. */
  sweep(): void {
    this.#onPins();
    for (const name of this.#directories()) {
      if (name !== TABLES && name !== FLOWS) rmSync(`${this.#pinDirectory}/${name}`, { recursive: true, force: true });
    }
  }

  #directories(): string[] {
    return existsSync(this.#pinDirectory)
      ? readdirSync(this.#pinDirectory).filter((name) => DIRECTORIES.test(name))
      : [];
  }

  #path(name: GatewayMapName): string {
    return `${this.#pinDirectory}/${name in FLOW_MAPS ? FLOWS : TABLES}/${name}`;
  }

  /** Initialises a new table of flows: its seeds, and flows of a former build's LRU hash. */
  #begin(mapOf: (name: GatewayMapName) => BpfMap): void {
    const maps = {
      sg_gw_seeds: mapOf('sg_gw_seeds'),
      sg_gw_affinity: mapOf('sg_gw_affinity'),
      sg_gw_flow_keys: mapOf('sg_gw_flow_keys'),
    };
    const bytes = Buffer.alloc(GwSeeds.SIZE);
    GwSeeds.encode(bytes, 0, { seeds: newSeeds() });
    maps.sg_gw_seeds.update(Buffer.alloc(U32_BYTES), bytes);
    for (const directory of this.#directories()) {
      const path = `${this.#pinDirectory}/${directory}/sg_gw_affinity`;
      if (directory === FLOWS || !existsSync(path)) continue;
      using former = BpfMap.openPinned(path);
      const { type, valueSize } = former.info;
      if (type !== 'lru_hash' || former.keySize !== GwFlowKey.SIZE || valueSize !== FORMER_VALUE.bytes) continue;
      for (const [key, value] of former.entries()) {
        const node = value.readUInt32LE(FORMER_VALUE.node);
        putFlowAffinity(maps, key, { node, seen: value.readUInt32LE(FORMER_VALUE.seen) });
      }
    }
  }

  #open(): Partial<Record<GatewayMapName, BpfMap>> {
    return openThere(GATEWAY_MAP_NAMES, (name) => this.#path(name));
  }
}

function reuseOf(maps: Partial<Record<GatewayMapName, BpfMap>>): Record<string, MapConfiguration> {
  return Object.fromEntries(Object.entries(maps).map(([name, reuse]) => [name, { reuse }]));
}
