/** The state of gateways in the kernel: which network nodes are up, and the share of flows that each gets. */
import { getAddress } from '../ebpf/bytes.js';
import { Family } from '../ebpf/generated/layouts.js';
import { Maglev } from '../ebpf/generated/steering.js';
import { MAGLEV_SLOTS, maglevTable } from './maglev.js';
import { fixedSlotOf } from './routes.js';
import { externalZone } from './view.js';
import type { IntentView } from '../plan/view.js';
import { linkState } from '../kernel/links.js';
import { prefixAddress } from 'netlink-ts/inet';
import { underlayRouteTo } from '../host/underlay-route.js';
import type { GatewayMaps } from './gateway-maps.js';
import type { ObservedNode } from '../reconcile/observation.js';
import type { External, Gateway } from './types.js';

/** `down`: the underlay has no next hops to it; `draining`: it keeps its flows and gets no new ones. */
export type NetworkNodeState = 'up' | 'draining' | 'down';

export interface GatewayNode {
  node: string;
  /** This node itself. */
  self: boolean;
  state: NetworkNodeState;
  locator: string;
  /** Outer source address of the packets that it sends. */
  source: string;
  /** Share of new flows, 0 to 1: its part of the Maglev table; null without such a table (kernel mode). */
  share: number | null;
  /** The same share in the table that includes draining nodes, by which the former node of a flow is found. */
  drainingShare: number | null;
}

export interface GatewayExternal {
  external: string;
  prefix: string;
  interface: string;
  /** State of the interface on this node; null where this node is no network node of the gateway. */
  state: 'up' | 'down' | 'no-carrier' | 'missing' | null;
  /** The network node that serves the external network; null: no node can. */
  active: string | null;
}

export interface GatewayState {
  gateway: string;
  tenants: string[];
  nodes: GatewayNode[];
  externals: GatewayExternal[];
}

/** A gateway's table in force: the number of a network node in each slot. */
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

/** This node's information about network nodes. */
interface Knowledge {
  context: ObservedNode;
  view: IntentView;
  /** Undefined without a fast path (the kernel forwards alone), or before the first apply. */
  maps: GatewayMaps | undefined;
  /** By outer source; empty without maps. */
  numbers: ReadonlyMap<string, number>;
}

/** Why there are no gateways to show; undefined if there are some, or if the intent, which is needed to tell, is missing. */
export function whyNoGateways({ kernel, intent }: ObservedNode): string | undefined {
  const { steering, gateways } = kernel.fastpath;
  if (intent === undefined || steering.maps !== undefined || gateways.maps !== undefined) return undefined;
  if (intent.gateways !== undefined && intent.gateways.length > 0) return undefined;
  return 'no gateways on this node: it is not a network node, and no tenant with a port here has a gateway';
}

/** The gateways of the node's part of the intent, with their state in the kernel. */
export function gatewayStates(context: ObservedNode): GatewayState[] {
  const { kernel, intent } = context;
  const view = intent?.gateways === undefined ? undefined : context.view();
  if (view === undefined) return [];
  const { maps } = kernel.fastpath.gateways;
  const numbers = maps === undefined ? new Map<string, number>() : numbersBySource(maps);
  // Without a network node, the maps contain nothing about gateways.
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

/** Names of network nodes by number. A node that is not in the intent is named by its outer source; an unknown number by itself. */
export function gatewayNodeNames({
  kernel,
  intent,
}: Pick<ObservedNode, 'kernel' | 'intent'>): (number: number) => string {
  const { maps } = kernel.fastpath.gateways;
  const sources = new Map(intent?.nodes.map(({ name, source }) => [source, name]));
  const named = new Map<number, string>();
  for (const [source, number] of maps === undefined ? [] : numbersBySource(maps)) {
    named.set(number, sources.get(source) ?? source);
  }
  return (number) => named.get(number) ?? `network node ${number}`;
}
