/** The kinds of steering between tenants, for the one engine. */
import {
  steerGatewayEncapKind,
  steerFlowsKind,
  steerMaglevKind,
  steerNetworkNodeKind,
  steerNodeKind,
} from './node-kinds.js';
import { steerPoliciesKind } from './policy-kind.js';
import { steerGatewayKind } from './icmp-source-kind.js';
import { steerExternalKind, steerRouteKind, steerSidKind, steerZoneKind } from './zone-kinds.js';
import type { Kinds } from '../reconcile/engine.js';

export const STEERING_KINDS = {
  'steer-flows': steerFlowsKind,
  'steer-node': steerNodeKind,
  'steer-network-node': steerNetworkNodeKind,
  'steer-gateway-encap': steerGatewayEncapKind,
  'steer-maglev': steerMaglevKind,
  'steer-zone': steerZoneKind,
  'steer-gateway': steerGatewayKind,
  'steer-route': steerRouteKind,
  'steer-policies': steerPoliciesKind,
  'steer-external': steerExternalKind,
  'steer-sid': steerSidKind,
} satisfies Kinds;
