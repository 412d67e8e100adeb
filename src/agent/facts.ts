import type { NodeConfig } from '../intent/types.js';
import type { Kernel } from '../kernel/kernel.js';
import type { NodeFacts } from '../plan/view.js';

/** An uplink that is not there yet is taken for plain Ethernet. */
const ETHERNET_MTU = 1500;

/** What planning needs of the machine; `kernel.links` must be fresh. */
export function readFacts(kernel: Kernel, config: NodeConfig): NodeFacts {
  const mtus = config.uplinks.map((name) => kernel.links.get(name)?.mtu ?? ETHERNET_MTU);
  return { uplinkMtu: Math.min(...mtus) };
}
