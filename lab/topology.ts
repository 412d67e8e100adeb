/**
 * What a laboratory network is made of: nodes in a star around one IPv6 router, tenants, VMs behind ports, networks beyond the network
 * nodes. Plain values; lab/network.ts makes namespaces and links of them, lab/files.ts what segue reads.
 */
import { tenantSid } from '../src/encap/sid.js';
import type { TenantBehaviour } from '../src/encap/sid.js';
import type {
  Behaviours,
  Dataplane,
  External,
  Gateway,
  Intent,
  NodeConfig,
  Path,
  Policy,
  Subnet,
  XdpMode,
} from '../src/intent/types.js';

/** The interface of every node towards the router, and of every VM towards its hypervisor. */
export const UPLINK = 'eth0';
export const VM_INTERFACE = 'eth0';
/** The underlay router's own name; its interfaces have the names of the nodes. */
export const ROUTER = 'router';
/** Bytes; Ethernet's. */
export const DEFAULT_UNDERLAY_MTU = 1500;

/**
 * A machine of the underlay: a hypervisor or a network node, programmed by segue (or whoever a test says), or a node that only has End
 * SIDs. A hypervisor is a network node, too, where a gateway names it.
 */
export interface LabNode {
  name: string;
  role: 'hypervisor' | 'network-node' | 'transit';
  /** /48 */
  locator: string;
  /** default dt46 */
  behaviours?: Behaviours;
  /** default: kernel of hypervisors, hybrid of network nodes */
  dataplane?: Dataplane;
  /** default auto */
  xdp?: XdpMode;
  /** network nodes: no new flows */
  drain?: true;
}

/** A network beyond the network nodes: one machine, its router and its host at once, with a link to each node of the gateway. */
export interface LabExternal extends External {
  /** the host's, in `prefixes`; the first of each family is what it speaks from */
  addresses: string[];
}

export interface LabTenant {
  name: string;
  id: number;
  subnets: Subnet[];
}

export interface LabVm {
  /** also the name of the interface on its hypervisor: at most 15 bytes */
  name: string;
  tenant: string;
  node: string;
  mac: string;
  /** the first of each family is what it speaks from */
  addresses: string[];
  prefixes?: string[];
}

export interface Topology {
  /** namespaces are `<prefix>-<name>`, and so are the nodes' names in the intent */
  prefix: string;
  sidBlock: string;
  underlayMtu?: number;
  nodes: LabNode[];
  tenants: LabTenant[];
  vms: LabVm[];
  /** `to` is a node of this topology by its short name */
  paths: Path[];
  /** `nodes` by their short names */
  gateways?: Gateway[];
  externals?: LabExternal[];
  policies?: Policy[];
}

/** Namespace of a node, a VM, or the router. */
export function netnsOf(topology: Pick<Topology, 'prefix'>, name: string): string {
  return `${topology.prefix}-${name}`;
}

/** Addresses of a node's link to the router. */
export function underlayAddresses(topology: Topology, node: string): { node: string; router: string; length: number } {
  const index = topology.nodes.findIndex(({ name }) => name === node);
  if (index < 0)
    throw new RangeError(`node ${node}: expected one of ${topology.nodes.map(({ name }) => name).join(' ')}`);
  const subnet = (index + 1).toString(16);
  return { node: `fd00:ffff:${subnet}::2`, router: `fd00:ffff:${subnet}::1`, length: 64 };
}

/** Outer source address of a hypervisor: its locator's `::1`. */
export function sourceOf(node: LabNode): string {
  return node.locator.replace(/\/48$/, '1');
}

/** The End SID of a transit node: function 1 of its locator. */
export function endSid(node: LabNode): string {
  return node.locator.replace(/::\/48$/, ':1::');
}

/** A tenant's SID on a hypervisor. */
export function sidOf(
  topology: Topology,
  node: string,
  tenant: string,
  behaviour: TenantBehaviour = 'End.DT46',
): string {
  return tenantSid(find(topology.nodes, node).locator, behaviour, find(topology.tenants, tenant).id);
}

export function hypervisors(topology: Topology): LabNode[] {
  return topology.nodes.filter(({ role }) => role === 'hypervisor');
}

/** Those that segue programs: hypervisors and network nodes. */
export function segueNodes(topology: Topology): LabNode[] {
  return topology.nodes.filter(({ role }) => role !== 'transit');
}

/** The one with this name. @throws RangeError naming those there are */
export function find<T extends { name: string }>(all: readonly T[], name: string): T {
  const found = all.find((one) => one.name === name);
  if (found === undefined) throw new RangeError(`${name}: expected one of ${all.map((one) => one.name).join(' ')}`);
  return found;
}

/** The intent of the whole network, as every node gets it. */
export function intentOf(topology: Topology): Intent {
  const { gateways = [], externals = [], policies = [] } = topology;
  const named = (nodes: readonly string[]): string[] => nodes.map((name) => netnsOf(topology, name)).sort();
  return {
    version: 1,
    sidBlock: topology.sidBlock,
    nodes: segueNodes(topology).map((node) => ({
      name: netnsOf(topology, node.name),
      locator: node.locator,
      source: sourceOf(node),
      ...(node.behaviours && { behaviours: node.behaviours }),
      ...(node.drain && { drain: true }),
    })),
    tenants: topology.tenants.map((tenant) => ({ ...tenant, dscp: 'copy' })),
    ports: topology.vms.map((vm) => ({
      name: vm.name,
      tenant: vm.tenant,
      node: netnsOf(topology, vm.node),
      interface: vm.name,
      mac: vm.mac,
      addresses: vm.addresses,
      prefixes: vm.prefixes ?? [],
    })),
    paths: topology.paths.map((path) => ({ ...path, to: netnsOf(topology, path.to) })),
    ...(gateways.length > 0 && {
      gateways: gateways.map(({ name, nodes, tenants }) => ({
        name,
        nodes: named(nodes),
        tenants: [...tenants].sort(),
      })),
    }),
    ...(externals.length > 0 && {
      externals: externals.map(({ name, gateway, interface: device, prefixes }) => ({
        ...{ name, gateway, interface: device },
        prefixes: [...prefixes].sort(),
      })),
    }),
    ...(policies.length > 0 && { policies }),
  };
}

/**
 * The node file of a hypervisor or a network node.
 *
 * @param intent absolute path of the intent file
 */
export function nodeConfigOf(topology: Topology, node: LabNode, intent: string): NodeConfig {
  const name = netnsOf(topology, node.name);
  return {
    node: name,
    netns: name,
    uplinks: [UPLINK],
    dataplane: node.dataplane ?? (node.role === 'network-node' ? 'hybrid' : 'kernel'),
    xdp: node.xdp ?? 'auto',
    behaviours: node.behaviours ?? ['dt46'],
    intent,
  };
}
