import { missingForFastpath } from '../ebpf/available.js';
import type { NodeConfig } from '../intent/types.js';
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
export function readFacts(kernel: Kernel, config: NodeConfig): NodeFacts {
  const mtus = config.uplinks.map((name) => kernel.links.get(name)?.mtu ?? ETHERNET_MTU);
  const uplinkMtu = Math.min(...mtus);
  if (config.dataplane !== 'kernel') return { uplinkMtu, fastpath: fastpathFacts(kernel, config) };
  const missing = missingForFastpath(kernel.fastpath.pinDirectory);
  return { uplinkMtu, responder: missing === undefined ? {} : { missing } };
}

/** The same, for who is about to change the kernel. @throws FastpathMissingError */
export function requireFacts(kernel: Kernel, config: NodeConfig): NodeFacts {
  const facts = readFacts(kernel, config);
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
