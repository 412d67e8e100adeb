import { missingForFastpath } from '../ebpf/available.js';
import { hiddenTags } from '../ebpf/feature-resource.js';
import { decodeAddress, dumpAddressesRequest, hasNativeXdp } from 'netlink-ts';
import { hostPrefix, prefixAddress, prefixContains } from 'netlink-ts/inet';
import { FORCE_FORWARDING, HOST_FORWARDING, ofDevice } from '../host/sysctl-plan.js';
import { valueFound } from '../host/sysctl-resource.js';
import { underlayRouteTo } from '../host/underlay-route.js';
import type { Intent, IntentNode, NodeConfig } from '../intent/types.js';
import type { Kernel } from '../kernel/kernel.js';
import type { FastpathFacts, NodeFacts } from '../plan/view.js';

/** An uplink that is not there yet is taken for plain Ethernet. */
const ETHERNET_MTU = 1500;
/** ARPHRD_ETHER (linux/if_arp.h) */
const ETHERNET = 1;

/** The node file asks for the fast path alone, and the machine cannot have it: there is nothing to fall back to. */
export class FastpathMissingError extends Error {
  readonly code = 'FASTPATH_MISSING';

  constructor(missing: string) {
    super(`dataplane: ebpf: ${missing}; nothing was changed (hybrid and kernel forward without)`);
    this.name = 'FastpathMissingError';
  }
}

/** What planning needs of the machine; `kernel.links` must be fresh. */
export function readFacts(kernel: Kernel, config: NodeConfig, intent: Intent | undefined): NodeFacts {
  const mtus = config.uplinks.map((name) => kernel.links.get(name)?.mtu ?? ETHERNET_MTU);
  const facts = {
    uplinkMtu: Math.min(...mtus),
    ...waysFacts(kernel, config, intent),
    ...addressFacts(kernel, config, intent),
  };
  const missing = missingForFastpath(kernel.fastpath.pinDirectory);
  const forwarding = forwardingFacts(kernel, config, missing === undefined);
  if (config.dataplane !== 'kernel') return { ...facts, ...forwarding, fastpath: fastpathFacts(kernel, config) };
  return { ...facts, ...forwarding, responder: missing === undefined ? {} : { missing } };
}

/**
 * Where the kernel can forward for single interfaces, they alone get it; else the host does, and what it was before decides for whom.
 *
 * @param hasPrograms whether programs answer neighbour solicitations: proxy NDP asks for the port's own `forwarding`, which
 * force_forwarding leaves alone (ndisc_recv_ns, net/ipv6/ndisc.c)
 */
function forwardingFacts(
  kernel: Kernel,
  { dataplane }: NodeConfig,
  hasPrograms: boolean,
): Pick<NodeFacts, 'forwarding'> {
  if (dataplane === 'ebpf') return {};
  const isForced = kernel.sysctls.read(ofDevice(FORCE_FORWARDING[0], 'lo')) !== undefined;
  if (isForced && hasPrograms) return { forwarding: 'interfaces' };
  return valueFound(kernel, HOST_FORWARDING) === '0' ? { forwarding: 'host' } : {};
}

/** The kernel's routes to network nodes do not know by themselves which of them can be reached; the fast path's tables do. */
function waysFacts(
  kernel: Kernel,
  config: NodeConfig,
  intent: Intent | undefined,
): Pick<NodeFacts, 'unreachableNodes'> {
  if (config.dataplane === 'ebpf' || intent?.gateways === undefined || intent.gateways.length === 0) return {};
  const names = new Set(intent.gateways.flatMap(({ nodes }) => nodes));
  const self = intent.nodes.find(({ name }) => name === config.node);
  const isLost = ({ name, locator }: IntentNode): boolean =>
    names.has(name) &&
    self !== undefined &&
    name !== self.name &&
    underlayRouteTo(kernel, prefixAddress(locator), self.source).device === undefined;
  const lost = intent.nodes.filter(isLost).map(({ name }) => name);
  return { unreachableNodes: lost.sort() };
}

/** The kernel of a node with an external network would send what is for the node itself beyond it, to nobody. */
function addressFacts(kernel: Kernel, config: NodeConfig, intent: Intent | undefined): Pick<NodeFacts, 'ownAddresses'> {
  const names = new Set(intent?.externals?.map(({ gateway }) => gateway));
  const decides = intent?.gateways?.some(({ name, nodes }) => names.has(name) && nodes.includes(config.node));
  if (decides !== true || config.dataplane === 'kernel') return {};
  const inVrf = new Set([...kernel.links.all()].filter(({ master }) => master !== undefined).map(({ index }) => index));
  const all = kernel.socket.dump(dumpAddressesRequest({}), decodeAddress);
  // The outer source comes with segue itself, and is planned for.
  const source = intent?.nodes.find(({ name }) => name === config.node)?.source;
  const own = all.filter(
    ({ ifindex, address }) =>
      !inVrf.has(ifindex) && address !== source && !prefixContains('fe80::/10', hostPrefix(address)),
  );
  return { ownAddresses: [...new Set(own.map(({ address }) => address))].sort() };
}

/** The same, for who is about to change the kernel. @throws FastpathMissingError */
export function requireFacts(kernel: Kernel, config: NodeConfig, intent: Intent): NodeFacts {
  const facts = readFacts(kernel, config, intent);
  const missing = facts.fastpath?.missing;
  if (config.dataplane === 'ebpf' && missing !== undefined) throw new FastpathMissingError(missing);
  return facts;
}

function fastpathFacts(kernel: Kernel, { uplinks, xdp }: NodeConfig): FastpathFacts {
  const missing = missingForFastpath(kernel.fastpath.pinDirectory);
  return { ...(missing !== undefined && { missing }), xdp: uplinks.filter((name) => gains(kernel, name, xdp)) };
}

/**
 * Whether an uplink gets an XDP program. `auto`: physical devices, which have no rtnl_link kind; on a veth XDP takes TSO
 * from the peer and wins packets at the cost of bulk TCP. Never a device without native XDP, such as a bridge or a VLAN device: the generic
 * one is attached nowhere (src/ebpf/program-kind.ts). Nor under `auto` where the device hides the tags of VLANs and does not let that be switched off.
 */
function gains(kernel: Kernel, name: string, xdp: NodeConfig['xdp']): boolean {
  const link = kernel.links.get(name);
  if (link !== undefined && hasNativeXdp(kernel.generic, link.index) === false) return false;
  if (xdp !== 'auto') return xdp === 'always';
  if (link === undefined || link.kind !== undefined || link.type !== ETHERNET) return false;
  return hiddenTags(kernel, link.index).fixed.length === 0;
}
