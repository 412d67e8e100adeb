/** Gateways as the kernel has them: which network nodes are up, and the share of flows that each gets. */
import { getAddress } from '../../ebpf/bytes.js';
import { Family } from '../../ebpf/generated/layouts.js';
import { Maglev } from '../../ebpf/generated/steering.js';
import { MAGLEV_SLOTS, maglevTable } from '../../gateway/maglev.js';
import { fixedSlotOf } from '../../gateway/routes.js';
import { externalZone } from '../../gateway/view.js';
import { readFacts } from '../../agent/facts.js';
import type { IntentView } from '../../plan/view.js';
import { linkState } from './format.js';
import { prefixAddress } from 'netlink-ts/inet';
import { underlayRouteTo } from '../../host/underlay-route.js';
import type { GatewayMaps } from '../../gateway/gateway-maps.js';
import type { External, Gateway } from '../../intent/types.js';
import { viewOf } from '../../app/planning.js';
import type { ShowContext } from './context.js';

/** `down`: the underlay has no way there; `draining`: it keeps the flows that it has, and gets no new ones. */
export type NetworkNodeState = 'up' | 'draining' | 'down';

export interface GatewayNode {
  node: string;
  /** It is the node that is asked. */
  self: boolean;
  state: NetworkNodeState;
  locator: string;
  /** Outer source of what it sends. */
  source: string;
  /** Of new flows, 0 to 1: its part of the Maglev table; null where there is none (kernel mode). */
  share: number | null;
  /** The same with those that drain: where flows are looked for whose node has changed. */
  drainingShare: number | null;
}

export interface GatewayExternal {
  external: string;
  prefix: string;
  interface: string;
  /** Of the interface on this node; null where this node is none of the gateway's. */
  state: 'up' | 'down' | 'no-carrier' | 'missing' | null;
  /** The network node that has it; null: none can. */
  active: string | null;
}

export interface GatewayState {
  gateway: string;
  tenants: string[];
  nodes: GatewayNode[];
  externals: GatewayExternal[];
}

/** A gateway's table as it is in force: number of a network node in each slot. */
interface Table {
  active: readonly number[];
  all: readonly number[];
}

const NO_TABLE: Table = { active: [], all: [] };

function readTable(maps: GatewayMaps, number: number): Table {
  const key = Buffer.alloc(4);
  key.writeUInt32LE(number);
  const bytes = maps.sg_maglev.lookup(key);
  return bytes === undefined ? NO_TABLE : Maglev.decode(bytes, 0);
}

/** Network nodes in the maps: number by outer source. */
function numbersBySource({ sg_nn_src: sources }: GatewayMaps): Map<string, number> {
  return new Map(
    [...sources.entries()].map(([key, value]) => [getAddress(key, 0, Family.FAMILY_INET6), value.readUInt32LE(0)]),
  );
}

function isUp({ sg_nn_state: nodes }: GatewayMaps, number: number): boolean {
  const key = Buffer.alloc(4);
  key.writeUInt32LE(number);
  return nodes.lookup(key)?.readUInt32LE(0) === 1;
}

/** What is known here of network nodes. */
interface Knowledge {
  context: ShowContext;
  view: IntentView;
  /** undefined where there is none: the kernel forwards alone, or nothing was applied yet. */
  maps: GatewayMaps | undefined;
  /** By outer source; empty without maps. */
  numbers: ReadonlyMap<string, number>;
}

/** Gateways of the intent as far as this node has to do with them, with what is in force here. */
export function gatewayStates(context: ShowContext): GatewayState[] {
  const { config, kernel, intent } = context;
  if (intent?.gateways === undefined) return [];
  const view = viewOf(config, readFacts(kernel, config, intent), intent);
  const { maps } = kernel.fastpath.gateways;
  const numbers = maps === undefined ? new Map<string, number>() : numbersBySource(maps);
  // Maps of a fast path that knows of no gateway say nothing of them.
  const known: Knowledge = { context, view, maps: numbers.size === 0 ? undefined : maps, numbers };
  return [...view.steering.gateways.values()]
    .sort((a, b) => a.name.localeCompare(b.name))
    .map((gateway) => gatewayState(known, gateway));
}

function gatewayState(known: Knowledge, { name, nodes, tenants }: Gateway): GatewayState {
  const { view, maps } = known;
  const index = view.steering.gatewayNumbers.get(name);
  const table = maps === undefined || index === undefined ? undefined : readTable(maps, index);
  const states = nodes.map((node) => nodeState(known, node, table));
  const externals = [...view.steering.externals.values()].filter(({ gateway }) => gateway === name);
  return {
    gateway: name,
    tenants,
    nodes: states,
    externals: externals.flatMap((external) => externalStates(known, external, states, table)),
  };
}

function nodeState({ context, view, maps, numbers }: Knowledge, name: string, table: Table | undefined): GatewayNode {
  const { config, kernel } = context;
  const { locator, source, drain } = view.node(name);
  const self = name === config.node;
  const number = numbers.get(source);
  const share = (slots: readonly number[] | undefined): number | null =>
    slots === undefined ? null : slots.filter((slot) => slot === number).length / MAGLEV_SLOTS;
  const up =
    maps !== undefined && number !== undefined
      ? isUp(maps, number)
      : self || underlayRouteTo(kernel, prefixAddress(locator), view.self.source).device !== undefined;
  const state = !up ? 'down' : drain === true ? 'draining' : 'up';
  return { node: name, self, state, locator, source, share: share(table?.active), drainingShare: share(table?.all) };
}

function externalStates(
  { context, view, numbers }: Knowledge,
  { name, prefixes, interface: device }: External,
  nodes: readonly GatewayNode[],
  table: Table | undefined,
): GatewayExternal[] {
  const link = context.kernel.links.get(device);
  const slot = fixedSlotOf([externalZone(name)]);
  const number = table?.active[slot];
  const planned = maglevTable(nodes.filter(({ state }) => state === 'up').map(({ node }) => node))[slot];
  const inForce = nodes.find(({ node }) => numbers.get(view.node(node).source) === number)?.node;
  return prefixes.map((prefix) => ({
    external: name,
    prefix,
    interface: device,
    state: !nodes.some(({ self }) => self) ? null : link === undefined ? 'missing' : linkState(link),
    active: (table === undefined ? planned : inForce) ?? null,
  }));
}

/** Names of network nodes by their numbers in the maps; of one that is not in the intent, the number in words. */
export function gatewayNodeNames({ kernel, intent }: ShowContext): (number: number) => string {
  const { maps } = kernel.fastpath.gateways;
  const sources = new Map(intent?.nodes.map(({ name, source }) => [source, name]));
  const named = new Map<number, string>();
  for (const [source, number] of maps === undefined ? [] : numbersBySource(maps)) {
    named.set(number, sources.get(source) ?? source);
  }
  return (number) => named.get(number) ?? `network node ${number}`;
}
