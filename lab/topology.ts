/**
 * Describes a laboratory network: nodes in a star around one IPv6 router, tenants, VMs behind ports, external networks. Plain values, from which
 * lab/network.ts builds namespaces and links, and lab/files.ts writes segue's files.
 */
import { tenantSid } from '../src/encap/sid.js';
import type { TenantBehaviour } from '../src/encap/sid.js';
import type {
  Behaviours,
  Dataplane,
  Intent,
  NodeConfig,
  Subnet,
  XdpMode,
  DnsConfig,
  MetadataConfig,
} from '../src/intent/types.js';
import type { External, Gateway, Policy } from '../src/gateway/types.js';
import type { Path } from '../src/encap/path.js';

/** Interface of every node to the router, and of every VM to its hypervisor. */
export const UPLINK = 'eth0';
export const VM_INTERFACE = 'eth0';
/** Name of the underlay router, whose interfaces have the names of the nodes. */
export const ROUTER = 'router';
/** In bytes, that of Ethernet. */
export const DEFAULT_UNDERLAY_MTU = 1500;

/**
 * A machine of the underlay: a hypervisor or a network node of segue (or of another program in tests), or a node with only End SIDs. A hypervisor
 * is also a network node if a gateway contains it.
 */
export interface LabNode {
  name: string;
  role: 'hypervisor' | 'network-node' | 'transit';
  /** /48 */
  locator: string;
  /** default dt46 */
  behaviours?: Behaviours;
  /** default: kernel for hypervisors, hybrid for network nodes */
  dataplane?: Dataplane;
  /** default auto */
  xdp?: XdpMode;
  /** metadata service at 169.254.169.254; default: none */
  metadata?: MetadataConfig;
  /** DNS service at 169.254.169.253; default: none */
  dns?: DnsConfig;
  /** network nodes: accepts no new flows */
  drain?: true;
}

/** An external network: a machine that is both its router and its host, with a link to each node of the gateway. */
export interface LabExternal extends External {
  /** addresses of the host inside `prefixes`; the first of each family is its source */
  addresses: string[];
}

export interface LabTenant {
  name: string;
  id: number;
  subnets: Subnet[];
}

export interface LabVm {
  /** also the name of the interface on its hypervisor, so at most 15 bytes */
  name: string;
  tenant: string;
  node: string;
  mac: string;
  /** the first of each family is its source */
  addresses: string[];
  prefixes?: string[];
}

export interface Topology {
  /** prefix of namespaces (`<prefix>-<name>`), and of the nodes' names in the intent */
  prefix: string;
  sidBlock: string;
  underlayMtu?: number;
  nodes: LabNode[];
  tenants: LabTenant[];
  vms: LabVm[];
  /** `to` is the short name of a node of this topology */
  paths: Path[];
  /** `nodes` are short names */
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

/** Nodes with segue: hypervisors and network nodes. */
export function segueNodes(topology: Topology): LabNode[] {
  return topology.nodes.filter(({ role }) => role !== 'transit');
}

/** The item with a name. @throws RangeError with the existing names */
export function find<T extends { name: string }>(all: readonly T[], name: string): T {
  const found = all.find((one) => one.name === name);
  if (found === undefined) throw new RangeError(`${name}: expected one of ${all.map((one) => one.name).join(' ')}`);
  return found;
}

/** The intent of the whole network, the same for every node. */
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
    ...(node.metadata && { metadata: node.metadata }),
    ...(node.dns && { dns: node.dns }),
  };
}
