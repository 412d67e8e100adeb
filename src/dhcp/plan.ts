/** Leases and advertisements of ports, and the programs that answer with them. */
import { tenantMtu } from '../encap/paths.js';
import { memberKey } from '../ebpf/member-key.js';
import { lease4Of, lease6Of, raModeOf, routerAdvertisementOf } from './lease.js';
import { ROUTER_ADDRESS } from './router-advertisement.js';
import type { Emit } from '../plan/plan.js';
import type { IntentView } from '../plan/view.js';
import type { Port, Tenant } from '../intent/types.js';

/** The programs serve all ports of the node, whether one of them has a lease or not. */
export function planReplyPrograms(view: IntentView, emit: Emit): void {
  if (view.localPorts.size === 0 || (view.fastpath === undefined && !view.usesNdpResponder)) return;
  const use = view.ebpfOnly ? { alone: true as const } : {};
  for (const program of ['dhcp4_tc', 'dhcp6_tc'] as const) emit('reply-program', program, { program, ...use });
}

/** A VM on this node. */
export function planLeases(view: IntentView, port: Port, emit: Emit): void {
  if (view.fastpath === undefined && !view.usesNdpResponder) return;
  const tenant = view.tenant(port.tenant);
  const device = port.interface;
  const mtu = tenantMtu(view, tenant);
  const lease4 = lease4Of(tenant, port, mtu);
  const lease6 = lease6Of(tenant, port);
  const advertisement = routerAdvertisementOf(tenant, port, mtu);
  if (lease4 !== undefined) emit('bpf-dhcp4', device, lease4);
  if (lease4 !== undefined && port.boot !== undefined) emit('bpf-boot', device, port.boot);
  if (lease6 !== undefined) emit('bpf-dhcp6', device, lease6);
  if (advertisement !== undefined) emit('bpf-ra', device, advertisement);
}

/** The router's address is one of the tenant's gateways: VMs ask for it, and whether it is still there (RFC 4861 section 7.3). */
export function planRouter(view: IntentView, tenant: Tenant, emit: Emit): void {
  if (view.fastpath === undefined || tenant.subnets.every((subnet) => raModeOf(subnet) === 'none')) return;
  emit('bpf-member', memberKey(tenant.id, ROUTER_ADDRESS), { tenant: tenant.id, gateway: true });
}
