import { MAX_SEGMENTS } from '../ebpf/plan.js';
import { MAX_PROXY_NEIGHBOURS_PER_PORT } from './numbers.js';
import type { IntentView } from './view.js';

/** The least MTU of a link that carries IPv6 (RFC 8200 section 5). */
const MIN_IPV6_MTU = 1280;

/** What a plan leaves undone or only half does, in words. */
export function planWarnings(view: IntentView): string[] {
  const warnings: string[] = [];
  const missing = view.facts.fastpath?.missing;
  if (missing !== undefined && !view.ebpfOnly) {
    warnings.push(`dataplane ${view.config.dataplane}: no fast path, the kernel forwards all by itself: ${missing}`);
  }
  if (view.ebpfOnly) warnings.push(...pathWarnings(view), ...gatewayWarnings(view));
  for (const name of view.localPorts.keys()) {
    const tenant = view.tenant(name);
    const members = view.members6.get(name)?.size ?? 0;
    if (view.fastpath === undefined && !view.usesNdpResponder && members > MAX_PROXY_NEIGHBOURS_PER_PORT) {
      warnings.push(
        `tenant ${name}: ${members} IPv6 members, proxy NDP answers for ${MAX_PROXY_NEIGHBOURS_PER_PORT} of them at each ` +
          `port: the others are reached only by VMs that have no on-link prefix (router advertisement without the L flag)${whyProxies(view)}`,
      );
    }
    const mtu = view.tenantMtu(tenant);
    if (mtu < MIN_IPV6_MTU && tenant.subnets.some(({ prefix }) => prefix.includes(':'))) {
      warnings.push(
        `tenant ${name}: MTU ${mtu} is below ${MIN_IPV6_MTU}, IPv6 will not work: give the uplinks a larger one`,
      );
    }
  }
  return warnings;
}

/** Why no program answers in the place of the entries. */
function whyProxies({ facts }: IntentView): string {
  const missing = facts.responder?.missing;
  return missing === undefined ? '' : `; a program would answer for all: ${missing}`;
}

/** Paths that an encapsulation of the fast path does not hold, where no kernel takes their traffic. */
function pathWarnings(view: IntentView): string[] {
  const warnings: string[] = [];
  for (const { tenant, node } of view.pairs()) {
    const segments = 1 + view.transit(tenant, node).length;
    if (segments <= MAX_SEGMENTS || !view.localPorts.has(tenant)) continue;
    warnings.push(
      `tenant ${tenant}: the path to ${node} has ${segments} segments, the fast path takes ${MAX_SEGMENTS}: what is for ` +
        'there is dropped (dataplane hybrid leaves it to the kernel)',
    );
  }
  return warnings;
}

/** The same of paths to network nodes: the tenant's flows may go by any of them. */
function gatewayWarnings(view: IntentView): string[] {
  const warnings: string[] = [];
  for (const tenant of view.localPorts.keys()) {
    for (const node of view.steering.gatewayOf(tenant)?.nodes ?? []) {
      const segments = 1 + view.transit(tenant, node).length;
      if (node === view.config.node || segments <= MAX_SEGMENTS) continue;
      warnings.push(
        `tenant ${tenant}: the path to network node ${node} has ${segments} segments, the fast path takes ${MAX_SEGMENTS}: ` +
          'nothing leaves the tenant (dataplane hybrid leaves it to the kernel)',
      );
    }
  }
  return warnings;
}
