/**
 * What hypervisors and network nodes know of gateways (bpf/maps/gateway_maps.h, bpf/gateway/select.h): pinned beside the fast path's maps, and made
 * where a node has to do with a gateway alone: what flows are remembered in takes 10 MB.
 */
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import * as layouts from '../ebpf/generated/steering.js';
import { GENERATION, generationOf } from '../ebpf/generation.js';
import { loadOver } from '../ebpf/load.js';
import { openThere } from '../ebpf/open-there.js';
import { reusing, steeringSizes } from '../ebpf/maps.js';
import { rodataOf } from '../ebpf/programs.js';
import type { BpfMap, MapConfiguration } from 'libbpf-ts';
import { FLOW_NODES } from './numbers.js';
import type { FastpathMaps } from '../ebpf/maps.js';

const U32_BYTES = 4;
const ADDRESS_BYTES = 16;

const { FlowKey, GwFlowAffinity, GwFlowKey, ReturnPathEntry, ReturnPathSet, GatewayEncapKey, Maglev, NetworkNode } =
  layouts;

/** Bytes of key and value of each map. */
const GATEWAY_SIZES = {
  sg_maglev: [U32_BYTES, Maglev.SIZE],
  sg_nn_state: [U32_BYTES, NetworkNode.SIZE],
  sg_gw_encaps: [GatewayEncapKey.SIZE, U32_BYTES],
  sg_nn_src: [ADDRESS_BYTES, U32_BYTES],
  sg_gw_affinity: [GwFlowKey.SIZE, GwFlowAffinity.SIZE],
  sg_rpath_cache: [U32_BYTES, ReturnPathSet.SIZE],
} as const satisfies Record<string, readonly [key: number, value: number]>;

export type GatewayMapName = keyof typeof GATEWAY_SIZES;
export const GATEWAY_MAP_NAMES = Object.keys(GATEWAY_SIZES) as GatewayMapName[];
export type GatewayMaps = Readonly<Record<GatewayMapName, BpfMap>>;

/** Of a program of a node without gateways, in which nothing is left that uses them. */
export const NO_GATEWAY_MAPS: Readonly<Record<string, MapConfiguration>> = Object.fromEntries(
  GATEWAY_MAP_NAMES.map((name) => [name, { create: false }]),
);

const offsetsOf = (
  ...codecs: { NAME: string; OFFSETS: Record<string, number> }[]
): Record<string, Record<string, number>> => Object.fromEntries(codecs.map(({ NAME, OFFSETS }) => [NAME, OFFSETS]));

const { sg_gw_affinity: flows, ...tables } = GATEWAY_SIZES;
/** Entries name encapsulations by the ids that the fast path's maps of this generation have. */
const TABLES = `gateways_${GENERATION}_${generationOf({
  maps: tables,
  offsets: offsetsOf(ReturnPathEntry, GatewayEncapKey, Maglev, NetworkNode),
  reasons: {},
})}`;
/** What nobody but the programs knows stays whatever else is laid out anew. */
const FLOWS = `flows_${generationOf({
  maps: { sg_gw_affinity: flows },
  offsets: offsetsOf(FlowKey, GwFlowAffinity, GwFlowKey),
  reasons: { entries: FLOW_NODES },
})}`;
const DIRECTORIES = /^(gateways|flows)_/;

/** One node's maps of gateways. */
export class GatewayStore {
  readonly #pinDirectory: string;
  readonly #core: () => FastpathMaps;
  readonly #onPins: () => void;
  #maps: GatewayMaps | undefined;
  /** Inode of the first pin when the maps were opened. */
  #pin: number | undefined;

  /**
   * @param core makes the maps that gateways share with the rest of the fast path
   * @param onPins called before pins are made or removed
   */
  constructor(pinDirectory: string, core: () => FastpathMaps, onPins: () => void) {
    this.#onPins = onPins;
    this.#pinDirectory = pinDirectory;
    this.#core = core;
  }

  /** The maps, undefined when not all of them are there. @throws LibbpfError */
  get maps(): GatewayMaps | undefined {
    // Another process may have removed the pins, and made others of the same names since.
    const pin = statSync(this.#path('sg_maglev'), { throwIfNoEntry: false })?.ino;
    if (this.#maps !== undefined && pin !== undefined && pin === this.#pin) return this.#maps;
    this.forget();
    if (!GATEWAY_MAP_NAMES.every((name) => existsSync(this.#path(name)))) return undefined;
    this.#pin = pin;
    return (this.#maps = this.#open() as GatewayMaps);
  }

  /** The maps, made and pinned where they are not there. @throws LibbpfError */
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
      for (const name of GATEWAY_MAP_NAMES) if (known[name] === undefined) object.map(name).pin(this.#path(name));
    } finally {
      for (const map of Object.values(known)) map.close();
    }
    this.#pin = statSync(this.#path('sg_maglev')).ino;
    return (this.#maps = this.#open() as GatewayMaps);
  }

  /** Has a program's object file use these maps. */
  reuse(): Record<string, MapConfiguration> {
    return reuseOf(this.make());
  }

  /** Lets go of descriptors; what is pinned stays. */
  forget(): void {
    for (const map of Object.values(this.#maps ?? {})) map.close();
    this.#maps = undefined;
  }

  /** Removes the pins; the maps go with their last program. */
  remove(): void {
    this.#onPins();
    this.forget();
    for (const name of this.#directories()) rmSync(`${this.#pinDirectory}/${name}`, { recursive: true, force: true });
  }

  /** Removes what another build's layouts have left. */
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
    return `${this.#pinDirectory}/${name === 'sg_gw_affinity' ? FLOWS : TABLES}/${name}`;
  }

  #open(): Partial<Record<GatewayMapName, BpfMap>> {
    return openThere(GATEWAY_MAP_NAMES, (name) => this.#path(name));
  }
}

function reuseOf(maps: Partial<Record<GatewayMapName, BpfMap>>): Record<string, MapConfiguration> {
  return Object.fromEntries(Object.entries(maps).map(([name, reuse]) => [name, { reuse }]));
}
