/** DHCP and router advertisements in trace and doctor. */
import { reasonCounts } from '../ebpf/counters.js';
import { heldLease } from './held.js';
import { lease4Of, lease6Of, routerAdvertisementOf } from './lease.js';
import type { Port, Tenant } from '../intent/types.js';
import type { Kernel } from '../kernel/kernel.js';
import type { FeatureFinding, Observation, ObservedNode, TracedRequest } from '../reconcile/observation.js';
import type { HeldLease } from './held.js';

/** Any value: only the existence of a lease is checked here. */
const ANY_MTU = 1500;
const ANSWERED_BY = { ipv4: 'DHCPv4', ipv6: 'DHCPv6', ra: 'router advertisements' } as const;

type Wanted = Record<keyof HeldLease, boolean>;

/** The replies that a port's VM should get by the intent. */
function wantedBy(tenant: Tenant, port: Port): Wanted {
  return {
    ipv4: lease4Of(tenant, port, ANY_MTU) !== undefined,
    ipv6: lease6Of(tenant, port) !== undefined,
    ra: routerAdvertisementOf(tenant, port, ANY_MTU) !== undefined,
  };
}

/** Ports of the node whose VMs should get replies. */
function askingPorts({ config, intent }: ObservedNode): { port: Port; wanted: Wanted }[] {
  const tenants = new Map(intent?.tenants.map((tenant) => [tenant.name, tenant]));
  return (intent?.ports ?? []).flatMap((port) => {
    const tenant = port.node === config.node ? tenants.get(port.tenant) : undefined;
    const wanted = tenant && wantedBy(tenant, port);
    return wanted !== undefined && Object.values(wanted).includes(true) ? [{ port, wanted }] : [];
  });
}

/** Reports ports without a reply. */
function unanswered(kernel: Kernel, port: Port, wanted: Wanted): FeatureFinding[] {
  if (kernel.links.get(port.interface) === undefined) return [];
  const held = heldLease(kernel, port.interface);
  const missing = (Object.keys(ANSWERED_BY) as (keyof HeldLease)[]).filter(
    (part) => wanted[part] && held[part] === null,
  );
  if (missing.length === 0) return [];
  const what = `${port.name}: its subnets have ${missing.map((part) => ANSWERED_BY[part]).join(', ')}, but no program answers`;
  const advice = 'the VM gets no addresses: run segue apply; segue show fastpath says whether programs can run here';
  return [{ name: `dhcp.${port.interface}`, status: 'fail', what, advice }];
}

function findings(node: ObservedNode): FeatureFinding[] {
  const { kernel } = node;
  const asking = askingPorts(node);
  if (asking.length === 0) return [];
  const found = asking.flatMap(({ port, wanted }) => unanswered(kernel, port, wanted));
  const { maps } = kernel.fastpath;
  const counts = maps === undefined ? [] : reasonCounts(maps);
  const packets = (slug: string): number => counts.find((one) => one.slug === slug)?.packets ?? 0;
  const refused = packets('drop-dhcp');
  if (refused > 0) {
    const what = `${refused} DHCP requests were dropped: malformed, from another MAC address than the port's, or for another server`;
    const advice = 'a VM that sends such requests gets no addresses: segue monitor --reason drop-dhcp shows which VM';
    found.push({ name: 'dhcp.refused', status: 'warn', what, advice });
  }
  if (found.length > 0) return found;
  const answers = packets('answer-dhcp') + packets('answer-dhcpv6') + packets('answer-router');
  const naks = packets('answer-dhcp-nak');
  const what = `${asking.length} ports get their addresses: ${answers} requests answered, ${naks} requests for another address refused`;
  return [{ name: 'dhcp', status: 'ok', what }];
}

const DHCP4_SERVER = 67;
const DHCP6_SERVER = 547;
const ALL_DHCP_SERVERS = 'ff02::1:2';
const ALL_ROUTERS = 'ff02::2';
const BROADCAST = '255.255.255.255';

function traceRequest(kernel: Kernel, device: string, packet: Parameters<TracedRequest>[2]): ReturnType<TracedRequest> {
  const { to, protocol, destinationPort } = packet;
  const { ipv4, ipv6, ra } = heldLease(kernel, device);
  const isUdp = protocol === 'udp';
  if (isUdp && destinationPort === DHCP4_SERVER && ipv4 !== null && (to === BROADCAST || to === ipv4.server)) {
    const { address, prefixLength, server, lease } = ipv4;
    return {
      text: `DHCP answers: ${address}/${prefixLength} router ${server} lease ${lease}s`,
      detail: { dhcp4: ipv4 },
    };
  }
  if (isUdp && destinationPort === DHCP6_SERVER && to === ALL_DHCP_SERVERS && ipv6 !== null) {
    const { addresses, prefixes } = ipv6;
    const what = [...addresses, ...prefixes].join(' ');
    return { text: `DHCPv6 answers: ${what === '' ? 'no addresses' : what}`, detail: { dhcp6: ipv6 } };
  }
  if (!isUdp && protocol !== 'tcp' && to === ALL_ROUTERS && ra !== null) {
    const how = ra.managed ? 'addresses by DHCPv6' : `addresses of ${ra.autonomous.join(' ')}`;
    return { text: `a router solicitation is answered: ${how}, MTU ${ra.mtu}`, detail: { ra } };
  }
  return undefined;
}

export const dhcpObservation = { check: (node) => Promise.resolve(findings(node)), traceRequest } satisfies Observation;
