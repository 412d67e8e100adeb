/** What this node is to gateways. */
import type { IntentView } from '../plan/view.js';
import type { ZoneName } from './view.js';

/** Whether this node is a network node that can decide. */
export function isNetworkNode({ fastpath, steering, config }: IntentView): boolean {
  return fastpath !== undefined && steering.isNetworkNode(config.node);
}

/** Whether the fast path shares out flows of hosted tenants among the network nodes of their gateways. */
export function usesGateways({ fastpath, steering, localPorts }: IntentView): boolean {
  return (steering.hasHostedGateway ??=
    fastpath !== undefined && [...localPorts.keys()].some((tenant) => steering.gatewayOf(tenant) !== undefined));
}

/** Whether this node decides, as a network node, what goes out of and into a zone. */
export function decidesFor({ fastpath, steering, config }: IntentView, zone: ZoneName): boolean {
  return fastpath !== undefined && steering.isNetworkNodeOf(config.node, zone);
}
