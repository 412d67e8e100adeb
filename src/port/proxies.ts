/** Proxy NDP where no program answers instead: a unit of the plan for each tenant. */
import { isIPv6 } from 'node:net';
import { MAX_PROXY_NEIGHBOURS_PER_PORT } from '../plan/numbers.js';
import { planProxies } from './plan.js';
import type { UnitClass } from '../plan/units.js';
import type { IntentView } from '../plan/view.js';
import type { Port } from '../intent/types.js';

export const PROXIES: UnitClass = {
  name: 'proxies',
  keys: (view) => view.tenants.keys(),
  plan(view, key, emit) {
    planProxies(view, key, emit);
  },
};

/** Whether a port has proxy entries at other ports, or entries of its own. */
export function affectsProxies(view: IntentView, port: Port): boolean {
  return view.isLocal(port) || port.addresses.some((address) => isIPv6(address));
}

/** Warns of tenants with more members than possible entries. */
export function* proxyWarnings(view: IntentView): Generator<string> {
  if (!view.hasProxies) return;
  for (const name of view.localPorts.keys()) {
    const members = view.members6.get(name)?.size ?? 0;
    if (members <= MAX_PROXY_NEIGHBOURS_PER_PORT) continue;
    yield (
      `tenant ${name}: ${members} IPv6 members, but proxy NDP answers for only ${MAX_PROXY_NEIGHBOURS_PER_PORT} of them at each ` +
      `port: the others are reached only by VMs that have no on-link prefix (router advertisement without the L flag)${whyProxies(view)}`
    );
  }
}

/** Why no program answers instead of the entries. */
function whyProxies({ facts }: IntentView): string {
  const missing = facts.responder?.missing;
  return missing === undefined ? '' : `; an eBPF program would answer for all of them, but cannot run: ${missing}`;
}
