/** Network nodes: the node as one of them, the other ones, and their shares of flows. */
import { SWEEP_ONLY } from '../reconcile/follows.js';
import { getAddress, putAddress } from '../ebpf/bytes.js';
import { GatewayEncapKey, Maglev } from '../ebpf/generated/steering.js';
import { Family, Limits } from '../ebpf/generated/layouts.js';
import { Resolver } from '../ebpf/resolve.js';
import { prefixAddress } from 'netlink-ts/inet';
import { MAGLEV_SLOTS, maglevTable } from './maglev.js';
import { FLOW_NODES } from './flow-affinity.js';
import { gatewayEntryResource } from './gateway-entry-resource.js';
import type { ObservedObject, Resource, ObjectChange, ObjectFailure } from '../reconcile/resource.js';
import type { NetworkNodeWay, GatewayFlows, GatewayMaglev, GatewayNode, OwnNetworkNode } from './objects.js';

const { NO_NETWORK_NODE } = Limits;

function u32(number: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(number);
  return bytes;
}

/** Applies changes one by one. */
function each<V>(changes: readonly ObjectChange<V>[], run: (change: ObjectChange<V>) => void): ObjectFailure[] {
  const failures: ObjectFailure[] = [];
  for (const change of changes) {
    try {
      run(change);
    } catch (error) {
      failures.push({ key: change.key, error: error as Error });
    }
  }
  return failures;
}

/** The gateway maps, on hypervisors and network nodes. Made first and removed last, together with all their entries. */
export const gwFlowsResource: Resource<'gw-flows'> = {
  name: 'gw-flows',
  after: ['bpf-domain-source'],
  follows: SWEEP_ONLY,
  list(kernel) {
    const found: [string, GatewayFlows][] =
      kernel.fastpath.gateways.maps === undefined ? [] : [['flows', { flows: FLOW_NODES }]];
    return new Map(found);
  },
  apply: (kernel, changes) =>
    each(changes, ({ desired }) => {
      if (desired === undefined) kernel.fastpath.removeGateways();
      else kernel.fastpath.gateways.make();
    }),
  describe: (_key, { flows }) => `gateway flows ${flows}`,
};

/** The network node's own entry. Made first and removed last, together with all maps of the network node. */
export const nnNodeResource: Resource<'nn-node'> = {
  name: 'nn-node',
  after: ['bpf-sid'],
  follows: SWEEP_ONLY,
  list(kernel) {
    const { state, maps } = kernel.fastpath.steering;
    if (state === undefined) return new Map<string, OwnNetworkNode>(maps === undefined ? [] : [['node', { self: -1 }]]);
    const { self } = state;
    return new Map<string, OwnNetworkNode>([['node', self === NO_NETWORK_NODE ? {} : { self }]]);
  },
  apply: (kernel, changes) =>
    each(changes, ({ desired }) => {
      if (desired === undefined) kernel.fastpath.steering.remove();
      else kernel.fastpath.steering.change({ self: desired.self ?? NO_NETWORK_NODE });
    }),
  describe: (_key, { self }) => `gateway node ${self ?? 'none'}`,
};

/**
 * Whether a network node is reachable: it is this node, or the underlay has next hops. Queries the kernel rather than the map, so that changes of
 * both are applied together.
 */
function isUp(resolver: Resolver, { underlay, from }: NetworkNodeWay): boolean {
  if (underlay === undefined) return true;
  const destination = prefixAddress(underlay);
  return resolver.resolve({ destination, source: from }).hops.length > 0;
}

/** Network nodes by their outer source, with their state. */
export const gwNodeResource: Resource<'gw-node'> = {
  name: 'gw-node',
  underlay: 'follows',
  after: ['gw-maglev'],
  before: ['bpf-port'],
  follows: SWEEP_ONLY,
  containedIn: 'gw-flows',

  list(kernel, wanted) {
    const found = new Map<string, ObservedObject<GatewayNode>>();
    const { maps } = kernel.fastpath.gateways;
    if (maps === undefined) return found;
    const resolver = new Resolver(kernel);
    const names = new Map([...wanted].map(([name, { source }]) => [source, name]));
    for (const [key, value] of maps.sg_nn_src.entries()) {
      const source = getAddress(key, 0, Family.FAMILY_INET6);
      const number = value.readUInt32LE(0);
      const name = names.get(source);
      const desired = name === undefined ? undefined : wanted.get(name);
      const up = maps.sg_nn_state.lookup(u32(number))?.readUInt32LE(0) === 1;
      const isOld = desired === undefined || up !== isUp(resolver, desired);
      found.set(name ?? `source ${source}`, {
        ...(desired ?? { from: '' }),
        ...{ number, source },
        ...(isOld && { drift: up ? 'up' : 'down' }),
      });
    }
    return found;
  },

  apply(kernel, changes) {
    const resolver = new Resolver(kernel);
    const failures = each(changes, ({ desired, actual }) => {
      const { sg_nn_state: nodes, sg_nn_src: sources } = kernel.fastpath.gateways.make();
      const state = Buffer.alloc(nodes.valueSize);
      const source = Buffer.alloc(16);
      if (actual !== undefined && (desired?.number !== actual.number || desired.source !== actual.source)) {
        nodes.update(u32(actual.number), state);
        putAddress(actual.source, source, 0);
        sources.delete(source);
      }
      if (desired === undefined) return;
      state.writeUInt32LE(isUp(resolver, desired) ? 1 : 0);
      nodes.update(u32(desired.number), state);
      source.fill(0);
      putAddress(desired.source, source, 0);
      sources.update(source, u32(desired.number));
    });
    // Cached flows would keep using their former node.
    kernel.fastpath.invalidateFlowCache();
    return failures;
  },

  describe: (key, { number, source }) => `gateway network-node ${key} number ${number} source ${source}`,
};

