/** The fast path's maps, pinned: adopted when they are as this build has them, else made. */
import { existsSync } from 'node:fs';
import { BpfMap, possibleCpus } from '../libbpf/index.js';
import * as layouts from './generated/layouts.js';

const U32_BYTES = 4;
const ADDRESS_BYTES = 16;

/** Bytes of key and value of each map of bpf/maps.h. */
export const MAP_SIZES = {
  nodes: [U32_BYTES, layouts.Node.SIZE],
  ports: [U32_BYTES, layouts.Port.SIZE],
  sources: [layouts.SourceKey.SIZE, layouts.Permit.SIZE],
  source_prefixes: [layouts.SourcePrefixKey.SIZE, layouts.Permit.SIZE],
  members: [layouts.MemberKey.SIZE, layouts.Target.SIZE],
  prefixes: [layouts.PrefixKey.SIZE, layouts.Target.SIZE],
  encaps: [U32_BYTES, layouts.Encap.SIZE],
  underlays: [U32_BYTES, layouts.Underlay.SIZE],
  sids: [ADDRESS_BYTES, layouts.Sid.SIZE],
  epochs: [U32_BYTES, layouts.Epoch.SIZE],
  egress_flows: [U32_BYTES, layouts.EgressSet.SIZE],
  ingress_flows: [U32_BYTES, layouts.IngressSet.SIZE],
  known_ways: [U32_BYTES, layouts.KnownWay.SIZE],
  known_ports: [U32_BYTES, layouts.KnownPort.SIZE],
  traffics: [U32_BYTES, layouts.Traffic.SIZE],
  reasons: [U32_BYTES, layouts.Count.SIZE],
} as const satisfies Record<string, readonly [key: number, value: number]>;

export type MapName = keyof typeof MAP_SIZES;
export const MAP_NAMES = Object.keys(MAP_SIZES) as MapName[];

/** Maps that programs write: a test run that is to change nothing has others in their place. */
export const WRITTEN_MAPS = [
  'egress_flows',
  'ingress_flows',
  'known_ways',
  'known_ports',
  'traffics',
  'reasons',
] as const satisfies MapName[];

/** What each CPU remembers, entries: the sizes of bpf/maps.h are those for one CPU. */
const MEMORY_ENTRIES = { egress_flows: 4096, ingress_flows: 4096, known_ways: 1024, known_ports: 256 } as const;

/** Sizes that depend on the machine. */
export function machineSizes(): Partial<Record<MapName, { maxEntries: number }>> {
  return Object.fromEntries(
    Object.entries(MEMORY_ENTRIES).map(([name, entries]) => [name, { maxEntries: possibleCpus() * entries }]),
  );
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
  const maps: Partial<Record<MapName, BpfMap>> = {};
  try {
    for (const name of MAP_NAMES) {
      const path = `${directory}/${name}`;
      if (!existsSync(path)) continue;
      const map = (maps[name] = BpfMap.openPinned(path));
      const expected = MAP_SIZES[name];
      const found = [map.keySize, map.info.valueSize] as const;
      if (found[0] !== expected[0] || found[1] !== expected[1]) throw new MapLayoutError(path, found, expected);
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
