import { familyOfPrefix } from '../encap/plan.js';
import { tenantMtu } from '../encap/paths.js';
import { DEFAULT_METRIC, routeKey } from '../encap/route-key.js';
import { gatewayMacOf } from '../intent/gateway-mac.js';
import { hostPrefix } from 'netlink-ts/inet';
import { tenantTable, vrfName } from '../plan/numbers.js';
import { FORCE_FORWARDING, planSysctls } from '../host/sysctl-plan.js';
import { planEbpfOnlyPortGuard, planPortGuard, planReceiverGuard } from './guard-plan.js';
import type { Emit } from '../plan/plan.js';
import type { IntentView } from '../plan/view.js';
import type { Port } from '../intent/types.js';

/** Plans the interface of a VM on this node. */
export function planLocalPort(view: IntentView, port: Port, emit: Emit): void {
  const tenant = view.tenant(port.tenant);
  const table = tenantTable(tenant.id);
  const device = port.interface;
  const mtu = tenantMtu(view, tenant);
  planPortGuard(port, mtu, emit);
  planReceiverGuard(vrfName(tenant.id), port, emit);
  emit('port', device, { vrf: vrfName(tenant.id), mtu, mac: gatewayMacOf(tenant) });
  planSysctls(PORT_SYSCTLS, device, emit);
  if (view.facts.forwarding === 'interfaces') planSysctls([FORCE_FORWARDING], device, emit);

  for (const subnet of tenant.subnets) {
    const prefix = hostPrefix(subnet.gateway);
    emit('address', `${device} ${prefix}`, { device, prefix, noprefixroute: true });
  }
  for (const address of port.addresses) {
    emit('neighbour', `${device} ${address}`, { device, address, mac: port.mac });
    const prefix = hostPrefix(address);
    const metric = DEFAULT_METRIC[familyOfPrefix(prefix)];
    emit('route', routeKey(table, prefix, metric), { table, prefix, type: 'unicast', metric, device });
  }
  for (const prefix of port.prefixes) {
    const family = familyOfPrefix(prefix);
    const via = port.addresses.find((address) => familyOfPrefix(address) === family);
    if (via === undefined) continue;
    const metric = DEFAULT_METRIC[family];
    emit('route', routeKey(table, prefix, metric), { table, prefix, type: 'unicast', metric, device, via });
  }
}

/** Plans the interface for a fast path that forwards alone: up, in no VRF, and without the host. */
export function planEbpfOnlyPort(view: IntentView, port: Port, emit: Emit): void {
  planEbpfOnlyPortGuard(port, emit);
  emit('port', port.interface, { mtu: tenantMtu(view, view.tenant(port.tenant)) });
}

/**
 * Plans proxy NDP entries where no program answers instead (bpf/port/ndp_reply.h, bpf/prog/ndp_responder_tc.bpf.c): the hypervisor answers a
 * member's solicitations for other members. Linux has no proxy entry for a prefix, so each local port gets an entry for each other member, up to
 * the bound.
 */
export function planProxies(view: IntentView, tenant: string, emit: Emit): void {
  if (!view.hasProxies) return;
  const members = view.members6.get(tenant)?.first ?? [];
  for (const port of view.localPorts.get(tenant)?.values() ?? []) {
    const own = new Set(port.addresses);
    for (const address of members) {
      if (own.has(address)) continue;
      emit('proxy', `${port.interface} ${address}`, { device: port.interface, address });
    }
  }
}

/** Sysctls of a port's interface; `*` is its name. */
const PORT_SYSCTLS: readonly [string, string][] = [
  // Proxy ARP checks forwarding of the port, not of the VRF (arp_process, net/ipv4/arp.c).
  ['net/ipv4/conf/*/forwarding', '1'],
  ['net/ipv4/conf/*/proxy_arp', '1'],
  ['net/ipv4/conf/*/rp_filter', '0'],
  ['net/ipv4/conf/*/send_redirects', '0'],
  ['net/ipv4/conf/*/accept_redirects', '0'],
  ['net/ipv4/neigh/*/proxy_delay', '0'],
  ['net/ipv6/conf/*/proxy_ndp', '1'],
  ['net/ipv6/conf/*/accept_ra', '0'],
  ['net/ipv6/conf/*/accept_redirects', '0'],
  // Otherwise the gateway's address is removed whenever the port goes down, which includes joining its VRF.
  ['net/ipv6/conf/*/keep_addr_on_down', '1'],
  ['net/ipv6/neigh/*/proxy_delay', '0'],
];

/** All sysctls of a port's interface; each is reset to the value of a new interface. */
export const ALL_PORT_SYSCTLS: readonly (readonly [string, string])[] = [...PORT_SYSCTLS, FORCE_FORWARDING];
