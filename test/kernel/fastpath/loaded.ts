/**
 * The fast path's programs, loaded once for a file's tests: to load one takes the verifier up to a second, a test some milliseconds. Each test
 * begins with maps that are empty.
 */
import { afterAll, onTestFinished } from 'vitest';
import { loadOver } from '../../../src/ebpf/load.js';
import { isComplete, machineSizes, MAP_NAMES, mapOf, reusing } from '../../../src/ebpf/maps.js';
import { GwSeeds } from '../../../src/ebpf/generated/steering.js';
import { newSeeds } from '../../../src/gateway/seeds.js';
import { GATEWAY_MAP_NAMES, NO_GATEWAY_MAPS } from '../../../src/gateway/gateway-maps.js';
import type { BpfProgramName } from '../../../src/ebpf/objects.js';
import type { FastpathMaps, MapName } from '../../../src/ebpf/maps.js';
import type { GatewayMapName } from '../../../src/gateway/gateway-maps.js';
import type { BpfMap, BpfObject, MapConfiguration } from 'libbpf-ts';

/** Of an array, what tests use: their ports, tenants and gateways have small numbers. */
const ARRAY_ENTRIES = 256;
/** Programs find in them what has the epoch that it is: none of another test's. */
const REMEMBERED = [...['sg_egress_cache', 'sg_decap_cache', 'sg_encap_cache', 'sg_port_cache', 'sg_source_cache']];

/** One set for all programs, or made for none. */
const SHARED = new Set<string>([...MAP_NAMES, ...GATEWAY_MAP_NAMES]);

/** Programs over one set of maps. */
export class Loaded {
  readonly maps: FastpathMaps;
  /** With `use_gateways` alone. */
  readonly gateways: Partial<Record<GatewayMapName, BpfMap>> = {};
  readonly #objects = new Map<BpfProgramName, BpfObject>();
  readonly #rodata: Record<string, boolean>;
  readonly #gatewayNames: readonly GatewayMapName[];

  constructor(rodata: Record<string, boolean>) {
    this.#rodata = rodata;
    this.#gatewayNames = rodata.use_gateways === true ? GATEWAY_MAP_NAMES : [];
    // The port's has all maps, the others use them.
    const port = this.#load('port_tc', {});
    const maps: Partial<Record<MapName, BpfMap>> = {};
    for (const map of MAP_NAMES) maps[map] = mapOf(port, map);
    for (const map of this.#gatewayNames) this.gateways[map] = port.map(map);
    if (!isComplete(maps)) throw new Error('a map is missing');
    this.maps = maps;
  }

  /** A program's object, loaded when it is first asked for. */
  object(name: BpfProgramName): BpfObject {
    return this.#objects.get(name) ?? this.#load(name, reusing(this.maps));
  }

  /** Empties all maps, those of one program alone too. */
  empty(): void {
    for (const map of [...Object.values(this.maps), ...Object.values(this.gateways)]) emptyMap(map);
    for (const object of this.#objects.values()) {
      const own = object.mapNames.filter((name) => !name.includes('.') && !SHARED.has(name));
      for (const name of own) emptyMap(object.map(name));
    }
  }

  close(): void {
    for (const object of this.#objects.values()) object.close();
  }

  #load(name: BpfProgramName, maps: Record<string, MapConfiguration>): BpfObject {
    const { check_sources, ...common } = this.#rodata;
    const ofUplinks = check_sources !== undefined && { check_sources };
    const rodata = { ...common, ...(name.startsWith('uplink') && ofUplinks) };
    const object = loadOver(name, name === 'ndp_responder_tc' ? {} : rodata, {
      ...{ ...NO_GATEWAY_MAPS, ...createOnce(this.#gatewayNames, this.gateways), ...machineSizes(), ...maps },
    });
    this.#objects.set(name, object);
    return object;
  }
}

function emptyMap(map: BpfMap): void {
  const { type, maxEntries, name } = map.info;
  if (REMEMBERED.some((remembered) => remembered.startsWith(name))) return;
  if (name === 'sg_gw_affinity') {
    emptyAffinity(map);
    return;
  }
  if (name === 'sg_gw_seeds') {
    const bytes = Buffer.alloc(GwSeeds.SIZE);
    GwSeeds.encode(bytes, 0, { seeds: newSeeds() });
    map.update(Buffer.alloc(map.keySize), bytes);
    return;
  }
  switch (type) {
    case 'hash':
    case 'lru_hash':
    case 'lpm_trie':
      for (const key of [...map.keys()]) map.delete(key);
      return;
    case 'array':
    case 'percpu_array': {
      const key = Buffer.alloc(map.keySize);
      const zero = Buffer.alloc(map.valueSize);
      for (let index = 0; index < Math.min(maxEntries, ARRAY_ENTRIES); index++) {
        key.writeUInt32LE(index);
        map.update(key, zero);
      }
    }
  }
}

/** Forgets which network nodes flows have. */
export function emptyAffinity(lines: BpfMap): void {
  const zero = Buffer.alloc(lines.valueSize);
  for (const { count, keys, values } of lines.readBatches({ entries: 4096 })) {
    for (let index = 0; index < count; index++) {
      const line = values.subarray(index * lines.valueSize, (index + 1) * lines.valueSize);
      if (!line.equals(zero)) lines.update(keys.subarray(index * 4, index * 4 + 4), zero);
    }
  }
}

/** Maps that the first object makes and the others use. */
function createOnce(
  names: readonly GatewayMapName[],
  made: Partial<Record<GatewayMapName, BpfMap>>,
): Record<string, MapConfiguration> {
  return Object.fromEntries(names.map((name) => [name, made[name] === undefined ? {} : { reuse: made[name] }]));
}

/** Those that no test has, by constants. */
const free = new Map<string, Loaded[]>();
afterAll(() => {
  for (const one of [...free.values()].flat()) one.close();
  free.clear();
});

/** Programs with constants that differ from the object files', a test's own until it ends. */
export function loadedFor(rodata: Record<string, boolean>): Loaded {
  const name = JSON.stringify(rodata);
  const known = free.get(name) ?? [];
  free.set(name, known);
  const loaded = known.pop() ?? new Loaded(rodata);
  loaded.empty();
  onTestFinished(() => {
    known.push(loaded);
  });
  return loaded;
}
