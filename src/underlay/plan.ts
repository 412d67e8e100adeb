import { planGuardTables, planLoneGuardTables } from '../port/guard-plan.js';
import { hostPrefix } from '../net/prefix.js';
import { DEFAULT_METRIC, routeKey } from '../encap/route-key.js';
import {
  BLOCK_RULE_PRIORITY,
  L3MDEV_RULE_PRIORITY,
  LOCAL_RULE_PRIORITY,
  MAIN_TABLE,
  OUTER_RULE_PRIORITY,
} from '../plan/numbers.js';
import type { Emit } from '../plan/plan.js';
import type { IntentView } from '../plan/view.js';

/** What the node needs whatever tenants it has. */
export function planNode(view: IntentView, emit: Emit): void {
  const { locator, source } = view.self;
  planGuardTables(view.sidBlock, emit);

  // Uplinks that live on router advertisements lose their default route the moment forwarding is on, unless accept_ra is
  // 2 by then (Documentation/networking/ip-sysctl.rst); sysctls are written in this order.
  for (const uplink of view.config.uplinks) {
    emit('sysctl', `net/ipv6/conf/${uplink}/accept_ra`, { value: '2', shared: true, device: uplink });
  }
  for (const [path, value] of SHARED_SYSCTLS) emit('sysctl', path, { value, shared: true });
  // End.DT4 and End.DT46 take one VRF a table for granted (net/ipv6/seg6_local.c). The sysctl comes with the first VRF.
  if (view.localPorts.size > 0) {
    emit('sysctl', 'net/vrf/strict_mode', { value: '1', shared: true });
    for (const family of ['inet', 'inet6']) emit('l3mdev-rule', family, { priority: L3MDEV_RULE_PRIORITY });
  }

  emit('local-rule', 'inet', { priority: LOCAL_RULE_PRIORITY });
  emit('local-rule', 'inet6', { priority: LOCAL_RULE_PRIORITY });
  emit('rule', `inet6 ${OUTER_RULE_PRIORITY}`, {
    family: 6,
    priority: OUTER_RULE_PRIORITY,
    from: hostPrefix(source),
    to: view.sidBlock,
    action: 'table',
    table: MAIN_TABLE,
  });
  emit('rule', `inet6 ${BLOCK_RULE_PRIORITY}`, {
    family: 6,
    priority: BLOCK_RULE_PRIORITY,
    to: view.sidBlock,
    l3mdev: true,
    action: 'unreachable',
  });

  emit('tunsrc', 'tunsrc', { address: source });
  planOwnAddresses(locator, source, emit);
}

/** What a node needs whose fast path forwards alone: no rules, no forwarding, no seg6. */
export function planLoneNode(view: IntentView, emit: Emit): void {
  const { locator, source } = view.self;
  planLoneGuardTables(emit);
  planOwnAddresses(locator, source, emit);
}

/** The outer source, which routes are asked for from; and nothing else behind the locator. */
function planOwnAddresses(locator: string, source: string, emit: Emit): void {
  emit('address', `lo ${hostPrefix(source)}`, { device: 'lo', prefix: hostPrefix(source) });
  // Without it a SID that is not there follows the default route out and comes back until its hop limit ends.
  const metric = DEFAULT_METRIC[6];
  emit('route', routeKey(MAIN_TABLE, locator, metric), {
    table: MAIN_TABLE,
    prefix: locator,
    type: 'blackhole',
    metric,
  });
}

const SHARED_SYSCTLS: readonly [string, string][] = [
  ['net/ipv6/conf/all/forwarding', '1'],
  // Else the flow label of encapsulated IPv4 is 0, and the underlay has nothing to spread flows by.
  ['net/ipv6/seg6_flowlabel', '1'],
];
