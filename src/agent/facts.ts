import { missingForFastpath } from '../ebpf/available.js';
import { prefixAddress } from '../net/prefix.js';
import { wayTo } from '../underlay/way.js';
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
  const facts = { uplinkMtu: Math.min(...mtus), ...waysFacts(kernel, config, intent) };
  if (config.dataplane !== 'kernel') return { ...facts, fastpath: fastpathFacts(kernel, config) };
  const missing = missingForFastpath(kernel.fastpath.pinDirectory);
  return { ...facts, responder: missing === undefined ? {} : { missing } };
}

/** The kernel's routes to network nodes do not know by themselves which of them can be reached; the fast path's tables do. */
function waysFacts(kernel: Kernel, config: NodeConfig, intent: Intent | undefined): Pick<NodeFacts, 'lost'> {
  if (config.dataplane === 'ebpf' || intent?.gateways === undefined || intent.gateways.length === 0) return {};
  const names = new Set(intent.gateways.flatMap(({ nodes }) => nodes));
  const self = intent.nodes.find(({ name }) => name === config.node);
  const isLost = ({ name, locator }: IntentNode): boolean =>
    names.has(name) &&
    self !== undefined &&
    name !== self.name &&
    wayTo(kernel, prefixAddress(locator), self.source).device === undefined;
  const lost = intent.nodes.filter(isLost).map(({ name }) => name);
  return { lost: lost.sort() };
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
 * from the peer and wins packets at the cost of bulk TCP. Never a VLAN device: there is no XDP but the generic one, which copies
 * super-packets into one piece.
 */
function gains(kernel: Kernel, name: string, xdp: NodeConfig['xdp']): boolean {
  const link = kernel.links.get(name);
  if (link?.kind === 'vlan') return false;
  if (xdp !== 'auto') return xdp === 'always';
  return link !== undefined && link.kind === undefined && link.type === ETHERNET;
}
