/** Checks a packet that left encapsulated, by its frame. */
import { findHeader } from '../../packet/headers.js';
import { formatMac } from 'netlink-ts/inet';
import { underlayRouteTo } from '../../host/underlay-route.js';
import { sizesOf } from './sizes.js';
import type { ResolvedHop } from '../../ebpf/resolve.js';
import type { TraceEvent } from '../../ebpf/trace-session.js';
import type { ShowContext } from '../inspect/context.js';
import type { Header } from '../../packet/headers.js';
import type { TraceLog } from './trace-log.js';

export interface EncapsulatedFrame {
  seen: TraceEvent;
  /** Headers of the frame as it leaves. */
  headers: readonly Header[];
}

/** Segments in travel order. The SRH lists them in reverse, without the first, which is the destination address (RFC 8754 section 4.1.1). */
export function segmentsOf(headers: readonly Header[]): string[] {
  const srh = findHeader(headers, 'srh');
  return [findHeader(headers, 'ipv6')?.destination ?? '', ...[...(srh?.segments ?? [])].reverse()];
}

/**
 * Checks encapsulation, underlay next hop and MTU.
 *
 * @param bounds sizes of the inner packet and of the tenant's largest one in bytes; the available next hops
 * @returns inner TTL or hop limit on departure
 */
export function checkEncap(
  context: ShowContext,
  { seen, headers }: EncapsulatedFrame,
  { size, tenantMtu, hops }: { size: number; tenantMtu: number; hops: readonly ResolvedHop[] },
  traceLog: TraceLog,
): number {
  const { kernel, names } = context;
  const segments = segmentsOf(headers);
  const node = names.nodeOfSid(segments.at(-1));
  const source = findHeader(headers, 'ipv6')?.source ?? '';
  const { overhead, outer } = sizesOf(size, 'encap.red', segments.length);
  traceLog.pass(
    'encap',
    `seg6 mode encap.red segs ${segments.join(',')}${node === undefined ? '' : ` (${node})`} source ${source}: ` +
      `${size} + ${overhead} = ${outer} bytes`,
    { mode: 'encap.red', segments, source, inner: size, overhead, outer, node: node ?? null },
  );
  const device = kernel.links.nameOf(seen.egress);
  checkOuter(context, seen, { to: segments[0] ?? '', source }, device, traceLog);
  const mac = formatMac(seen.after ?? Buffer.alloc(12), 0);
  const mtu = hops.find((hop) => hop.ifindex === seen.egress && hop.destMac === mac)?.mtu ?? 0;
  const largest = Math.min(tenantMtu, mtu - overhead);
  const mtuDetail = { size, outer, uplinkMtu: mtu, tenantMtu, largest };
  traceLog.pass('mtu', `${outer} <= ${mtu} of ${device}, tenant MTU ${tenantMtu}`, mtuDetail);
  return hopsOf(headers.slice(2)) ?? 0;
}

/** Checks the next hop in the frame. */
function checkOuter(
  { kernel, config }: ShowContext,
  seen: TraceEvent,
  { to, source }: { to: string; source: string },
  device: string,
  traceLog: TraceLog,
): void {
  const frame = seen.after ?? Buffer.alloc(12);
  const [mac, from] = [formatMac(frame, 0), formatMac(frame, 6)];
  const detail = { to, device, via: null, table: null };
  const link = kernel.links.get(device);
  if (link?.up !== true || link.carrier === false) {
    const what = link?.up === true ? 'has no carrier' : 'is down';
    traceLog.drop('outer', 'outer-unreachable', `${to} dev ${device}`, `${device} ${what}`, detail);
  }
  const way = underlayRouteTo(kernel, to, source);
  if (way.device === device && !config.uplinks.includes(device)) {
    // For example, an uplink that was renamed.
    traceLog.warn('outer', `${to} dev ${device}, not an uplink`, detail);
    traceLog.doubt = `it leaves by ${device}, which is not an uplink of the node file: packets that come back there are not decapsulated`;
  } else if (way.device === undefined || !config.uplinks.includes(way.device)) {
    // The fast path keeps using the next hops that the agent resolved last.
    const found = way.device === undefined ? way.error : `dev ${way.device}, not an uplink`;
    traceLog.warn('outer', `${to} dev ${device}, but the kernel no longer has a route there: ${found}`, detail);
    traceLog.doubt = `the route to ${to} is gone, but the fast path still has its last next hop (does the agent run?)`;
  } else traceLog.pass('outer', `${to} dev ${device}`, detail);
  const neighbour = { address: null, device, mac, state: 'cached', source: from };
  traceLog.pass('neighbour', `lladdr ${mac} dev ${device}, from ${from}`, neighbour);
}

/** TTL or hop limit of the first IP header. */
function hopsOf(headers: readonly Header[]): number | undefined {
  const ip = headers.find(({ layer }) => layer === 'ipv4' || layer === 'ipv6');
  if (ip?.layer === 'ipv4') return ip.ttl;
  return ip?.layer === 'ipv6' ? ip.hopLimit : undefined;
}
