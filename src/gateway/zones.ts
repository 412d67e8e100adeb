/** The roles of this node: network node, or hypervisor of a gateway's tenants. */
import type { IntentView } from '../plan/view.js';
import type { ZoneName } from './view.js';

/** Whether this node is a network node with a working fast path. */
export function isNetworkNode({ fastpath, steering, config }: IntentView): boolean {
  return fastpath !== undefined && steering.isNetworkNode(config.node);
}

/** Whether the fast path distributes flows of hosted tenants among their gateways' network nodes. */
export function usesGateways({ fastpath, steering, localPorts }: IntentView): boolean {
  return (steering.hasHostedGateway ??=
    fastpath !== undefined && [...localPorts.keys()].some((tenant) => steering.gatewayOf(tenant) !== undefined));
}

/** Whether this node decides about traffic of a zone, as a network node. */
export function decidesFor({ fastpath, steering, config }: IntentView, zone: ZoneName): boolean {
  return fastpath !== undefined && steering.isNetworkNodeOf(config.node, zone);
}
