/** Gateways of tenants: network nodes, external networks, and the policies between zones. */
import { FACTS_FOLLOW } from './events.js';
import { gatewayFacts } from './facts.js';
import { nnIcmpSourceResource } from './icmp-source-resource.js';
import { gatewayIntent } from './intent.js';
import {
  gwEncapResource,
  gwFlowsResource,
  gwMaglevResource,
  gwNodeResource,
  nnNodeResource,
} from './node-resources.js';
import { gatewayObservation } from './observe.js';
import { planSteering } from './plan.js';
import { nnPoliciesResource } from './policy-resource.js';
import { affected, affectedByFacts, affectedByHosting, gatewayWarnings, POLICIES, ZONE } from './units.js';
import { SteeringView } from './view.js';
import { nnExternalResource, nnRouteResource, nnSidResource, nnZoneResource } from './zone-resources.js';
import type { Feature } from '../reconcile/feature.js';

export const gatewayFeature = {
  name: 'gateway',
  intent: gatewayIntent,
  resources: {
    'gw-flows': gwFlowsResource,
    'gw-encap': gwEncapResource,
    'gw-maglev': gwMaglevResource,
    'gw-node': gwNodeResource,
    'nn-node': nnNodeResource,
    'nn-zone': nnZoneResource,
    'nn-icmp-source': nnIcmpSourceResource,
    'nn-route': nnRouteResource,
    'nn-policies': nnPoliciesResource,
    'nn-external': nnExternalResource,
    'nn-sid': nnSidResource,
  },
  plans: { node: planSteering },
  units: [ZONE, POLICIES],
  view: { steering: (intent) => new SteeringView(intent) },
  affected,
  ownNodeKeys: ['drain'],
  affectedByHosting,
  affectedByFacts,
  facts: gatewayFacts,
  factsFollow: FACTS_FOLLOW,
  warnings: gatewayWarnings,
  observe: gatewayObservation,
} satisfies Feature;
