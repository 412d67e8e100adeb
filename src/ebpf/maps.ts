/** The fast path's pinned maps: reused if they match this build's, else created. */
import { type BpfMap, type BpfObject, possibleCpus } from 'libbpf-ts';
import { FASTPATH_MAPS, GATEWAY_MAPS, NN_MAPS, type SharedMap } from './generated/maps.js';
import { openThere } from './open-there.js';

export type MapName = keyof typeof FASTPATH_MAPS;
export const MAP_NAMES = Object.keys(FASTPATH_MAPS) as MapName[];
/** Sizes of key and value in bytes. */
export const MAP_SIZES = sizesOf(FASTPATH_MAPS);

/** Sizes of key and value in bytes, for each map of a set. */
export function sizesOf<N extends string>(set: Readonly<Record<N, SharedMap>>): Record<N, SharedMap['sizes']> {
  const sizes = Object.entries<SharedMap>(set).map(([name, map]) => [name, map.sizes]);
  return Object.fromEntries(sizes) as Record<N, SharedMap['sizes']>;
}

/** Maps of a set that programs only read. For a test run, the maps that programs write are replaced by copies. */
export function readOnlyOf<N extends string, M>(
  set: Readonly<Record<N, SharedMap>>,
  maps: Readonly<Record<N, M>>,
): Partial<Record<N, M>> {
  const read = Object.entries<SharedMap>(set).filter(([, { written }]) => written !== true);
  return Object.fromEntries(read.map(([name]) => [name, maps[name as N]])) as Partial<Record<N, M>>;
}

/** Names of the maps of a set that programs write, sorted. */
export function writtenOf(set: Readonly<Record<string, SharedMap>>): string[] {
  return Object.keys(set)
    .filter((name) => set[name]?.written === true)
    .toSorted();
}

/** Names in the object files, where they differ from the maps' names: a variable's section has dots, which pins must not contain. */
const OBJECT_NAMES: Partial<Record<MapName, string>> = { sg_trace_on: '.data.sg_trace_on' };

/** A map of a loaded object file. @throws LibbpfError LIBBPF_NAME */
export function mapOf(object: BpfObject, name: MapName): BpfMap {
  return object.map(OBJECT_NAMES[name] ?? name);
}

/** Makes an object file use these maps instead of creating its own: `maps` of BpfObject.load. */
export function reusing(maps: Partial<Record<MapName, BpfMap>>): Record<string, { reuse: BpfMap }> {
  return Object.fromEntries(
    Object.entries(maps).map(([name, reuse]) => [OBJECT_NAMES[name as MapName] ?? name, { reuse }]),
  );
}

type Sizes<N extends string> = Partial<Record<N, { maxEntries: number }>>;

/** Sizes of maps with a part for each CPU; the object files define them for one CPU. */
function perCpuSizes<N extends string>(set: Readonly<Record<N, SharedMap>>): Sizes<N> {
  const parts = Object.entries<SharedMap>(set).filter(([, { perCpu }]) => perCpu === true);
  return Object.fromEntries(
    parts.map(([name, { entries }]) => [name, { maxEntries: possibleCpus() * entries }]),
  ) as Sizes<N>;
}

/** Sizes that depend on the machine. */
export const machineSizes = (): Sizes<MapName> => perCpuSizes(FASTPATH_MAPS);

/** Sizes of the gateway maps that depend on the machine. */
export const steeringSizes = (): Sizes<keyof typeof GATEWAY_MAPS | keyof typeof NN_MAPS> =>
  perCpuSizes({ ...GATEWAY_MAPS, ...NN_MAPS });

/** Maps up to this many entries are not shrunk. */
const SMALL_ENTRIES = 1024;

/** Sizes for kernel mode, in which most maps are unused: a hash table for a million entries takes 16 MB. */
export function responderSizes(): Sizes<MapName> {
  const unused = Object.entries<SharedMap>(FASTPATH_MAPS).filter(
    ([, { kernelMode, perCpu, entries }]) => kernelMode !== true && (perCpu === true || entries > SMALL_ENTRIES),
  );
  return Object.fromEntries(unused.map(([name]) => [name, { maxEntries: 1 }]));
}

export type FastpathMaps = Readonly<Record<MapName, BpfMap>>;

/** A pinned map's layout differs from that of this build's programs. */
class MapLayoutError extends Error {
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
 * Opens the maps that are pinned in a directory.
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
