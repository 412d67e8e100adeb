/** The fast path's maps, pinned: adopted when they are as this build has them, else made. */
import { type BpfMap, type BpfObject, possibleCpus } from 'libbpf-ts';
import { openThere } from './open-there.js';
import * as layouts from './generated/layouts.js';

const U32_BYTES = 4;
const ADDRESS_BYTES = 16;

/** Bytes of key and value of each map of bpf/maps/fastpath_maps.h. */
export const MAP_SIZES = {
  sg_node: [U32_BYTES, layouts.Node.SIZE],
  sg_trusted: [layouts.TrustedKey.SIZE, layouts.Present.SIZE],
  sg_ports: [U32_BYTES, layouts.Port.SIZE],
  sg_allowed_src: [layouts.AllowedSrcKey.SIZE, layouts.Present.SIZE],
  sg_allowed_lpm: [layouts.AllowedSrcLpmKey.SIZE, layouts.Present.SIZE],
  sg_endpoints: [layouts.EndpointKey.SIZE, layouts.Endpoint.SIZE],
  sg_endpoint_lpm: [layouts.PrefixKey.SIZE, layouts.Endpoint.SIZE],
  sg_encaps: [U32_BYTES, layouts.Encap.SIZE],
  sg_nh_groups: [U32_BYTES, layouts.NexthopGroup.SIZE],
  sg_domain_src: [ADDRESS_BYTES, layouts.Present.SIZE],
  sg_sids: [ADDRESS_BYTES, layouts.Sid.SIZE],
  sg_dhcp4: [U32_BYTES, layouts.Dhcp4Lease.SIZE],
  sg_boot: [U32_BYTES, layouts.BootFiles.SIZE],
  sg_dhcp6: [U32_BYTES, layouts.Dhcp6Lease.SIZE],
  sg_ra: [U32_BYTES, layouts.RaFrame.SIZE],
  sg_replies: [U32_BYTES, U32_BYTES],
  sg_cache_gen: [U32_BYTES, layouts.CacheGeneration.SIZE],
  sg_egress_cache: [U32_BYTES, layouts.EgressCacheSet.SIZE],
  sg_decap_cache: [U32_BYTES, layouts.DecapCacheSet.SIZE],
  sg_encap_cache: [U32_BYTES, layouts.EncapCacheEntry.SIZE],
  sg_port_cache: [U32_BYTES, layouts.PortCacheEntry.SIZE],
  sg_source_cache: [U32_BYTES, layouts.SourceCacheEntry.SIZE],
  sg_port_stats: [U32_BYTES, layouts.TrafficStats.SIZE],
  sg_port_icmp: [U32_BYTES, layouts.IcmpRate.SIZE],
  sg_verdicts: [U32_BYTES, layouts.VerdictCount.SIZE],
  sg_trace_on: [U32_BYTES, layouts.TraceEnabled.SIZE],
  sg_trace_sess: [U32_BYTES, layouts.TraceSession.SIZE],
  sg_trace_rate: [U32_BYTES, layouts.TraceRatelimit.SIZE],
  sg_trace_rings: [U32_BYTES, U32_BYTES],
} as const satisfies Record<string, readonly [key: number, value: number]>;

export type MapName = keyof typeof MAP_SIZES;
export const MAP_NAMES = Object.keys(MAP_SIZES) as MapName[];

/** What a map is called in the object files, where that is not its name: a variable's section has dots, which no pin may have. */
const OBJECT_NAMES: Partial<Record<MapName, string>> = { sg_trace_on: '.data.sg_trace_on' };

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
  sg_node: false,
  sg_trusted: false,
  sg_ports: false,
  sg_allowed_src: false,
  sg_allowed_lpm: false,
  sg_endpoints: false,
  sg_endpoint_lpm: false,
  sg_encaps: false,
  sg_nh_groups: false,
  sg_domain_src: false,
  sg_sids: false,
  sg_dhcp4: false,
  sg_boot: false,
  sg_dhcp6: false,
  sg_ra: false,
  // A trial answers nothing: these programs would count it.
  sg_replies: true,
  sg_cache_gen: false,
  sg_egress_cache: true,
  sg_decap_cache: true,
  sg_encap_cache: true,
  sg_port_cache: true,
  sg_source_cache: true,
  sg_port_stats: true,
  sg_port_icmp: true,
  sg_verdicts: true,
  sg_trace_on: true,
  sg_trace_sess: true,
  sg_trace_rate: true,
  sg_trace_rings: true,
};

/** The maps that programs only read. */
export function readOnlyMaps(maps: FastpathMaps): Partial<Record<MapName, BpfMap>> {
  return Object.fromEntries(MAP_NAMES.filter((name) => !WRITTEN[name]).map((name) => [name, maps[name]]));
}

/** What each CPU remembers, entries: the sizes of the object files are those for one CPU. */
const MEMORY_ENTRIES = {
  sg_egress_cache: 1 << layouts.Limits.FLOW_CACHE_BITS,
  sg_decap_cache: 1 << layouts.Limits.FLOW_CACHE_BITS,
  sg_encap_cache: 1 << layouts.Limits.ENCAP_CACHE_BITS,
  sg_port_cache: 1 << layouts.Limits.PORT_CACHE_BITS,
  sg_source_cache: 1 << layouts.Limits.SOURCE_CACHE_BITS,
} as const;

/** The same of steered flows, on hypervisors and network nodes (bpf/fib/gw_flow_cache.h, bpf/fib/nn_flow_cache.h). */
const STEERING_MEMORY_ENTRIES = {
  sg_rpath_cache: 1 << layouts.Limits.RETURN_PATH_CACHE_BITS,
  sg_nn_cache: 1 << layouts.Limits.NN_FLOW_CACHE_BITS,
} as const;

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
  'sg_node',
  'sg_ports',
  'sg_dhcp4',
  'sg_boot',
  'sg_dhcp6',
  'sg_ra',
  'sg_replies',
  'sg_cache_gen',
  'sg_verdicts',
  'sg_trace_on',
  'sg_trace_sess',
  'sg_trace_rate',
  'sg_trace_rings',
];

/** Sizes where the responder alone is there: a bucket array for a million entries is 16 MB. */
export function responderSizes(): Partial<Record<MapName, { maxEntries: number }>> {
  const unused = MAP_NAMES.filter((name) => !RESPONDER_MAPS.includes(name));
  return Object.fromEntries(unused.map((name) => [name, { maxEntries: 1 }]));
}

export type FastpathMaps = Readonly<Record<MapName, BpfMap>>;

/** A pinned map is not laid out as this build's programs have it. */
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
