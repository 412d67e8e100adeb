/** Checks of gateways: reachable network nodes, the programs of this one, interfaces of external networks and the routes behind them. */
import { attachments } from '../ebpf/attachments.js';
import { gatewayStates } from './states.js';
import { linkState } from '../kernel/links.js';
import { missingForFastpath } from '../ebpf/available.js';
import { familyOf, prefixContains, prefixOverlaps } from 'netlink-ts/inet';
import { decodeRoute, dumpRoutesRequest } from 'netlink-ts';
import { MAIN_TABLE } from '../plan/numbers.js';
import { FindingList, listed } from '../reconcile/findings.js';
import type { CheckedNode, FeatureFinding } from '../reconcile/observation.js';
import type { GatewayState } from './states.js';
import type { External } from './types.js';

/** Prefixes of the kernel's names of a network node's programs, at uplinks and at external interfaces. */
const PROGRAMS = ['segue_steer', 'segue_extern'];

/** Finds nothing on a node without gateways in its part of the intent. */
export function checkGateways(node: CheckedNode): FeatureFinding[] {
  const { intent, applied } = node;
  const findings = new FindingList();
  if (intent?.gateways === undefined) return findings.found;
  const states = gatewayStates(node);
  for (const state of states) checkNodes(state, findings);
  const own = states.filter(({ nodes }) => nodes.some(({ self }) => self)).map(({ gateway }) => gateway);
  if (own.length === 0) return findings.found;
  const externals = (intent.externals ?? []).filter(({ gateway }) => own.includes(gateway));
  const devices = externals.map((external) => external.interface);
  if (applied) checkPrograms(node, devices, findings);
  for (const external of externals) checkExternal(node, external, findings);
  return findings.found;
}

function checkNodes({ gateway, nodes }: GatewayState, findings: FindingList): void {
  const down = nodes.filter(({ state }) => state === 'down').map(({ node }) => node);
  const draining = nodes.filter(({ state }) => state === 'draining').map(({ node }) => node);
  const total = `${nodes.length} network node${nodes.length === 1 ? '' : 's'} of ${gateway}`;
  if (down.length === nodes.length) {
    findings.fail(
      `nodes.${gateway}`,
      `no route to any of the ${total}: ${listed(down)}`,
      'nothing passes between its tenants or to external networks: the underlay must route the locators of its network nodes',
    );
  } else if (down.length + draining.length === nodes.length) {
    findings.warn(
      `nodes.${gateway}`,
      `all of the ${total} that are up drain: ${listed(draining)}`,
      'new flows go to nodes that are to be removed: remove "drain" from one of them, or add a node',
    );
  } else if (down.length > 0) {
    findings.warn(
      `nodes.${gateway}`,
      `no route to ${down.length} of the ${total}: ${listed(down)}`,
      'the others take over its flows; connections that only it knew must be opened again: the underlay must route its locator',
    );
  } else findings.ok(`nodes.${gateway}`, `a route to each of the ${total}`);
}

/** Without its programs a network node forwards nothing: packets for its gateway SIDs end at the locator's blackhole. */
function checkPrograms({ kernel, config }: CheckedNode, externals: readonly string[], findings: FindingList): void {
  const missing =
    config.dataplane === 'kernel' ? 'dataplane: kernel' : missingForFastpath(kernel.fastpath.pinDirectory);
  if (missing !== undefined) {
    findings.fail(
      'fastpath',
      `a network node without a fast path: ${missing}`,
      'packets between tenants are dropped here: install what is missing, or remove this node from the gateway',
    );
    return;
  }
  const there = attachments(kernel).filter(({ program }) => PROGRAMS.some((name) => program.name.startsWith(name)));
  const needed = [...config.uplinks, ...externals.filter((device) => kernel.links.has(device))];
  const without = needed.filter((name) => !there.some(({ device }) => device === name));
  if (without.length > 0) {
    findings.fail(
      'programs',
      `no network-node program at ${listed(without)}`,
      'packets between tenants that arrive there are dropped: run segue apply, or start the agent',
    );
  } else findings.ok('programs', `network-node programs at ${listed(needed)}`);
}

function checkExternal(
  { kernel }: CheckedNode,
  { name, interface: device, prefixes }: External,
  findings: FindingList,
): void {
  const link = kernel.links.get(device);
  const lost = `packets to external network ${name} are dropped here`;
  if (link === undefined) {
    findings.fail(`external.${name}`, `${device} does not exist`, `${lost}: check "interface" of the external network`);
    return;
  }
  const state = linkState(link);
  if (state !== 'up') {
    const what = state === 'down' ? 'is down' : 'has no carrier';
    const how = state === 'down' ? `ip link set ${device} up` : 'check the cable and the far end';
    findings.fail(`external.${name}`, `${device} ${what}`, `${lost}: ${how}`);
    return;
  }
  findings.ok(`external.${name}`, `${device} up, mtu ${link.mtu}`);
  const routes = ([4, 6] as const).flatMap((family) =>
    kernel.socket
      .dump(dumpRoutesRequest({ family, table: MAIN_TABLE }), decodeRoute)
      .filter(({ oif, nexthops, type }) => {
        const devices = [oif, ...(nexthops ?? []).map((leg) => leg.oif)];
        return type === 'unicast' && devices.includes(link.index);
      })
      .map(({ prefix }) => prefix),
  );
  const covers = (prefix: string): boolean => routes.some((route) => isInside(route, prefix));
  const none = prefixes.filter((prefix) => !routes.some((route) => overlaps(route, prefix)));
  const some = prefixes.filter((prefix) => !covers(prefix) && !none.includes(prefix));
  if (none.length > 0) {
    findings.fail(
      `external-route.${name}`,
      `no route of the main table to ${listed(none)} dev ${device}`,
      `${lost}: add one (ip route add, or the routing daemon), as the kernel's route gives the next hop`,
    );
  }
  if (some.length > 0) {
    findings.warn(
      `external-route-part.${name}`,
      `the main table has routes only to parts of ${listed(some)} dev ${device}`,
      'packets to the rest are dropped here: a default route by that interface would cover it',
    );
  }
  if (none.length + some.length === 0) {
    findings.ok(`external-route.${name}`, `routes of the main table to ${listed(prefixes)} dev ${device}`);
  }
}

function isInside(outer: string, inner: string): boolean {
  return familyOf(outer) === familyOf(inner) && prefixContains(outer, inner);
}

function overlaps(a: string, b: string): boolean {
  return familyOf(a) === familyOf(b) && prefixOverlaps(a, b);
}
