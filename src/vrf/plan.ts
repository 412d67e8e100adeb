import { DEFAULT_METRIC, routeKey } from '../encap/route-key.js';
import { localBehaviours } from '../encap/plan.js';
import { tenantSid } from '../encap/sid.js';
import { MAIN_TABLE, SEAL_METRIC, tenantTable, vrfName } from '../plan/numbers.js';
import { planVrfGuard } from '../port/guard-plan.js';
import { FORCE_FORWARDING, planSysctls } from '../host/sysctl-plan.js';
import { planEdgeVrf } from '../edge/plan.js';
import type { Emit } from '../plan/plan.js';
import type { IntentView } from '../plan/view.js';
import type { Tenant } from '../intent/types.js';

/** Prefix of the alias that marks segue's VRFs. */
export const ALIAS_PREFIX = 'segue:';

/**
 * Plans a tenant on this node: its VRF, the seal of its table, and its local SIDs.
 *
 * The seal keeps packets in the VRF: destinations that no member has must not fall through to main (`unreachable default`), and absent members of a
 * subnet must not match a default route to a gateway, or proxy ARP would answer for them (`unreachable` for each subnet).
 */
export function planTenant(view: IntentView, tenant: Tenant, emit: Emit): void {
  const table = tenantTable(tenant.id);
  const device = vrfName(tenant.id);
  emit('vrf', device, { table, alias: ALIAS_PREFIX + tenant.name });
  planVrfGuard(device, tenant, emit);
  planEdgeVrf(view, device, emit);
  planSysctls(VRF_SYSCTLS, device, emit);
  if (view.facts.forwarding === 'interfaces') planSysctls([FORCE_FORWARDING], device, emit);

  for (const prefix of ['0.0.0.0/0', '::/0']) {
    emit('route', routeKey(table, prefix, SEAL_METRIC), { table, prefix, type: 'unreachable', metric: SEAL_METRIC });
  }
  for (const { prefix } of tenant.subnets) {
    const metric = SEAL_METRIC;
    emit('route', routeKey(table, prefix, metric), { table, prefix, type: 'unreachable', metric });
  }
  for (const action of localBehaviours(view)) {
    const prefix = `${tenantSid(view.self.locator, action, tenant.id)}/128`;
    const metric = DEFAULT_METRIC[6];
    emit('route', routeKey(MAIN_TABLE, prefix, metric), {
      table: MAIN_TABLE,
      prefix,
      type: 'unicast',
      metric,
      device,
      local: { action, vrfTable: table },
    });
  }
}

/**
 * IPv4 forwarding is enabled only on segue's devices; the host's own setting is unchanged. `accept_local`: all hypervisors have the same gateway
 * address, so ICMP errors from a remote one have a local address as their source and would be dropped as martians (fib_validate_source,
 * net/ipv4/fib_frontend.c).
 */
const VRF_SYSCTLS: readonly [string, string][] = [
  ['net/ipv4/conf/*/forwarding', '1'],
  ['net/ipv4/conf/*/accept_local', '1'],
  ['net/ipv4/conf/*/rp_filter', '0'],
];
