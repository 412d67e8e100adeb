/**
 * The underlay: a star of nodes around the router. With network nodes, each node has a route to each locator, like from a routing protocol, so that
 * a single node can lose its route to another, or all nodes that to a dead one.
 */
import { createAddress, createRoute, deleteRoute, replaceAddress, replaceRoute, setLink } from 'netlink-ts';
import { bringUp, link, RT_TABLE_MAIN, sendTagsInFrames, set, withSocket } from './devices.js';
import { outputOf } from './process.js';
import { DEFAULT_UNDERLAY_MTU, endSid, find, netnsOf, ROUTER, underlayAddresses, UPLINK } from './topology.js';
import type { LabNode, Topology } from './topology.js';

/** All addresses of underlayAddresses. */
const UNDERLAY = 'fd00:ffff::/32';

/** Adds a node's link to the router, with addresses and routes at both ends. */
export async function addNode(topology: Topology, node: LabNode): Promise<void> {
  const netns = netnsOf(topology, node.name);
  const { node: nodeAddress, router: routerAddress, length } = underlayAddresses(topology, node.name);
  link(netnsOf(topology, ROUTER), node.name, netns, UPLINK, { mtu: topology.underlayMtu ?? DEFAULT_UNDERLAY_MTU });
  sendTagsInFrames(netnsOf(topology, ROUTER), node.name);
  withSocket(netns, (socket) => {
    // Only on the uplink: tests check duplicate address detection on ports.
    set(netns, [[`net/ipv6/conf/${UPLINK}/accept_dad`, '0']]);
    bringUp(socket, 'lo');
    const ifindex = bringUp(socket, UPLINK);
    socket.request(createAddress({ ifindex, address: nodeAddress, length, nodad: true }));
    for (const prefix of hasGateways(topology) ? [UNDERLAY, ...locatorsBut(topology, node.name)] : ['::/0']) {
      socket.request(createRoute({ table: RT_TABLE_MAIN, prefix, gateway: routerAddress, oif: ifindex }));
    }
    if (node.role === 'transit') {
      set(netns, [['net/ipv6/conf/all/forwarding', '1']]);
      const prefix = `${endSid(node)}/128`;
      const encap = { type: 'seg6local', action: 'End' } as const;
      socket.request(createRoute({ table: RT_TABLE_MAIN, prefix, encap, oif: ifindex }));
    }
  });
  connect(topology, node);
  if (hasGateways(topology)) await takeFrames(netnsOf(topology, ROUTER), node.name);
}

/** A veth drops frames that XDP redirects to it unless its peer uses NAPI (veth_xdp_xmit), like every NIC: enabling GRO does that. */
export async function takeFrames(netns: string, device: string): Promise<void> {
  await outputOf(netns, ['ethtool', '-K', device, 'gro', 'on']);
}

/** Removes a node's route to another's locator, like a routing protocol that withdraws it only there. */
export function withdraw(topology: Topology, locatorOf: string, at: string): void {
  const prefix = find(topology.nodes, locatorOf).locator;
  withSocket(netnsOf(topology, at), (socket) => {
    socket.request(deleteRoute({ table: RT_TABLE_MAIN, prefix }));
  });
}

/** Restores that route. */
export function announce(topology: Topology, locatorOf: string, at: string): void {
  const prefix = find(topology.nodes, locatorOf).locator;
  const gateway = underlayAddresses(topology, at).router;
  withSocket(netnsOf(topology, at), (socket) => {
    socket.request(replaceRoute({ table: RT_TABLE_MAIN, prefix, gateway, oif: bringUp(socket, UPLINK) }));
  });
}

/** Cuts off a node: its link loses the carrier, and routing withdraws its locator on all other nodes. */
export function cutOff(topology: Topology, node: string): void {
  withSocket(netnsOf(topology, ROUTER), (socket) => {
    socket.request(setLink(node, { up: false }));
  });
  for (const { name } of topology.nodes) if (name !== node) withdraw(topology, node, name);
}

/** Reverts cutOff. */
export function connectAgain(topology: Topology, node: string): void {
  connect(topology, find(topology.nodes, node));
  for (const { name } of topology.nodes) if (name !== node) announce(topology, node, name);
}

/** Configures the router's end of a node's link, with the route to the node. */
function connect(topology: Topology, node: LabNode): void {
  const { node: gateway, router: address, length } = underlayAddresses(topology, node.name);
  withSocket(netnsOf(topology, ROUTER), (socket) => {
    const ifindex = bringUp(socket, node.name);
    socket.request(replaceAddress({ ifindex, address, length, nodad: true }));
    socket.request(replaceRoute({ table: RT_TABLE_MAIN, prefix: node.locator, gateway, oif: ifindex }));
  });
}

function hasGateways({ gateways = [] }: Topology): boolean {
  return gateways.length > 0;
}

function locatorsBut(topology: Topology, node: string): string[] {
  return topology.nodes.filter(({ name }) => name !== node).map(({ locator }) => locator);
}