/** The Maglev tables for the present state of the nodes. */
function tableOf(resolver: Resolver, { active, all, nodes }: GatewayMaglev): Buffer {
  const isNodeUp = (name: string): boolean => {
    const node = nodes[name];
    return node !== undefined && isUp(resolver, node);
  };
  const slots = (names: readonly string[]): number[] => {
    const table = maglevTable(names.filter(isNodeUp));
    return Array.from({ length: MAGLEV_SLOTS }, (_, slot) => nodes[table[slot] ?? '']?.number ?? NO_NETWORK_NODE);
  };
  const bytes = Buffer.alloc(Maglev.SIZE);
  const up = slots(all);
  // If all reachable nodes drain, they still take new flows.
  const fresh = slots(active);
  Maglev.encode(bytes, 0, { active: fresh[0] === NO_NETWORK_NODE ? up : fresh, all: up, unused: [0, 0] });
  return bytes;
}

/** The Maglev tables of gateways. */
export const gwMaglevResource: Resource<'gw-maglev'> = {
  name: 'gw-maglev',
  underlay: 'follows',
  // New flows must leave a failed network node before its existing flows do.
  after: ['gw-encap'],
  follows: SWEEP_ONLY,
  containedIn: 'gw-flows',

  list(kernel, wanted) {
    const { maps } = kernel.fastpath.gateways;
    const found = new Map<string, ObservedObject<GatewayMaglev>>();
    if (maps === undefined) return found;
    const resolver = new Resolver(kernel);
    for (const [name, desired] of wanted) {
      const same = maps.sg_maglev.lookup(u32(desired.number))?.equals(tableOf(resolver, desired)) === true;
      found.set(name, same ? desired : { ...desired, drift: 'table' });
    }
    return found;
  },

  apply(kernel, changes) {
    const resolver = new Resolver(kernel);
    return each(changes, ({ desired, actual }) => {
      const { sg_maglev } = kernel.fastpath.gateways.make();
      if (desired !== undefined) sg_maglev.update(u32(desired.number), tableOf(resolver, desired));
      else if (actual !== undefined) sg_maglev.update(u32(actual.number), Buffer.alloc(Maglev.SIZE, 0xff));
    });
  },

  describe: (key, { active, all }) => `gateway ${key} nodes ${all.join(',')} active ${active.join(',')}`,
};

/** The encapsulations to network nodes, by tenant. */
export const gwEncapResource = gatewayEntryResource<'gw-encap'>({
  name: 'gw-encap',
  after: ['gw-flows'],
  follows: SWEEP_ONLY,
  containedIn: 'gw-flows',
  map: ({ sg_gw_encaps: map }) => map,
  read(kernel, key, value) {
    const { tenant, node } = GatewayEncapKey.decode(key, 0);
    const id = value.readUInt32LE(0);
    return [`${tenant} ${node}`, { tenant, node, encap: kernel.fastpath.encapIds.keyOf(id) ?? `id ${id}` }];
  },
  writeKey(_kernel, _key, { tenant, node }) {
    const bytes = Buffer.alloc(GatewayEncapKey.SIZE);
    GatewayEncapKey.encode(bytes, 0, { tenant, node });
    return bytes;
  },
  writeValue(kernel, { encap }) {
    const id = kernel.fastpath.encapIds.get(encap);
    if (id === undefined) throw new Error(`the encapsulation to ${encap} does not exist`);
    return u32(id);
  },
  describe: (_key, { tenant, node, encap }) => `gateway network-node ${node} tenant ${tenant} encap ${encap}`,
});
