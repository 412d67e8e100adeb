/** Builds namespaces, links, addresses and underlay routes of a topology. The overlay is left to segue. */
import { OUTER_HEADER_BYTES } from '../src/encap/mtu.js';
import { createAddress, createNetns, createRoute, deleteLink, setLink } from 'netlink-ts';
import { familyOf, parsePrefix, prefixContains } from 'netlink-ts/inet';
import { bringUp, link, loopback, quietNamespace, RT_TABLE_MAIN, withSocket } from './devices.js';
import { addExternal } from './external.js';
import { removeNamespaces } from './namespaces.js';
import { DEFAULT_UNDERLAY_MTU, ROUTER, VM_INTERFACE, find, netnsOf } from './topology.js';
import { addNode } from './underlay.js';
import type { LabVm, Topology } from './topology.js';

/** Builds the network, after removing remains of an earlier one. On failure nothing is left. */
export async function buildNetwork(topology: Topology): Promise<void> {
  await removeNamespaces(topology.prefix);
  try {
    const { nodes, vms, externals = [] } = topology;
    for (const name of [ROUTER, ...[...nodes, ...vms, ...externals].map((one) => one.name)]) {
      createNetns(netnsOf(topology, name));
    }
    withSocket(netnsOf(topology, ROUTER), (socket) => {
      quietNamespace(socket.netns, { forwarding: true });
      bringUp(socket, 'lo');
    });
    for (const node of nodes) await addNode(topology, node);
    for (const external of externals) {
      quietNamespace(netnsOf(topology, external.name), { forwarding: false });
      await addExternal(topology, external);
    }
    for (const vm of vms) {
      quietNamespace(netnsOf(topology, vm.name), { forwarding: false });
      plugVm(topology, vm);
    }
  } catch (error) {
    await removeNamespaces(topology.prefix);
    throw error;
  }
}

/** Adds a VM's interface to its hypervisor, connected to the VM's namespace, which must exist. */
export function plugVm(topology: Topology, vm: LabVm): void {
  const tenant = find(topology.tenants, vm.tenant);
  link(netnsOf(topology, vm.node), vm.name, netnsOf(topology, vm.name), VM_INTERFACE, { peerMac: vm.mac });
  withSocket(netnsOf(topology, vm.node), (socket) => {
    bringUp(socket, vm.name);
  });
  withSocket(netnsOf(topology, vm.name), (socket) => {
    bringUp(socket, 'lo');
    const ifindex = bringUp(socket, VM_INTERFACE);
    for (const address of inOrderOfPreference(vm.addresses)) {
      const subnet = tenant.subnets.find(({ prefix }) => prefixContains(prefix, address));
      if (subnet === undefined) throw new RangeError(`${vm.name}: ${address} is in no subnet of ${tenant.name}`);
      socket.request(createAddress({ ifindex, address, length: lengthOf(subnet.prefix), nodad: true }));
    }
    for (const { prefix, gateway } of tenant.subnets) {
      // The VM needs an address in a subnet to use its gateway.
      if (!vm.addresses.some((address) => prefixContains(prefix, address))) continue;
      const everything = familyOf(gateway) === 4 ? '0.0.0.0/0' : '::/0';
      socket.request(createRoute({ table: RT_TABLE_MAIN, prefix: everything, gateway, oif: ifindex }));
    }
    if (find(topology.nodes, vm.node).dataplane === 'ebpf') {
      // The MTU of a veth is bound to its peer's; the VM learns the usable one in another way.
      socket.request(setLink(ifindex, { mtu: (topology.underlayMtu ?? DEFAULT_UNDERLAY_MTU) - OUTER_HEADER_BYTES }));
    }
    for (const prefix of vm.prefixes ?? []) {
      // The kernel answers for a whole local prefix, which simulates a network behind the VM.
      socket.request(createRoute({ table: 255, prefix, type: 'local', oif: loopback(socket) }));
    }
  });
}

/** IPv4 prefers the address added first as the source, IPv6 the one added last (if rules of RFC 6724 section 5 do not decide). */
function inOrderOfPreference(addresses: readonly string[]): string[] {
  const of = (family: 4 | 6): string[] => addresses.filter((address) => familyOf(address) === family);
  return [...of(4), ...of(6).reverse()];
}

/** Removes the interface at both ends. */
export function unplugVm(topology: Topology, vm: LabVm): void {
  withSocket(netnsOf(topology, vm.node), (socket) => {
    socket.request(deleteLink(vm.name));
  });
}

function lengthOf(prefix: string): number {
  const parsed = parsePrefix(prefix);
  if (!parsed.ok) throw new RangeError(`${prefix}: expected ${parsed.expected}`);
  return parsed.prefix.length;
}
