/** Counters and fill levels in the kernel, which outlive agents and end with their objects. */
import { readGuardCounters } from '../../observe/inspect/guard-counters.js';
import { reasonCounts } from '../../ebpf/counters.js';
import { MAP_NAMES } from '../../ebpf/maps.js';
import { countFlowAffinities, FLOW_NODES } from '../../gateway/flow-affinity.js';
import { pairCounts, placesOf } from '../../gateway/connection-table.js';
import { GATEWAY_MAP_NAMES } from '../../gateway/gateway-maps.js';
import { STEERING_MAP_NAMES } from '../../gateway/steering-maps.js';
import { gatewayStates } from '../../gateway/states.js';
import { policyHits } from '../../gateway/policy-records.js';
import { countPorts, unresolvedLocators } from '../status.js';
import { Family } from './exposition.js';
import type { Hits } from '../../gateway/policy-records.js';
import type { ShowContext } from '../../observe/inspect/context.js';
import type { BpfMap } from 'libbpf-ts';

/** Policies with their own series; the rest is added up. */
const MAX_POLICIES = 1000;
/** Network nodes of gateways with their own series, two each. */
const MAX_GATEWAY_NODES = 512;
/** No name of an intent begins with this. */
const OTHER = '_other';
/** Lifetime of a map's number of entries in milliseconds: counting reads all entries. */
const FILL_MS = 15_000;

export function fastpathMetrics({ kernel, config }: ShowContext): Family[] {
  const { maps } = kernel.fastpath;
  const packets = new Family('fastpath_packets_total', 'counter', 'Packets by verdict and reason.');
  if (maps === undefined) return [packets];
  for (const { verdict, slug, packets: count } of reasonCounts(maps, config.dataplane === 'ebpf')) {
    packets.add({ verdict, reason: slug }, count);
  }
  return [packets];
}

export async function guardMetrics({ kernel }: ShowContext): Promise<Family[]> {
  const packets = new Family('guard_dropped_packets_total', 'counter', 'Packets that edge and guard dropped.');
  const bytes = new Family('guard_dropped_bytes_total', 'counter', 'Bytes that edge and guard dropped.');
  for (const { table, reason, packets: count, bytes: size } of await readGuardCounters(kernel)) {
    packets.add({ table, reason }, count);
    bytes.add({ table, reason }, size);
  }
  return [packets, bytes];
}

interface Fill {
  map: string;
  entries: number;
  size: number;
}

/** Fill levels of an agent's maps. */
export class MapFills {
  #fills: Fill[] = [];
  #readAt = -Infinity;

  metrics(context: ShowContext): Family[] {
    if (performance.now() - this.#readAt > FILL_MS) {
      this.#fills = readFills(context);
      this.#readAt = performance.now();
    }
    const entries = new Family('map_entries', 'gauge', 'Entries of an eBPF map.');
    const size = new Family('map_max_entries', 'gauge', 'Capacity of an eBPF map, in entries.');
    for (const fill of this.#fills) {
      entries.add({ map: fill.map }, fill.entries);
      size.add({ map: fill.map }, fill.size);
    }
    return [entries, size];
  }
}

function readFills({ kernel: { fastpath } }: ShowContext): Fill[] {
  const { maps, gateways, steering } = fastpath;
  if (maps === undefined) return [];
  const used = fastpath.responderAlone ? (['sg_ports'] as const) : MAP_NAMES;
  const { maps: gatewayMaps } = gateways;
  const { maps: steeringMaps } = steering;
  return [
    ...used.flatMap((name) => fillOf(name, maps[name])),
    ...(gatewayMaps === undefined ? [] : GATEWAY_MAP_NAMES.flatMap((name) => fillOf(name, gatewayMaps[name]))),
    ...(steeringMaps === undefined ? [] : STEERING_MAP_NAMES.flatMap((name) => fillOf(name, steeringMaps[name]))),
  ];
}

