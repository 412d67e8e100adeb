/** Steering: network nodes that can be reached, programs of this one, interfaces of external networks with a way to what lies there. */
import { showContext } from '../inspect/context.js';
import { attachments } from '../inspect/fastpath.js';
import { gatewayStates } from '../inspect/gateways.js';
import { linkState } from '../inspect/format.js';
import { missingForFastpath } from '../../ebpf/available.js';
import { familyOf, prefixContains, prefixOverlaps } from 'netlink-ts/inet';
import { decodeRoute, dumpRoutesRequest } from 'netlink-ts';
import { MAIN_TABLE } from '../../plan/numbers.js';
import { listed } from './sysctls.js';
import { Findings } from './types.js';
import type { GatewayState } from '../inspect/gateways.js';
import type { External } from '../../intent/types.js';
import type { Check, CheckContext } from './types.js';

/** What a network node's programs at uplinks and external interfaces are called by the kernel. */
const PROGRAMS = ['segue_steer', 'segue_extern'];

/** Nothing on a node that has to do with no gateway. */
export function checkGateways(context: CheckContext): Check[] {
  const { instance, intent, applied } = context;
  const findings = new Findings('gateway');
  if (intent?.gateways === undefined) return findings.checks;
  const states = gatewayStates(showContext(instance, intent));
  for (const state of states) checkNodes(state, findings);
  const own = states.filter(({ nodes }) => nodes.some(({ self }) => self)).map(({ gateway }) => gateway);
  if (own.length === 0) return findings.checks;
  const externals = (intent.externals ?? []).filter(({ gateway }) => own.includes(gateway));
  const devices = externals.map((external) => external.interface);
  if (applied) checkPrograms(context, devices, findings);
  for (const external of externals) checkExternal(context, external, findings);
  return findings.checks;
}

function checkNodes({ gateway, nodes }: GatewayState, findings: Findings): void {
  const down = nodes.filter(({ state }) => state === 'down').map(({ node }) => node);
  const draining = nodes.filter(({ state }) => state === 'draining').map(({ node }) => node);
  const total = `${nodes.length} network node${nodes.length === 1 ? '' : 's'} of ${gateway}`;
  if (down.length === nodes.length) {
    findings.fail(
      `nodes.${gateway}`,
      `no way to any of the ${total}: ${listed(down)}`,
      'nothing passes between its tenants, nor to external networks: the underlay must route their locators',
    );
  } else if (down.length + draining.length === nodes.length) {
    findings.warn(
      `nodes.${gateway}`,
      `of the ${total} none is up that does not drain: ${listed(draining)}`,
      'new flows go to nodes that are to be taken away: take "drain" from one of them, or add one',
    );
  } else if (down.length > 0) {
    findings.warn(
      `nodes.${gateway}`,
      `no way to ${down.length} of the ${total}: ${listed(down)}`,
      'the others have its flows; connections that it alone knew are opened anew: the underlay must route its locator',
    );
  } else findings.ok(`nodes.${gateway}`, `a way to each of the ${total}`);
}

/** Without a program a network node takes nothing: what arrives for its SIDs ends at the locator's blackhole. */
function checkPrograms({ instance }: CheckContext, externals: readonly string[], findings: Findings): void {
  const { kernel, config } = instance;
  const missing =
    config.dataplane === 'kernel' ? 'dataplane: kernel' : missingForFastpath(kernel.fastpath.pinDirectory);
  if (missing !== undefined) {
    findings.fail(
      'fastpath',
      `a network node without a fast path: ${missing}`,
      'what arrives to be decided is dropped here: install what is missing, or take this node out of the gateway',
    );
    return;
  }
  const there = attachments(kernel).filter(({ program }) => PROGRAMS.some((name) => program.name.startsWith(name)));
  const needed = [...config.uplinks, ...externals.filter((device) => kernel.links.has(device))];
  const without = needed.filter((name) => !there.some(({ device }) => device === name));
  if (without.length > 0) {
    findings.fail(
      'programs',
      `no program of a network node at ${listed(without)}`,
      'what arrives there to be decided is dropped: segue apply, or start the agent',
    );
  } else findings.ok('programs', `programs of a network node at ${listed(needed)}`);
}

function checkExternal(
  { instance }: CheckContext,
  { name, interface: device, prefixes }: External,
  findings: Findings,
): void {
  const { kernel } = instance;
  const link = kernel.links.get(device);
  const lost = `what is for external network ${name} is dropped here`;
  if (link === undefined) {
    findings.fail(`external.${name}`, `${device} does not exist`, `${lost}: see "interface" of the external network`);
    return;
  }
  const state = linkState(link);
  if (state !== 'up') {
    const what = state === 'down' ? 'is down' : 'has no carrier';
    const how = state === 'down' ? `ip link set ${device} up` : 'see the cable, or the far end';
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
      `${lost}: ip route add, or the routing daemon; the next hop is the kernel's to know`,
    );
  }
  if (some.length > 0) {
    findings.warn(
      `external-route-part.${name}`,
      `the main table has routes to parts of ${listed(some)} dev ${device} alone`,
      'what is for the rest is dropped here: a default route by that interface would take it',
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
