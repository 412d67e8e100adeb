import { domainPrefixes } from '../edge/plan.js';
import { planGuardTables, planLoneGuardTables } from '../port/guard-plan.js';
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

/** What the node needs whatever tenants it has. */
export function planNode(view: IntentView, emit: Emit): void {
  const { source } = view.self;
  planGuardTables(domainPrefixes(view), emit);

  // Uplinks that live on router advertisements lose their default route the moment forwarding is on, unless accept_ra is
  // 2 by then (Documentation/networking/ip-sysctl.rst); sysctls are written in this order.
  for (const uplink of view.config.uplinks) {
    emit('sysctl', `net/ipv6/conf/${uplink}/accept_ra`, { value: '2', shared: true, device: uplink });
  }
  planForwarding(view, emit);
  // Else the flow label of encapsulated IPv4 is 0, and the underlay has nothing to spread flows by.
  emit('sysctl', 'net/ipv6/seg6_flowlabel', { value: '1', shared: true });
  // End.DT4 and End.DT46 take one VRF a table for granted (net/ipv6/seg6_local.c). The sysctl comes with the first VRF.
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

/** What a node needs whose fast path forwards alone: no rules, no forwarding, no seg6. */
export function planLoneNode(view: IntentView, emit: Emit): void {
  planLoneGuardTables(emit);
  planOwnAddresses(view, emit);
}

/** The outer source, which routes are asked for from; the locator's discard; the locator's announcement. */
function planOwnAddresses(view: IntentView, emit: Emit): void {
  const { locator, source } = view.self;
  emit('address', `lo ${hostPrefix(source)}`, { device: 'lo', prefix: hostPrefix(source) });
  planDiscard(locator, emit);
  planAnnouncement(view, emit);
}

/**
 * Nothing else behind the locator: without this an absent SID follows the default route out and comes back until its hop
 * limit ends. Rules rather than a route, so that no routing daemon redistributes it.
 */
function planDiscard(locator: string, emit: Emit): void {
  const base = { family: 6, to: locator } as const;
  // With `lookup local` at 32765, after this, the outer source would be dropped too.
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
 * The route by which routing daemons announce the locator. Every other node reaches the VMs and network nodes here by it,
 * so it goes only when nothing is left that packets arrive for: the node drains, has no port and belongs to no gateway.
 */
function planAnnouncement(view: IntentView, emit: Emit): void {
  const { announce = { table: MAIN_TABLE } } = view.config;
  const { name, locator, drain } = view.self;
  const isIdle = view.localPorts.size === 0 && !view.steering.isNetworkNode(name);
  if (announce === 'none' || (drain === true && isIdle)) return;
  emit('announce', announceKey(announce.table, locator), { table: announce.table, prefix: locator });
}

/** Forwarding is on for the interfaces of the underlay where the kernel can tell them apart, else for the whole host. */
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
