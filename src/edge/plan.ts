/**
 * The edge of the SR domain (RFC 8754 section 5.1): no packet from outside enters with an address of the domain, in every data plane. The domain's
 * prefixes are the SID block and the trusted prefixes; inside are the uplinks, `inside:` and lo.
 */
import { hostAddress, prefixContains } from 'netlink-ts/inet';
import { elementKey, quote } from '../reconcile/nft-objects.js';
import { EDGE_TABLE, edgeTable } from './edge-table.js';
import type { Emit } from '../plan/plan.js';
import type { IntentView } from '../plan/view.js';

/** The part of an intent that the edge requires, which may be readable even in an invalid intent. */
export interface Domain {
  sidBlock: string;
  trusted: readonly string[];
}

/** Plans the table, and elements that concern the whole node. */
export function planEdge(view: IntentView, emit: Emit): void {
  const { config, self } = view;
  planEdgeTable(view.limitsForwarding, config, view, emit);
  for (const source of [self.source, ...(self.acceptedSources ?? [])]) emitElement(emit, 'own_sources', source);
  if (config.sourceCheck !== false) {
    emitElement(emit, 'locator', self.locator);
    for (const prefix of view.trusted) emitElement(emit, 'trusted', elementOf(prefix));
  }
  if (!view.limitsForwarding) return;
  for (const name of [...config.uplinks, ...(config.inside ?? [])]) emitElement(emit, 'forwarders', quote(name));
  for (const { gateway, interface: device } of view.steering.externals.values()) {
    if (view.steering.gateways.get(gateway)?.nodes.includes(config.node)) emitElement(emit, 'externals', quote(device));
  }
}

/** Plans the minimal edge, which protects the domain without knowing its nodes. */
export function planEdgeTable(
  limitsForwarding: boolean,
  { uplinks, inside = [] }: { uplinks: readonly string[]; inside?: readonly string[] },
  domain: Domain,
  emit: Emit,
): void {
  emit('edge', EDGE_TABLE, { table: EDGE_TABLE, text: edgeTable(limitsForwarding) });
  for (const name of [...uplinks, ...inside]) emitElement(emit, 'inside', quote(name));
  for (const prefix of domainPrefixes(domain)) emitElement(emit, 'domain', elementOf(prefix));
}

/** Plans an outer source of the domain. */
export function planEdgeSource(view: IntentView, source: string, emit: Emit): void {
  const { source: own, acceptedSources = [] } = view.self;
  if (view.config.sourceCheck !== false && source !== own && !acceptedSources.includes(source)) {
    emitElement(emit, 'sources', source);
  }
  if (!isInDomain(view, source)) emitElement(emit, 'distant_sources', source);
}

/** Allows forwarding of one of segue's VRFs. */
export function planEdgeVrf(view: IntentView, device: string, emit: Emit): void {
  if (view.limitsForwarding) emitElement(emit, 'forwarders', quote(device));
}

/** The domain's prefixes without those inside another, which interval sets reject. */
export function domainPrefixes({ sidBlock, trusted }: Domain): string[] {
  return [sidBlock, ...trusted.filter((prefix) => !prefixContains(sidBlock, prefix))];
}

function isInDomain(domain: Domain, address: string): boolean {
  return domainPrefixes(domain).some((prefix) => prefixContains(prefix, address));
}

/** nft prints a host prefix without its length. */
function elementOf(prefix: string): string {
  return hostAddress(prefix) ?? prefix;
}

function emitElement(emit: Emit, set: string, element: string): void {
  const value = { table: EDGE_TABLE, set, element };
  emit('edge', elementKey(value), value);
}
