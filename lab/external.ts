/** External networks: each is a namespace that is both router and host, with a link to each node of the gateway. */
import { externalNode } from '../src/gateway/routes.js';
import { familyOf, prefixContains } from 'netlink-ts/inet';
import { createAddress, createRoute, replaceRoute } from 'netlink-ts';
import { bringUp, link, loopback, RT_TABLE_MAIN, withSocket } from './devices.js';
import { find, netnsOf } from './topology.js';
import { takeFrames } from './underlay.js';
import type { LabExternal, Topology } from './topology.js';

/** Builds an external network. Packets back to tenants use the node from which theirs arrive. */
export async function addExternal(topology: Topology, external: LabExternal): Promise<void> {
  const netns = netnsOf(topology, external.name);
  withSocket(netns, (socket) => {
    bringUp(socket, 'lo');
    for (const address of external.addresses) {
      socket.request(
        createAddress({ ifindex: loopback(socket), address, length: familyOf(address) === 4 ? 32 : 128, nodad: true }),
      );
    }
  });
  const { nodes } = gatewayOf(topology, external);
  for (const name of nodes) {
    link(netns, name, netnsOf(topology, name), external.interface, {});
    await takeFrames(netns, name);
    const addresses = linkAddresses(topology, external, name);
    withSocket(netns, (socket) => {
      const ifindex = bringUp(socket, name);
      for (const { beyond: address, length } of addresses) {
        socket.request(createAddress({ ifindex, address, length, nodad: true }));
      }
    });
    withSocket(netnsOf(topology, name), (socket) => {
      const ifindex = bringUp(socket, external.interface);
      for (const { node: address, beyond: gateway, length } of addresses) {
        socket.request(createAddress({ ifindex, address, length, nodad: true }));
        for (const prefix of external.prefixes.filter((one) => familyOf(one) === familyOf(gateway))) {
          socket.request(createRoute({ table: RT_TABLE_MAIN, prefix, gateway, oif: ifindex }));
        }
      }
    });
  }
  routeBack(topology, external, activeNode(topology, external));
}

/** The node that serves an external network. */
export function activeNode(topology: Topology, external: LabExternal): string {
  const { nodes } = gatewayOf(topology, external);
  const names = new Map(nodes.map((name) => [netnsOf(topology, name), name]));
  return names.get(externalNode([...names.keys()], external.name)) ?? '';
}

/** Adds the external network's routes to tenants that have policies with it, through one of the gateway's nodes. */
export function routeBack(topology: Topology, external: LabExternal, node: string): void {
  const addresses = linkAddresses(topology, external, node);
  withSocket(netnsOf(topology, external.name), (socket) => {
    const oif = bringUp(socket, node);
    for (const prefix of tenantPrefixes(topology, external)) {
      const family = familyOf(prefix);
      const gateway = addresses.find((one) => familyOf(one.node) === family)?.node;
      if (gateway === undefined) continue;
      const prefSrc = external.addresses.find((one) => familyOf(one) === family);
      socket.request(replaceRoute({ table: RT_TABLE_MAIN, prefix, gateway, oif, ...(prefSrc && { prefSrc }) }));
    }
  });
}

function tenantPrefixes({ policies = [], tenants, vms }: Topology, { name }: LabExternal): string[] {
  const talking = policies.flatMap(({ action, from, to }) => {
    const ends = [from, to];
    if (action !== 'allow' || !ends.some((end) => 'external' in end && end.external === name)) return [];
    return ends.flatMap((end) => ('tenant' in end ? [end.tenant] : []));
  });
  const subnets = tenants.filter((tenant) => talking.includes(tenant.name)).flatMap((tenant) => tenant.subnets);
  const behind = vms.filter((vm) => talking.includes(vm.tenant)).flatMap(({ prefixes = [] }) => prefixes);
  const all = [...subnets.map(({ prefix }) => prefix), ...behind];
  return all.filter((one) => !all.some((other) => other !== one && prefixContains(other, one.split('/')[0] ?? '')));
}

function gatewayOf({ gateways = [] }: Topology, external: LabExternal): { nodes: readonly string[] } {
  return find(gateways, external.gateway);
}

/** IPv4 and IPv6 addresses of the link between a node and an external network. */
export function linkAddresses(
  topology: Topology,
  external: LabExternal,
  node: string,
): { node: string; beyond: string; length: number }[] {
  const which = topology.externals?.indexOf(external) ?? 0;
  const index = topology.nodes.findIndex(({ name }) => name === node);
  const inet = (last: number): string => `198.18.${which}.${4 * index + last}`;
  const inet6 = `fd00:fffe:${which}:${(index + 1).toString(16)}`;
  return [
    { node: inet(2), beyond: inet(1), length: 30 },
    { node: `${inet6}::2`, beyond: `${inet6}::1`, length: 64 },
  ];
}
