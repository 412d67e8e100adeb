import { factsOfFeatures } from '../app/features.js';
import { missingForFastpath } from '../ebpf/available.js';
import { hiddenTags } from '../ebpf/feature-resource.js';
import { hasNativeXdp } from 'netlink-ts';
import { FORCE_FORWARDING, HOST_FORWARDING, ofDevice } from '../host/sysctl-plan.js';
import { valueFound } from '../host/sysctl-resource.js';
import type { Intent, NodeConfig } from '../intent/types.js';
import type { Kernel } from '../kernel/kernel.js';
import type { FastpathFacts, NodeFacts } from '../plan/view.js';

/** Assumed for an uplink that does not exist yet. */
const ETHERNET_MTU = 1500;
/** ARPHRD_ETHER (linux/if_arp.h) */
const ETHERNET = 1;

/** The node file says `dataplane: ebpf` and the machine does not support the fast path: there is no kernel data plane to fall back to. */
export class FastpathMissingError extends Error {
  readonly code = 'FASTPATH_MISSING';

  constructor(missing: string) {
    super(`dataplane: ebpf: ${missing}; nothing was changed (dataplane hybrid and kernel work without it)`);
    this.name = 'FastpathMissingError';
  }
}

/** Reads the machine's facts that planning depends on. `kernel.links` must be fresh. */
export function readFacts(kernel: Kernel, config: NodeConfig, intent: Intent | undefined): NodeFacts {
  const mtus = config.uplinks.map((name) => kernel.links.get(name)?.mtu ?? ETHERNET_MTU);
  const facts = {
    uplinkMtu: Math.min(...mtus),
    ...factsOfFeatures(kernel, config, intent),
  };
  const missing = missingForFastpath(kernel.fastpath.pinDirectory);
  const forwarding = forwardingFacts(kernel, config, missing === undefined);
  if (config.dataplane !== 'kernel') return { ...facts, ...forwarding, fastpath: fastpathFacts(kernel, config) };
  return { ...facts, ...forwarding, responder: missing === undefined ? {} : { missing } };
}

/**
 * How IPv6 forwarding is turned on: for single interfaces if the kernel has `force_forwarding`, else for the whole host, whose forwarding is then
 * restricted to segue's packets unless it was on before.
 *
 * @param hasPrograms whether programs answer neighbour solicitations: proxy NDP depends on the port's own `forwarding`, which force_forwarding does
 * not replace (ndisc_recv_ns, net/ipv6/ndisc.c)
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

/** Reads the facts for a command that is about to change the kernel. @throws FastpathMissingError */
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
 * Whether an uplink gets an XDP program. Never on a device without native XDP, such as a bridge or a VLAN device: generic XDP is not used
 * (src/ebpf/program-resource.ts). `auto`: only on physical Ethernet devices (no rtnl_link kind); on a veth, XDP disables the peer's TSO, which
 * gains packet rate at the cost of bulk TCP. Nor does `auto` use a device that strips VLAN tags and does not allow that to be switched off.
 */
function gains(kernel: Kernel, name: string, xdp: NodeConfig['xdp']): boolean {
  const link = kernel.links.get(name);
  if (link !== undefined && hasNativeXdp(kernel.generic, link.index) === false) return false;
  if (xdp !== 'auto') return xdp === 'always';
  if (link === undefined || link.kind !== undefined || link.type !== ETHERNET) return false;
  return hiddenTags(kernel, link.index).fixed.length === 0;
}
