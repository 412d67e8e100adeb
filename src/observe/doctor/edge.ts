/** Checks the edge of the SR domain: loaded now and at the next boot, and the host's own traffic that it would stop. */
import { domainPrefixes } from '../../edge/plan.js';
import { readEdgeFile } from '../../edge/edge-file.js';
import { EDGE_TABLE } from '../../edge/edge-table.js';
import { readGuardCounters } from '../inspect/guard-counters.js';
import { NftError } from '../../kernel/nft.js';
import { formatAddress, parsePrefix, prefixContains } from 'netlink-ts/inet';
import { decodeRoute, dumpRoutesRequest, isNetlinkError, lookupRoute } from 'netlink-ts';
import { readFacts } from '../../agent/facts.js';
import { isOurVrf } from '../../vrf/ours.js';
import { MAIN_TABLE } from '../../plan/numbers.js';
import { listed } from '../../reconcile/findings.js';
import { Findings } from './types.js';
import type { Check, CheckContext } from './types.js';
import type { Kernel } from '../../kernel/kernel.js';
import type { Intent, NodeConfig } from '../../intent/types.js';

/** An Internet router has more routes; a management network has few. */
const MAX_ROUTES = 1_000;

/** Link scope: such addresses are never taken for the domain's. */
const LINK_SCOPE = ['fe80::/10', 'ff00::/8'];

export async function checkEdge({ instance, intent, applied, hasNft }: CheckContext): Promise<Check[]> {
  const { kernel, config } = instance;
  const findings = new Findings('edge');
  const isLoaded = hasNft && (await hasTable(kernel));
  if (!hasNft) findings.warn('table', `unknown whether nft table ${EDGE_TABLE} is loaded`, 'install nftables');
  else if (isLoaded) findings.ok('table', `nft table ${EDGE_TABLE} is loaded`);
  else if (applied)
    findings.fail(
      'table',
      `no nft table ${EDGE_TABLE}`,
      'packets can enter the SR domain by any interface of this host: run segue edge load or segue apply, and find out what flushes rulesets (nftables.service)',
    );
  else findings.warn('table', `no nft table ${EDGE_TABLE} yet`, 'segue apply and segue edge load make it');
  if (applied) checkFile(config.node, findings);
  if (isLoaded) await checkForwarding(kernel, config, intent, findings);
  if (intent !== undefined) checkSources(kernel, config, intent, findings);
  return findings.checks;
}

async function hasTable(kernel: Kernel): Promise<boolean> {
  try {
    await kernel.nft(['-t', 'list', 'table', ...EDGE_TABLE.split(' ')]);
    return true;
  } catch (error) {
    if (error instanceof NftError) return false;
    throw error;
  }
}

function checkFile(node: string, findings: Findings): void {
  try {
    findings.ok('file', `the edge is saved for the next boot: ${readEdgeFile(node).path}`);
  } catch (error) {
    findings.warn(
      'file',
      error instanceof Error ? error.message : String(error),
      'at boot the edge is made from the node file and the intent, if both can be read: segue apply saves it; check the disk',
    );
  }
}

/** Before Linux 6.17 forwarding can only be enabled for the whole host. */
async function checkForwarding(
  kernel: Kernel,
  config: NodeConfig,
  intent: Intent | undefined,
  findings: Findings,
): Promise<void> {
  const { forwarding } = readFacts(kernel, config, intent);
  if (forwarding !== 'host') return;
  const counters = await readGuardCounters(kernel);
  const dropped = counters.find(({ reason }) => reason === 'host-forwarding')?.packets ?? 0;
  const what =
    'only segue has turned IPv6 forwarding on: packets that neither enter nor leave by an interface of segue are dropped';
  if (dropped === 0) findings.ok('forwarding', what);
  else {
    findings.warn(
      'forwarding',
      `${what}: ${dropped} packets so far`,
      'should this host route IPv6 for others, too? Then set net.ipv6.conf.all.forwarding=1 before segue starts (segue purge, sysctl.d)',
    );
  }
}

/**
 * At an interface outside the domain the host must use that interface's address: replies to an address of the domain are dropped. Queried from the
 * kernel, which uses the locator's address on lo if the interface has no address of a suitable scope.
 */
function checkSources(kernel: Kernel, config: NodeConfig, intent: Intent, findings: Findings): void {
  const domain = domainPrefixes({ sidBlock: intent.sidBlock, trusted: intent.trusted ?? [] });
  const inside = new Set(['lo', ...config.uplinks, ...(config.inside ?? [])]);
  const ports = new Set(intent.ports.filter(({ node }) => node === config.node).map((port) => port.interface));
  const found = new Map<string, string[]>();
  let asked = 0;
  for (const route of kernel.socket.dump(dumpRoutesRequest({ family: 6, table: MAIN_TABLE }), decodeRoute)) {
    if (route.type !== 'unicast' || LINK_SCOPE.some((prefix) => prefixContains(prefix, route.prefix))) continue;
    for (const { oif, gateway } of route.nexthops ?? [route]) {
      const link = oif === undefined ? undefined : kernel.links.get(kernel.links.nameOf(oif));
      if (link === undefined || inside.has(link.name) || ports.has(link.name) || isOurVrf(link)) continue;
      if (++asked > MAX_ROUTES) break;
      const source = sourceTowards(kernel, someAddress(route.prefix), link.index);
      if (source === undefined || !domain.some((prefix) => prefixContains(prefix, source))) continue;
      const to = route.prefix === '::/0' ? 'default' : route.prefix;
      const words = `${to}${gateway === undefined ? '' : ` via ${gateway}`} (from ${source})`;
      found.set(link.name, [...(found.get(link.name) ?? []), words]);
    }
  }
  if (found.size === 0) {
    findings.ok('sources', 'connections of this host by interfaces outside the domain have sources outside the domain');
  }
  for (const [device, routes] of found) {
    findings.fail(
      `sources.${device}`,
      `connections of this host by ${device} would have a source of the SR domain: ${listed(routes)}`,
      'replies are dropped at the edge: give the interface an address of its own, and these routes "src <that address>"',
    );
  }
}

/** The source that the kernel would choose; undefined if the route does not use this device. */
function sourceTowards(kernel: Kernel, to: string, oif: number): string | undefined {
  try {
    const route = kernel.socket.get(lookupRoute({ to, oif }), decodeRoute);
    return route?.oif === oif && route.type === 'unicast' ? route.prefSrc : undefined;
  } catch (error) {
    if (isNetlinkError(error)) return undefined;
    throw error;
  }
}

/** An address inside a route's prefix that no interface is likely to have; a global one for a default route. */
function someAddress(prefix: string): string {
  const parsed = parsePrefix(prefix === '::/0' ? '2000::/16' : prefix);
  if (!parsed.ok) throw new RangeError(`${prefix}: expected a prefix`);
  const bytes = Uint8Array.from(parsed.prefix.bytes);
  if (parsed.prefix.length <= 112) bytes.set([0xfe, 0xed], 14);
  return formatAddress(bytes);
}
