/** Namespaces, links, addresses and underlay routes of a topology; nothing of the overlay, which is segue's to make. */
import { closeSync } from 'node:fs';
import { OUTER_HEADER_BYTES } from '../encap/mtu.js';
import { Sysctls } from '../kernel/sysctl.js';
import { createAddress } from '../netlink/address.js';
import { createNetns, openNetns } from '../netlink/netns.js';
import { deleteLink, getLink, newLink, setLink } from '../netlink/link.js';
import { createRoute } from '../netlink/route.js';
import { NetlinkSocket } from '../netlink/socket.js';
import { familyOf } from '../net/address.js';
import { parsePrefix, prefixContains } from '../net/prefix.js';
import { removeNamespaces } from './namespaces.js';
import {
  DEFAULT_UNDERLAY_MTU,
  ROUTER,
  UPLINK,
  VM_INTERFACE,
  endSid,
  find,
  netnsOf,
  underlayAddresses,
} from './topology.js';
import type { LabNode, LabVm, Topology } from './topology.js';

const RT_TABLE_MAIN = 254;

/** Makes the network; what there is of it from before goes first. On failure nothing stays. */
export async function buildNetwork(topology: Topology): Promise<void> {
  await removeNamespaces(topology.prefix);
  try {
    for (const name of [ROUTER, ...topology.nodes.map((node) => node.name), ...topology.vms.map((vm) => vm.name)]) {
      createNetns(netnsOf(topology, name));
    }
    withSocket(netnsOf(topology, ROUTER), (socket) => {
      quietNamespace(socket.netns, { forwarding: true });
      bringUp(socket, 'lo');
    });
    for (const node of topology.nodes) addNode(topology, node);
    for (const vm of topology.vms) {
      quietNamespace(netnsOf(topology, vm.name), { forwarding: false });
      plugVm(topology, vm);
    }
  } catch (error) {
    await removeNamespaces(topology.prefix);
    throw error;
  }
}

/** A VM's interface appears on its hypervisor, with the VM behind it; the VM's namespace must be there. */
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
      // A subnet the VM has no address in has no way out there either.
      if (!vm.addresses.some((address) => prefixContains(prefix, address))) continue;
      const everything = familyOf(gateway) === 4 ? '0.0.0.0/0' : '::/0';
      socket.request(createRoute({ table: RT_TABLE_MAIN, prefix: everything, gateway, oif: ifindex }));
    }
    if (find(topology.nodes, vm.node).dataplane === 'ebpf') {
      // A veth takes no more than its peer's MTU: the VM is told elsewhere what fits.
      socket.request(setLink(ifindex, { mtu: (topology.underlayMtu ?? DEFAULT_UNDERLAY_MTU) - OUTER_HEADER_BYTES }));
    }
    for (const prefix of vm.prefixes ?? []) {
      // The kernel answers for a whole local prefix: enough of a network behind the VM.
      socket.request(createRoute({ table: 255, prefix, type: 'local', oif: loopback(socket) }));
    }
  });
}

/** IPv4 speaks from the address added first, IPv6 from the one added last (all else being equal: RFC 6724 section 5). */
function inOrderOfPreference(addresses: readonly string[]): string[] {
  const of = (family: 4 | 6): string[] => addresses.filter((address) => familyOf(address) === family);
  return [...of(4), ...of(6).reverse()];
}

/** The interface vanishes, at both ends. */
export function unplugVm(topology: Topology, vm: LabVm): void {
  withSocket(netnsOf(topology, vm.node), (socket) => {
    socket.request(deleteLink(vm.name));
  });
}

function addNode(topology: Topology, node: LabNode): void {
  const netns = netnsOf(topology, node.name);
  const router = netnsOf(topology, ROUTER);
  const { node: nodeAddress, router: routerAddress, length } = underlayAddresses(topology, node.name);
  link(router, node.name, netns, UPLINK, { mtu: topology.underlayMtu ?? DEFAULT_UNDERLAY_MTU });
  withSocket(netns, (socket) => {
    // Only the uplink: whether addresses on ports wait for duplicate address detection is what tests look at.
    set(netns, [[`net/ipv6/conf/${UPLINK}/accept_dad`, '0']]);
    bringUp(socket, 'lo');
    const ifindex = bringUp(socket, UPLINK);
    socket.request(createAddress({ ifindex, address: nodeAddress, length, nodad: true }));
    socket.request(createRoute({ table: RT_TABLE_MAIN, prefix: '::/0', gateway: routerAddress, oif: ifindex }));
    if (node.role === 'transit') {
      set(netns, [['net/ipv6/conf/all/forwarding', '1']]);
      const prefix = `${endSid(node)}/128`;
      const encap = { type: 'seg6local', action: 'End' } as const;
      socket.request(createRoute({ table: RT_TABLE_MAIN, prefix, encap, oif: ifindex }));
    }
  });
  withSocket(router, (socket) => {
    const ifindex = bringUp(socket, node.name);
    socket.request(createAddress({ ifindex, address: routerAddress, length, nodad: true }));
    socket.request(createRoute({ table: RT_TABLE_MAIN, prefix: node.locator, gateway: nodeAddress, oif: ifindex }));
  });
}

/** A veth pair between two namespaces, down. */
function link(
  netns: string,
  name: string,
  peerNetns: string,
  peerName: string,
  { mtu, peerMac }: { mtu?: number; peerMac?: string },
): void {
  const netnsFd = openNetns(peerNetns);
  try {
    withSocket(netns, (socket) => {
      const size = mtu === undefined ? {} : { mtu };
      const peer = { name: peerName, netnsFd, ...size, ...(peerMac !== undefined && { mac: peerMac }) };
      socket.request(newLink({ name, kind: 'veth', ...size, peer }));
    });
  } finally {
    closeSync(netnsFd);
  }
}

/** @returns its ifindex */
function bringUp(socket: NetlinkSocket, name: string): number {
  socket.request(setLink(name, { up: true }));
  const index = getLink(socket, name)?.index;
  if (index === undefined) throw new Error(`device ${name} vanished`);
  return index;
}

function loopback(socket: NetlinkSocket): number {
  return getLink(socket, 'lo')?.index ?? 1;
}

/** No duplicate address detection in a namespace where there is nobody to collide with: it costs the first second or two. */
function quietNamespace(netns: string | undefined, { forwarding }: { forwarding: boolean }): void {
  set(netns, [
    ['net/ipv6/conf/default/accept_dad', '0'],
    ['net/ipv6/conf/all/accept_dad', '0'],
    ['net/ipv6/conf/all/forwarding', forwarding ? '1' : '0'],
  ]);
}

function set(netns: string | undefined, values: [path: string, value: string][]): void {
  const [failure] = new Sysctls(netns).writeAll(values).values();
  if (failure !== undefined) throw failure;
}

function lengthOf(prefix: string): number {
  const parsed = parsePrefix(prefix);
  if (!parsed.ok) throw new RangeError(`${prefix}: expected ${parsed.expected}`);
  return parsed.prefix.length;
}

function withSocket(netns: string, use: (socket: NetlinkSocket) => void): void {
  const socket = NetlinkSocket.open({ protocol: 'route', netns });
  try {
    use(socket);
  } finally {
    socket.close();
  }
}
