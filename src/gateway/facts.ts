/** Facts of the machine for planning gateways: unreachable network nodes, and the node's own addresses. */
import { decodeAddress, dumpAddressesRequest } from 'netlink-ts';
import { hostPrefix, prefixAddress, prefixContains } from 'netlink-ts/inet';
import { underlayRouteTo } from '../host/underlay-route.js';
import type { Intent, IntentNode, NodeConfig } from '../intent/types.js';
import type { Kernel } from '../kernel/kernel.js';
import type { FeatureFacts } from '../plan/view.js';

declare module '../plan/view.js' {
  interface FeatureFacts {
    /** Network nodes without an underlay route, sorted; absent if no kernel route uses network nodes. */
    unreachableNodes?: readonly string[];
    /**
     * The node's own addresses outside VRFs, sorted. Packets for them must not leave by an external network. Absent where the node serves no
     * external network.
     */
    ownAddresses?: readonly string[];
  }
}

export function gatewayFacts(
  kernel: Kernel,
  config: NodeConfig,
  intent: Intent | undefined,
): Pick<FeatureFacts, 'unreachableNodes' | 'ownAddresses'> {
  return { ...reachabilityFacts(kernel, config, intent), ...addressFacts(kernel, config, intent) };
}

/** Routes of the kernel must be planned without unreachable network nodes. The fast path's tables exclude them on their own. */
function reachabilityFacts(
  kernel: Kernel,
  config: NodeConfig,
  intent: Intent | undefined,
): Pick<FeatureFacts, 'unreachableNodes'> {
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

/** Only a node that serves an external network needs its own addresses. */
function addressFacts(
  kernel: Kernel,
  config: NodeConfig,
  intent: Intent | undefined,
): Pick<FeatureFacts, 'ownAddresses'> {
  const names = new Set(intent?.externals?.map(({ gateway }) => gateway));
  const decides = intent?.gateways?.some(({ name, nodes }) => names.has(name) && nodes.includes(config.node));
  if (decides !== true || config.dataplane === 'kernel') return {};
  const inVrf = new Set([...kernel.links.all()].filter(({ master }) => master !== undefined).map(({ index }) => index));
  const all = kernel.socket.dump(dumpAddressesRequest({}), decodeAddress);
  // The plan contains the outer source in any case: segue itself adds that address.
  const source = intent?.nodes.find(({ name }) => name === config.node)?.source;
  const own = all.filter(
    ({ ifindex, address }) =>
      !inVrf.has(ifindex) && address !== source && !prefixContains('fe80::/10', hostPrefix(address)),
  );
  return { ownAddresses: [...new Set(own.map(({ address }) => address))].sort() };
}
