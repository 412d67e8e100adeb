import { nexthopKind } from '../encap/nexthop-kind.js';
import { routeKind } from '../encap/route-kind.js';
import { FASTPATH_KINDS } from '../ebpf/kinds.js';
import { STEERING_KINDS } from '../gateway/kinds.js';
import { addressKind } from '../port/address-kind.js';
import { edgeKind } from '../edge/edge-kind.js';
import { guardKind } from '../port/guard-kind.js';
import { neighbourKind, proxyKind } from '../port/neighbour-kinds.js';
import { portKind } from '../port/port-kind.js';
import { announceKind } from '../underlay/announce-kind.js';
import { localRuleKind } from '../underlay/local-rule-kind.js';
import { sysctlKind } from '../underlay/sysctl-kind.js';
import { tunsrcKind } from '../underlay/tunsrc-kind.js';
import { l3mdevRuleKind } from '../vrf/l3mdev-rule-kind.js';
import { ruleKind } from '../vrf/rule-kind.js';
import { vrfKind } from '../vrf/vrf-kind.js';
import type { Kinds } from './engine.js';

/** Every kind; the fast path's are empty in kernel mode. */
export const KERNEL_KINDS: Kinds = {
  edge: edgeKind,
  guard: guardKind,
  sysctl: sysctlKind,
  rule: ruleKind,
  'local-rule': localRuleKind,
  vrf: vrfKind,
  'l3mdev-rule': l3mdevRuleKind,
  port: portKind,
  address: addressKind,
  tunsrc: tunsrcKind,
  neighbour: neighbourKind,
  proxy: proxyKind,
  nexthop: nexthopKind,
  route: routeKind,
  ...FASTPATH_KINDS,
  ...STEERING_KINDS,
  announce: announceKind,
};
