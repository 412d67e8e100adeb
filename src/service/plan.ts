/** Plans the node's services: their namespace, settings of programs, and the ports that may use them. */
import { tenantMtu } from '../encap/paths.js';
import { memberKey } from '../ebpf/member-key.js';
import { DEFAULT_HOP_LIMIT } from '../intent/bounds.js';
import { addressesOf, kindBits, servicesOf } from './kinds.js';
import { SERVICE_DEVICE, serviceNetns } from './address.js';
import { describePort } from './port-file.js';
import type { Emit } from '../plan/plan.js';
import type { IntentView } from '../plan/view.js';
import type { Port, Tenant } from '../intent/types.js';

/** Whether the node file has services, and programs of ports can redirect to them. */
function hasServices(view: IntentView): boolean {
  return view.facts.servicePrefix !== undefined && (view.fastpath !== undefined || view.usesNdpResponder);
}

export function planServices(view: IntentView, emit: Emit): void {
  const { servicePrefix: prefix } = view.facts;
  const { node, metadata } = view.config;
  if (prefix === undefined || !hasServices(view) || view.localPorts.size === 0) return;
  const device = SERVICE_DEVICE;
  const kinds = kindBits(servicesOf(view.config));
  const use = view.ebpfOnly ? { alone: true as const } : {};
  emit('service-link', device, { netns: serviceNetns(node), prefix });
  emit('bpf-service', 'service', { prefix, device, hopLimit: metadata?.hopLimit ?? DEFAULT_HOP_LIMIT, kinds });
  emit('reply-program', 'service_tc', { program: 'service_tc', ...use });
  emit('bpf-program', `${device} tcx`, { device, hook: 'tcx', program: 'service_return_tc', ...use });
  emit('bpf-program', `${device} tcx-egress`, { device, hook: 'tcx-egress', program: 'service_gate_tc', ...use });
}

/** Plans addresses for which the node answers, like the tenant's gateways. */
export function planServiceMembers(view: IntentView, { id }: Tenant, emit: Emit): void {
  if (view.fastpath === undefined || !hasServices(view)) return;
  for (const address of addressesOf(view.config))
    emit('bpf-member', memberKey(id, address), { tenant: id, gateway: true });
}

export function planServicePort(view: IntentView, port: Port, emit: Emit): void {
  if (!hasServices(view)) return;
  const device = port.interface;
  const tenant = view.tenant(port.tenant);
  emit('service-port', device, { text: describePort(tenant, port, tenantMtu(view, tenant)) });
  if (!view.usesNdpResponder) return;
  // With a fast path these are planned anyway.
  for (const from of port.addresses) emit('bpf-source', `${device} ${from}`, { device, from });
  for (const from of port.prefixes) emit('bpf-source-prefix', `${device} ${from}`, { device, from });
}
