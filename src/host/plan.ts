import { domainPrefixes } from '../edge/plan.js';
import { planGuardTables, planEbpfOnlyGuardTables } from '../port/guard-plan.js';
import { hostPrefix } from 'netlink-ts/inet';
import { LOCATOR_BITS } from '../intent/bounds.js';
import {
  BLOCK_RULE_PRIORITY,
  L3MDEV_RULE_PRIORITY,
  LOCAL_RULE_PRIORITY,
  LOCAL_TABLE,
  LOCATOR_DISCARD_PRIORITY,
  LOCATOR_LOCAL_PRIORITY,
  LOCATOR_MAIN_PRIORITY,
  MAIN_TABLE,
  OUTER_RULE_PRIORITY,
} from '../plan/numbers.js';
import { ruleKey } from '../vrf/rule-key.js';
import { announceKey } from './announce-key.js';
import { FORCE_FORWARDING, HOST_FORWARDING, ofDevice } from './sysctl-plan.js';
import type { Emit } from '../plan/plan.js';
import type { IntentView } from '../plan/view.js';

/** Plans the node's objects that do not depend on its tenants. */
export function planNode(view: IntentView, emit: Emit): void {
  const { source } = view.self;
  planGuardTables(domainPrefixes(view), emit);

  // Uplinks that use router advertisements lose their default route as soon as forwarding is on, unless accept_ra is already 2
  // (Documentation/networking/ip-sysctl.rst). Sysctls are written in this order.
  for (const uplink of view.config.uplinks) {
    emit('sysctl', `net/ipv6/conf/${uplink}/accept_ra`, { value: '2', shared: true, device: uplink });
  }
  planForwarding(view, emit);
  // Otherwise the flow label of encapsulated IPv4 is 0, and the underlay cannot distribute flows by it.
  emit('sysctl', 'net/ipv6/seg6_flowlabel', { value: '1', shared: true });
  // End.DT4 and End.DT46 require one VRF for each table (net/ipv6/seg6_local.c). The sysctl exists only after the first VRF.
  if (view.localPorts.size > 0) {
    emit('sysctl', 'net/vrf/strict_mode', { value: '1', shared: true });
    for (const family of ['inet', 'inet6']) emit('l3mdev-rule', family, { priority: L3MDEV_RULE_PRIORITY });
  }

  emit('local-rule', 'inet', { priority: LOCAL_RULE_PRIORITY });
  emit('local-rule', 'inet6', { priority: LOCAL_RULE_PRIORITY });
  emit('rule', ruleKey(6, OUTER_RULE_PRIORITY), {
    family: 6,
    priority: OUTER_RULE_PRIORITY,
    from: hostPrefix(source),
    to: view.sidBlock,
    action: 'table',
    table: MAIN_TABLE,
  });
  emit('rule', ruleKey(6, BLOCK_RULE_PRIORITY), {
    family: 6,
    priority: BLOCK_RULE_PRIORITY,
    to: view.sidBlock,
    l3mdev: true,
    action: 'unreachable',
  });

  emit('tunsrc', 'tunsrc', { address: source });
  planOwnAddresses(view, emit);
}

/** Plans a node whose fast path forwards alone: no rules, no forwarding, no seg6. */
export function planEbpfOnlyNode(view: IntentView, emit: Emit): void {
  planEbpfOnlyGuardTables(emit);
  planOwnAddresses(view, emit);
}

/** Plans the outer source, which route lookups use; the locator's discard rules; and the locator's announcement. */
function planOwnAddresses(view: IntentView, emit: Emit): void {
  const { locator, source } = view.self;
  emit('address', `lo ${hostPrefix(source)}`, { device: 'lo', prefix: hostPrefix(source) });
  planDiscard(locator, emit);
  planAnnouncement(view, emit);
}

/**
 * Discards destinations in the locator that do not exist. Otherwise packets to an absent SID would follow the default route and loop until their
 * hop limit expires. Rules, unlike a route, are not redistributed by routing daemons.
 */
function planDiscard(locator: string, emit: Emit): void {
  const base = { family: 6, to: locator } as const;
  // `lookup local` at 32765 comes after this: without this rule the outer source would be discarded too.
  emit('rule', ruleKey(6, LOCATOR_LOCAL_PRIORITY), {
    ...base,
    priority: LOCATOR_LOCAL_PRIORITY,
    action: 'table',
    table: LOCAL_TABLE,
  });
  emit('rule', ruleKey(6, LOCATOR_MAIN_PRIORITY), {
    ...base,
    priority: LOCATOR_MAIN_PRIORITY,
    action: 'table',
    table: MAIN_TABLE,
    suppressPrefixLength: LOCATOR_BITS,
  });
  emit('rule', ruleKey(6, LOCATOR_DISCARD_PRIORITY), {
    ...base,
    priority: LOCATOR_DISCARD_PRIORITY,
    action: 'blackhole',
  });
}

/**
 * Plans the route that routing daemons announce for the locator. All other nodes use it to reach this node's VMs and network nodes, so it is
 * removed only when no packets can arrive: the node drains, has no ports and belongs to no gateway.
 */
function planAnnouncement(view: IntentView, emit: Emit): void {
  const { announce = { table: MAIN_TABLE } } = view.config;
  const { name, locator, drain } = view.self;
  const isIdle = view.localPorts.size === 0 && !view.steering.isNetworkNode(name);
  if (announce === 'none' || (drain === true && isIdle)) return;
  emit('announce', announceKey(announce.table, locator), { table: announce.table, prefix: locator });
}

/** Enables forwarding for the underlay's interfaces if the kernel supports that, else for the whole host. */
function planForwarding({ config, facts }: IntentView, emit: Emit): void {
  if (facts.forwarding !== 'interfaces') {
    emit('sysctl', HOST_FORWARDING, { value: '1', shared: true });
    return;
  }
  const [pattern, value] = FORCE_FORWARDING;
  for (const device of [...config.uplinks, ...(config.inside ?? [])]) {
    emit('sysctl', ofDevice(pattern, device), { value, shared: true, device });
  }
}
