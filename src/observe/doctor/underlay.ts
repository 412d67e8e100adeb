/** Checks what the overlay requires of the underlay: an outer source, and routes to the locators of all other nodes. */
import { decodeAddress, decodeRule, dumpAddressesRequest, dumpRulesRequest, getTunnelSource } from 'netlink-ts';
import { prefixAddress } from 'netlink-ts/inet';
import { underlayRouteTo } from '../../host/underlay-route.js';
import { LOCATOR_DISCARD_PRIORITY, LOCATOR_LOCAL_PRIORITY, LOCATOR_MAIN_PRIORITY } from '../../plan/numbers.js';
import { announceKey } from '../../host/announce-key.js';
import { announceResource } from '../../host/announce-resource.js';
import { isOurRule } from '../../vrf/rule-resource.js';
import { listed } from '../../reconcile/findings.js';
import { Findings } from './types.js';
import type { Check, CheckContext } from './types.js';
import type { IntentNode } from '../../intent/types.js';
import type { Kernel } from '../../kernel/kernel.js';

const LOCATOR_PRIORITIES = [LOCATOR_LOCAL_PRIORITY, LOCATOR_MAIN_PRIORITY, LOCATOR_DISCARD_PRIORITY] as const;

export async function checkUnderlay(context: CheckContext): Promise<Check[]> {
  const { instance, intent, applied, alone } = context;
  const { kernel, config } = instance;
  const findings = new Findings('underlay');
  const self = intent?.nodes.find(({ name }) => name === config.node);
  if (intent === undefined || self === undefined) return findings.checks;
  if (applied) {
    checkSource(kernel, self, alone, findings);
    await checkAnnouncement(context, self, findings);
  }
  checkRoutes(context, self, intent.nodes, findings);
  return findings.checks;
}

function checkSource(kernel: Kernel, { source, locator }: IntentNode, alone: boolean, findings: Findings): void {
  const tunsrc = alone ? source : getTunnelSource(kernel.generic);
  if (alone) findings.ok('tunsrc', `outer source ${source}`);
  else if (tunsrc === source) findings.ok('tunsrc', `sr tunsrc ${tunsrc}`);
  else {
    findings.fail(
      'tunsrc',
      tunsrc === '::' ? 'no sr tunsrc' : `sr tunsrc ${tunsrc}, expected ${source}`,
      "the kernel picks any address of the node as outer source, even a tenant's gateway: ip sr tunsrc set, or segue apply",
    );
  }
  const addresses = kernel.socket.dump(dumpAddressesRequest({ family: 6 }), decodeAddress);
  if (addresses.some(({ address }) => address === source))
    findings.ok('source', `${source} is an address of this node`);
  else
    findings.fail(
      'source',
      `${source} is not an address of this node`,
      'packets to it are lost: segue apply adds it to lo',
    );

  checkDiscard(kernel, locator, findings);
}

function checkDiscard(kernel: Kernel, locator: string, findings: Findings): void {
  const rules = kernel.socket
    .dump(dumpRulesRequest(6), decodeRule)
    .filter((rule) => isOurRule(rule) && rule.to === locator);
  const missing = LOCATOR_PRIORITIES.filter((wanted) => !rules.some(({ priority }) => priority === wanted));
  if (missing.length === 0) findings.ok('locator', `rule pref ${LOCATOR_DISCARD_PRIORITY} to ${locator} blackhole`);
  else {
    findings.fail(
      'locator',
      `no rule of pref ${missing.join(', ')} for the own locator ${locator}`,
      'packets to SIDs that do not exist loop between this node and the router until their hop limit expires: run segue apply',
    );
  }
}

/** Checks whether the underlay can learn of the locator, and from whose route. */
async function checkAnnouncement(
  { instance, intent }: CheckContext,
  { locator }: IntentNode,
  findings: Findings,
): Promise<void> {
  const { kernel } = instance;
  if (intent === undefined) return;
  const wanted = instance.plan(intent).announce;
  const found = await announceResource.list(kernel, wanted);
  const [planned] = wanted.values();
  if (planned === undefined) {
    const why = instance.config.announce === 'none' ? '"announce: none"' : 'the node drains and nothing is left on it';
    findings.ok('announcement', `${locator} is not announced: ${why}`);
    return;
  }
  const { table, prefix } = planned;
  const there = found.get(announceKey(table, prefix), planned);
  if (there === undefined) {
    findings.warn(
      'announcement',
      `no route blackhole ${prefix} in table ${table}`,
      'routing daemons do not announce the locator; the route is made once everything else is in place and nothing fails: segue diff',
    );
  } else if (there.protocol !== undefined) {
    findings.warn(
      'announcement',
      `the route for ${prefix} in table ${table} is not segue's (protocol ${there.protocol})`,
      'it stays whether this node is ready or not: remove it, or set "announce: none"',
    );
  } else findings.ok('announcement', `blackhole ${prefix} table ${table}: the locator is announced`);
}

function checkRoutes(
  { instance }: CheckContext,
  self: IntentNode,
  nodes: readonly IntentNode[],
  findings: Findings,
): void {
  const { kernel, config } = instance;
  const remote = nodes.filter(({ name }) => name !== self.name);
  const lost: string[] = [];
  const astray: string[] = [];
  for (const { name, locator } of remote) {
    const way = underlayRouteTo(kernel, prefixAddress(locator), self.source);
    if (way.device === undefined) lost.push(`${name} ${locator} (${way.error})`);
    else if (!config.uplinks.includes(way.device)) astray.push(`${name} ${locator} (dev ${way.device})`);
  }
  const total = `${remote.length} other node${remote.length === 1 ? '' : 's'}`;
  if (lost.length > 0) {
    findings.fail(
      'routes',
      `no route to ${lost.length} of ${total}: ${listed(lost)}`,
      'tenants do not reach their members there: the underlay must route each locator (static, OSPF, IS-IS, BGP)',
    );
  }
  if (astray.length > 0) {
    findings.warn(
      'routes-device',
      `the route to ${astray.length} of ${total} does not leave by an uplink: ${listed(astray)}`,
      `the tenants' MTU is derived from that of the uplinks (${config.uplinks.join(' ')}): add that device to "uplinks"`,
    );
  }
  if (lost.length === 0 && astray.length === 0) findings.ok('routes', `a route to each of ${total}`);
}