/** Arrays are always full, and LRU caches become full. */
function fillOf(name: string, map: BpfMap): Fill[] {
  const { type, maxEntries } = map.info;
  if (type.includes('array') || type.includes('lru') || type === 'ringbuf') return [];
  let entries = 0;
  for (const { count } of map.readBatches()) entries += count;
  return [{ map: name, entries, size: maxEntries }];
}

export function nodeMetrics(context: ShowContext): Family[] {
  const ports = new Family('ports', 'gauge', 'Ports of the intent and the kernel, by state.');
  for (const [state, count] of Object.entries(countPorts(context))) ports.add({ state }, count);
  const locators = new Family(
    'underlay_locators',
    'gauge',
    'Locators of other nodes, by whether the fast path knows a next hop.',
  );
  const { resolved, unresolved } = unresolvedLocators(context);
  locators.add({ state: 'resolved' }, resolved).add({ state: 'unresolved' }, unresolved.length);
  return [ports, locators];
}

export function gatewayMetrics(context: ShowContext): Family[] {
  const up = new Family('gateway_node_up', 'gauge', 'The underlay has a route to a network node.');
  const share = new Family('gateway_share', 'gauge', 'Share of new flows that a network node gets.');
  const all = gatewayStates(context).flatMap(({ gateway, nodes }) => nodes.map((one) => ({ gateway, ...one })));
  for (const { gateway, node, state, share: part } of all.slice(0, MAX_GATEWAY_NODES)) {
    up.add({ gateway, node }, Number(state !== 'down'));
    if (part !== null) share.add({ gateway, node }, part);
  }
  const omitted = new Family(
    'gateway_nodes_omitted',
    'gauge',
    'Network nodes of gateways beyond the limit, which have no series.',
  );
  omitted.add({}, Math.max(0, all.length - MAX_GATEWAY_NODES));
  const { gateways, steering } = context.kernel.fastpath;
  const affinity: Family[] = [];
  if (gateways.maps !== undefined) {
    affinity.push(
      new Family('flow_affinities', 'gauge', 'Flows whose network node this node remembers.').add(
        {},
        countFlowAffinities(gateways.maps),
      ),
      new Family('flow_affinity_table_size', 'gauge', 'Most flows whose network node this node can remember.').add(
        {},
        FLOW_NODES,
      ),
    );
  }
  const { maps } = steering;
  if (maps === undefined) return [up, share, omitted, ...affinity];
  const held = pairCounts(maps.sg_ct_pairs).reduce((sum, one) => sum + one.halfOpen + one.established, 0);
  return [
    up,
    share,
    omitted,
    ...affinity,
    new Family('connections', 'gauge', 'Connections that a network node tracks.').add({}, held),
    new Family('connection_table_size', 'gauge', 'Most connections that a network node can track.').add(
      {},
      placesOf(maps.sg_ct),
    ),
    ...policyMetrics(policyHits(context.kernel)),
  ];
}

export function policyMetrics(hits: ReadonlyMap<string, Hits>): Family[] {
  const fields = ['connections', 'packets', 'bytes'] as const;
  const families = fields.map(
    (field) => new Family(`policy_${field}_total`, 'counter', `Decided by a policy: ${field}.`),
  );
  const sorted = [...hits].sort(([a], [b]) => (a < b ? -1 : 1));
  const shown: [string, Hits][] = sorted.slice(0, MAX_POLICIES);
  const rest = sorted.slice(MAX_POLICIES).map(([, one]) => one);
  const sum = (field: keyof Hits): number => rest.reduce((total, one) => total + one[field], 0);
  if (rest.length > 0)
    shown.push([OTHER, { connections: sum('connections'), packets: sum('packets'), bytes: sum('bytes') }]);
  for (const [policy, one] of shown) {
    fields.forEach((field, index) => families[index]?.add({ policy }, one[field]));
  }
  return families;
}
