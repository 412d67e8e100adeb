/** The fast path's maps, pinned: adopted when they are as this build has them, else made. */
import { possibleCpus } from '../libbpf/index.js';
import { openThere } from './open-there.js';
import * as layouts from './generated/layouts.js';
import type { BpfObject, BpfMap } from '../libbpf/index.js';

const U32_BYTES = 4;
const ADDRESS_BYTES = 16;

/** Bytes of key and value of each map of bpf/maps/fastpath_maps.h. */
export const MAP_SIZES = {
  nodes: [U32_BYTES, layouts.Node.SIZE],
  trusted_prefixes: [layouts.TrustedKey.SIZE, layouts.Permit.SIZE],
  ports: [U32_BYTES, layouts.Port.SIZE],
  sources: [layouts.SourceKey.SIZE, layouts.Permit.SIZE],
  source_prefixes: [layouts.SourcePrefixKey.SIZE, layouts.Permit.SIZE],
  members: [layouts.MemberKey.SIZE, layouts.Target.SIZE],
  prefixes: [layouts.PrefixKey.SIZE, layouts.Target.SIZE],
  encaps: [U32_BYTES, layouts.Encap.SIZE],
  underlays: [U32_BYTES, layouts.Underlay.SIZE],
  domain_sources: [ADDRESS_BYTES, layouts.Permit.SIZE],
  sids: [ADDRESS_BYTES, layouts.Sid.SIZE],
  epochs: [U32_BYTES, layouts.Epoch.SIZE],
  egress_flows: [U32_BYTES, layouts.EgressSet.SIZE],
  ingress_flows: [U32_BYTES, layouts.IngressSet.SIZE],
  known_ways: [U32_BYTES, layouts.KnownWay.SIZE],
  known_ports: [U32_BYTES, layouts.KnownPort.SIZE],
  known_sources: [U32_BYTES, layouts.KnownSource.SIZE],
  traffics: [U32_BYTES, layouts.Traffic.SIZE],
  reasons: [U32_BYTES, layouts.Count.SIZE],
  watching: [U32_BYTES, layouts.Watching.SIZE],
  watchers: [U32_BYTES, layouts.Watcher.SIZE],
  budgets: [U32_BYTES, layouts.Budget.SIZE],
  rings: [U32_BYTES, U32_BYTES],
} as const satisfies Record<string, readonly [key: number, value: number]>;

export type MapName = keyof typeof MAP_SIZES;
export const MAP_NAMES = Object.keys(MAP_SIZES) as MapName[];

/** What a map is called in the object files, where that is not its name: a variable's section has dots, which no pin may have. */
const OBJECT_NAMES: Partial<Record<MapName, string>> = { watching: '.data.watching' };

/** A map of a loaded object file. @throws LibbpfError LIBBPF_NAME */
export function mapOf(object: BpfObject, name: MapName): BpfMap {
  return object.map(OBJECT_NAMES[name] ?? name);
}

/** Has an object file use these maps instead of making its own: `maps` of BpfObject.load. */
export function reusing(maps: Partial<Record<MapName, BpfMap>>): Record<string, { reuse: BpfMap }> {
  return Object.fromEntries(
    Object.entries(maps).map(([name, reuse]) => [OBJECT_NAMES[name as MapName] ?? name, { reuse }]),
  );
}

/** Which maps programs write. A trial run of a program gets others in their place. */
const WRITTEN: Readonly<Record<MapName, boolean>> = {
  nodes: false,
  trusted_prefixes: false,
  ports: false,
  sources: false,
  source_prefixes: false,
  members: false,
  prefixes: false,
  encaps: false,
  underlays: false,
  domain_sources: false,
  sids: false,
  epochs: false,
  egress_flows: true,
  ingress_flows: true,
  known_ways: true,
  known_ports: true,
  known_sources: true,
  traffics: true,
  reasons: true,
  watching: true,
  watchers: true,
  budgets: true,
  rings: true,
};

/** The maps that programs only read. */
export function readOnlyMaps(maps: FastpathMaps): Partial<Record<MapName, BpfMap>> {
  return Object.fromEntries(MAP_NAMES.filter((name) => !WRITTEN[name]).map((name) => [name, maps[name]]));
}

/** What each CPU remembers, entries: the sizes of bpf/maps/fastpath_maps.h are those for one CPU. */
const MEMORY_ENTRIES = {
  egress_flows: 4096,
  ingress_flows: 4096,
  known_ways: 1024,
  known_ports: 256,
  known_sources: 1024,
} as const;

/** The same of steered flows, on hypervisors and network nodes (bpf/fib/gw_flow_cache.h, bpf/fib/nn_flow_cache.h). */
const STEERING_MEMORY_ENTRIES = { followed_flows: 2048, passed_flows: 2048 } as const;

function memorySizes<N extends string>(entries: Readonly<Record<N, number>>): Record<N, { maxEntries: number }> {
  const sizes = Object.entries<number>(entries).map(([name, each]) => [name, { maxEntries: possibleCpus() * each }]);
  return Object.fromEntries(sizes) as Record<N, { maxEntries: number }>;
}

/** Sizes that depend on the machine. */
export const machineSizes = (): Partial<Record<MapName, { maxEntries: number }>> => memorySizes(MEMORY_ENTRIES);

/** The same of the maps that come with gateways. */
export const steeringSizes = (): Record<keyof typeof STEERING_MEMORY_ENTRIES, { maxEntries: number }> =>
  memorySizes(STEERING_MEMORY_ENTRIES);

/** Maps that the responder uses, or whose size says nothing. */
const RESPONDER_MAPS: readonly MapName[] = [
  'nodes',
  'ports',
  'epochs',
  'reasons',
  'watching',
  'watchers',
  'budgets',
  'rings',
];

/** Sizes where the responder alone is there: a bucket array for a million entries is 16 MB. */
export function responderSizes(): Partial<Record<MapName, { maxEntries: number }>> {
  const unused = MAP_NAMES.filter((name) => !RESPONDER_MAPS.includes(name));
  return Object.fromEntries(unused.map((name) => [name, { maxEntries: 1 }]));
}

export type FastpathMaps = Readonly<Record<MapName, BpfMap>>;

/** A pinned map is not laid out as this build's programs have it. */
export class MapLayoutError extends Error {
  readonly code = 'FASTPATH_MAP_LAYOUT';

  constructor(path: string, found: readonly number[], expected: readonly number[]) {
    super(
      `map pinned at ${path}: keys of ${found[0]} bytes, values of ${found[1]}: expected ${expected[0]} and ${expected[1]}, ` +
        'as this build has them (segue purge, then apply)',
    );
    this.name = 'MapLayoutError';
  }
}

/**
 * The maps pinned in a directory, those that are there.
 *
 * @throws MapLayoutError, LibbpfError
 */
export function openMaps(directory: string): Partial<Record<MapName, BpfMap>> {
  const pathOf = (name: MapName): string => `${directory}/${name}`;
  const maps = openThere(MAP_NAMES, pathOf);
  try {
    for (const name of MAP_NAMES) {
      const map = maps[name];
      if (map === undefined) continue;
      const expected = MAP_SIZES[name];
      const found = [map.keySize, map.info.valueSize] as const;
      if (found[0] !== expected[0] || found[1] !== expected[1]) throw new MapLayoutError(pathOf(name), found, expected);
    }
  } catch (error) {
    for (const map of Object.values(maps)) map.close();
    throw error;
  }
  return maps;
}

export function isComplete(maps: Partial<Record<MapName, BpfMap>>): maps is FastpathMaps {
  return MAP_NAMES.every((name) => maps[name] !== undefined);
}
