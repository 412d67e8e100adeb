/** The kinds of steering between tenants, for the one engine. */
import {
  gwEncapResource,
  gwFlowsResource,
  gwMaglevResource,
  gwNodeResource,
  nnNodeResource,
} from './node-resources.js';
import { nnPoliciesResource } from './policy-resource.js';
import { nnIcmpSourceResource } from './icmp-source-resource.js';
import { nnExternalResource, nnRouteResource, nnSidResource, nnZoneResource } from './zone-resources.js';
import type { ResourceTable } from '../reconcile/engine.js';

export const STEERING_KINDS = {
  'gw-flows': gwFlowsResource,
  'nn-node': nnNodeResource,
  'gw-node': gwNodeResource,
  'gw-encap': gwEncapResource,
  'gw-maglev': gwMaglevResource,
  'nn-zone': nnZoneResource,
  'nn-icmp-source': nnIcmpSourceResource,
  'nn-route': nnRouteResource,
  'nn-policies': nnPoliciesResource,
  'nn-external': nnExternalResource,
  'nn-sid': nnSidResource,
} satisfies ResourceTable;
