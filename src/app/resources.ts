import { nexthopResource } from '../encap/nexthop-resource.js';
import { routeResource } from '../encap/route-resource.js';
import { FASTPATH_KINDS } from '../ebpf/kinds.js';
import { STEERING_KINDS } from '../gateway/kinds.js';
import { addressResource } from '../port/address-resource.js';
import { edgeResource } from '../edge/edge-resource.js';
import { guardResource } from '../port/guard-resource.js';
import { neighbourResource, proxyResource } from '../port/neighbour-resources.js';
import { portResource } from '../port/port-resource.js';
import { announceResource } from '../host/announce-resource.js';
import { localRuleResource } from '../host/local-rule-resource.js';
import { sysctlResource } from '../host/sysctl-resource.js';
import { tunsrcResource } from '../host/tunsrc-resource.js';
import { l3mdevRuleResource } from '../vrf/l3mdev-rule-resource.js';
import { ruleResource } from '../vrf/rule-resource.js';
import { vrfResource } from '../vrf/vrf-resource.js';
import type { ResourceTable } from '../reconcile/engine.js';

/** Every resource; the fast path's are empty in kernel mode. */
export const ALL_RESOURCES: ResourceTable = {
  edge: edgeResource,
  guard: guardResource,
  sysctl: sysctlResource,
  rule: ruleResource,
  'local-rule': localRuleResource,
  vrf: vrfResource,
  'l3mdev-rule': l3mdevRuleResource,
  port: portResource,
  address: addressResource,
  tunsrc: tunsrcResource,
  neighbour: neighbourResource,
  proxy: proxyResource,
  nexthop: nexthopResource,
  route: routeResource,
  ...FASTPATH_KINDS,
  ...STEERING_KINDS,
  announce: announceResource,
};
