/** Gateways in the doctor, and their interfaces and maps in `show fastpath`. */
import { fillOf } from '../ebpf/map-fill.js';
import { pairCounts, placesOf } from './connection-table.js';
import { checkGateways } from './doctor.js';
import { countFlowAffinities, FLOW_NODES } from './flow-affinity.js';
import { GATEWAY_MAP_NAMES } from './gateway-maps.js';
import { STEERING_MAP_NAMES } from './steering-maps.js';
import { ZoneNames } from './zone-names.js';
import type { DeviceRole, MapFill, Observation, ObservedNode } from '../reconcile/observation.js';
import type { SteeringStore } from './steering-maps.js';

/** Interfaces of the external networks that this node serves. */
function devices({ config, intent }: ObservedNode): { name: string; role: DeviceRole }[] {
  const own = intent?.gateways?.filter(({ nodes }) => nodes.includes(config.node)).map(({ name }) => name) ?? [];
  const served = intent?.externals?.filter(({ gateway }) => own.includes(gateway)) ?? [];
  const names = new Set(served.map((external) => external.interface));
  return [...names].sort().map((name) => ({ name, role: 'external' }));
}

/** The maps of gateways; on a network node also its own ones, and the connections of each pair of zones. */
function mapFills({ kernel, intent }: ObservedNode): MapFill[] {
  const { gateways, steering } = kernel.fastpath;
  const { maps: known } = gateways;
  const { maps: own } = steering;
  return [
    ...(known === undefined ? [] : GATEWAY_MAP_NAMES.flatMap((name) => fillOf(name, known[name]))),
    ...(known === undefined ? [] : [{ map: 'sg_gw_affinity', entries: countFlowAffinities(known), size: FLOW_NODES }]),
    ...(own === undefined ? [] : STEERING_MAP_NAMES.flatMap((name) => fillOf(name, own[name]))),
    ...connectionFills(steering, new ZoneNames(kernel, intent)),
  ];
}

/** The table of connections, and each pair's part of it. An expired connection counts until a program sweeps its bucket. */
function connectionFills({ maps }: SteeringStore, zones: ZoneNames): MapFill[] {
  if (maps === undefined) return [];
  const counts = pairCounts(maps.sg_ct_pairs);
  const size = placesOf(maps.sg_ct);
  const fills = counts.map(({ from, to, halfOpen, established }) => ({
    map: `connections ${zones.of(from)} ${zones.of(to)}`,
    entries: halfOpen + established,
    size,
  }));
  const entries = fills.reduce((total, fill) => total + fill.entries, 0);
  return [{ map: 'connections', entries, size }, ...fills.sort((a, b) => a.map.localeCompare(b.map))];
}

export const gatewayObservation = {
  group: 'gateway',
  check: (node) => Promise.resolve(checkGateways(node)),
  devices,
  mapFills,
} satisfies Observation;
