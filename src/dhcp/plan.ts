/** Plans leases and advertisements of ports, and the programs that reply with them. */
import { tenantMtu } from '../encap/paths.js';
import { memberKey } from '../ebpf/member-key.js';
import { bootOf, lease4Of, lease6Of, raModeOf, routerAdvertisementOf } from './lease.js';
import { ROUTER_ADDRESS } from './router-advertisement.js';
import type { Emit } from '../plan/plan.js';
import type { IntentView } from '../plan/view.js';
import type { Port, Tenant } from '../intent/types.js';

/** Plans the programs, which serve all ports, with or without leases. */
export function planReplyPrograms(view: IntentView, emit: Emit): void {
  if (view.localPorts.size === 0 || (view.fastpath === undefined && !view.usesNdpResponder)) return;
  const use = view.ebpfOnly ? { alone: true as const } : {};
  for (const program of ['dhcp4_tc', 'dhcp6_tc'] as const) emit('reply-program', program, { program, ...use });
}

/** Plans the templates of a VM on this node. */
export function planLeases(view: IntentView, port: Port, emit: Emit): void {
  if (view.fastpath === undefined && !view.usesNdpResponder) return;
  const tenant = view.tenant(port.tenant);
  const device = port.interface;
  const mtu = tenantMtu(view, tenant);
  const lease4 = lease4Of(tenant, port, mtu);
  const lease6 = lease6Of(tenant, port);
  const advertisement = routerAdvertisementOf(tenant, port, mtu);
  if (lease4 !== undefined) emit('bpf-dhcp4', device, lease4);
  const boot = lease4 && bootOf(tenant, port.boot, lease4);
  if (boot !== undefined) emit('bpf-boot', device, boot);
  if (lease6 !== undefined) emit('bpf-dhcp6', device, lease6);
  if (advertisement !== undefined) emit('bpf-ra', device, advertisement);
}

/** Plans the router's address as one of the tenant's gateways: VMs resolve it, and probe its reachability (RFC 4861 section 7.3). */
export function planRouter(view: IntentView, tenant: Tenant, emit: Emit): void {
  if (view.fastpath === undefined || tenant.subnets.every((subnet) => raModeOf(subnet) === 'none')) return;
  emit('bpf-member', memberKey(tenant.id, ROUTER_ADDRESS), { tenant: tenant.id, gateway: true });
}
