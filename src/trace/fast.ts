/** What the fast path does to a packet: its program is run on one, and what comes of it is read. */
import { REASONS } from '../ebpf/counters.js';
import { decodeFrame } from '../lab/packet/decode.js';
import { findHeader } from '../lab/packet/headers.js';
import { pinnedNeighbours } from '../inspect/state.js';
import { formatMac } from '../net/mac.js';
import { sizesOf } from './sizes.js';
import { checkFastPort, portEntry } from './fast-port.js';
import { findTarget } from './fast-target.js';
import { tooBig } from './deliver.js';
import { tryPacket } from './trial.js';
import type { Seen } from '../ebpf/watch.js';
import type { Header } from '../lab/packet/headers.js';
import type { ShowContext } from '../inspect/context.js';
import type { FastPort, PortEntry } from './fast-port.js';
import type { Journal } from './journal.js';
import type { Source } from './source.js';
import type { Question, TraceReason } from './types.js';

/** What the kernel's trace calls the same. */
const KNOWN: Readonly<Record<string, TraceReason>> = {
  'source address': 'source-not-port',
  'sid block': 'sid-block',
  'no member': 'no-member',
  'hop limit': 'hop-limit',
  'too big': 'too-big-for-port',
  unresolved: 'underlay-neighbour',
  'not routed': 'link-scope',
};

export type FastDecision =
  /** the kernel has it, as it came */
  | { kind: 'kernel' }
  /** on its way to a node */
  | { kind: 'sent'; sid: string; hopLimit: number };

/** Follows a packet through the program of a port; ends the trace unless the kernel or another node has it next. */
export function traceFast(context: ShowContext, source: Source, question: Question, journal: Journal): FastDecision {
  const port = checkFastPort(context, source, journal);
  if (port === undefined) return { kind: 'kernel' };
  const { vmMac: vm, ownMac: gateway } = port.entry;
  const seen = tryPacket(
    context.kernel,
    context.config.dataplane === 'ebpf',
    port.link.index,
    { ...question, from: source.from },
    { vm, gateway },
  );
  if (seen === undefined) {
    journal.path = 'kernel';
    return { kind: 'kernel' };
  }
  const { verdict, reason } = REASONS[seen.reason] ?? { verdict: 'drop', reason: `reason ${seen.reason}` };
  const detail = { verdict, reason };
  if (verdict === 'drop') dropped(context, source, question, reason, journal);
  if (verdict === 'punt') {
    if (context.config.dataplane === 'hybrid') {
      journal.path = 'kernel';
      journal.pass('fastpath', `handed to the kernel as it came: ${reason}`, detail);
      return { kind: 'kernel' };
    }
    dropped(context, source, question, reason, journal);
  }
  journal.pass('guard', `source ${source.from} is the port's`, { guarded: true, source: source.from });
  const headers = decodeFrame(seen.after ?? seen.before);
  if (seen.after === undefined || seen.egress === port.link.index) answered(headers, reason, journal);
  const isLocal = portEntry(context, seen.egress) !== undefined;
  return isLocal
    ? delivered(context, source, question, seen, headers, journal)
    : sent(context, port, question, seen, headers, journal);
}

function dropped(
  { config }: ShowContext,
  { port, from }: Source,
  { to, size }: Question,
  reason: string,
  journal: Journal,
): never {
  const words: Readonly<Record<string, string>> = {
    'source address': `${from} is no address of ${port}: the guard drops forged sources`,
    'sid block': 'no tenant may send to the SID block',
    'no member': `no member has ${to}`,
    'hop limit': 'it is at its last hop',
    'too big': `${size} bytes do not fit`,
    unresolved: 'no neighbour of the underlay is known',
    'not routed': `${to} stays on the link: it is not forwarded`,
  };
  const known = KNOWN[reason] ?? (`fastpath-${reason.replaceAll(' ', '-')}` as const);
  const why = words[reason] ?? `the fast path drops it: ${reason}`;
  journal.drop('fastpath', known, `drop: ${reason}`, why, { verdict: 'drop', reason, dataplane: config.dataplane });
}

/** The program answered by itself, out of the port again. */
function answered(headers: readonly Header[], reason: string, journal: Journal): never {
  const icmp = findHeader(headers, 'icmp') ?? findHeader(headers, 'icmpv6');
  const echo = icmp?.type === 0 || icmp?.type === 129 || reason === 'echo';
  const detail = { reason, type: icmp?.type ?? null, code: icmp?.code ?? null };
  if (echo) {
    journal.pass('fastpath', 'the gateway answers the echo request', detail);
    journal.end('delivered', 'to the gateway on this node');
  }
  const known = KNOWN[reason] ?? (`fastpath-${reason.replaceAll(' ', '-')}` as const);
  const what = `ICMP type ${icmp?.type ?? '?'} code ${icmp?.code ?? '?'}`;
  journal.drop('fastpath', known, `answered with ${what}: ${reason}`, `its gateway answers with ${what}`, detail);
}

function sent(
  context: ShowContext,
  { entry }: FastPort,
  { to, size }: Question,
  seen: Seen,
  headers: readonly Header[],
  journal: Journal,
): FastDecision {
  const { kernel, names } = context;
  const outer = findHeader(headers, 'ipv6');
  const srh = findHeader(headers, 'srh');
  const first = outer?.destination ?? '';
  // In the header the last segment is the first, and the first is in the destination address (RFC 8754 section 4.1.1).
  const segments = [first, ...[...(srh?.segments ?? [])].reverse()];
  const sid = segments.at(-1) ?? first;
  const target = findTarget(context, entry.tenant, to);
  const device = kernel.links.nameOf(seen.egress);
  const node = names.nodeOfSid(sid);
  const source = outer?.source ?? '';
  journal.pass('route', `${target?.prefix ?? to} tenant ${entry.tenant}`, {
    prefix: target?.prefix ?? null,
    device,
    via: null,
    table: null,
    nexthopId: null,
  });
  const { overhead, outer: bytes } = sizesOf(size, 'encap.red', segments.length);
  journal.pass(
    'encap',
    `seg6 mode encap.red segs ${segments.join(',')}${node === undefined ? '' : ` (${node})`} source ${source}: ` +
      `${size} + ${overhead} = ${bytes} bytes`,
    { mode: 'encap.red', segments, source, inner: size, overhead, outer: bytes, node: node ?? null },
  );
  checkOuter(context, seen, first, device, journal);
  const mac = formatMac(seen.after ?? Buffer.alloc(12), 0);
  const mtu = target?.hops.find((hop) => hop.ifindex === seen.egress && hop.destMac === mac)?.mtu ?? 0;
  const largest = Math.min(entry.mtu, mtu - overhead);
  const mtuDetail = { size, outer: bytes, uplinkMtu: mtu, tenantMtu: entry.mtu, largest };
  journal.pass('mtu', `${bytes} <= ${mtu} of ${device}, tenant MTU ${entry.mtu}`, mtuDetail);
  return { kind: 'sent', sid, hopLimit: hopsOf(headers.slice(2)) ?? 0 };
}

/** The next hop, as the frame has it. */
function checkOuter({ kernel }: ShowContext, seen: Seen, to: string, device: string, journal: Journal): void {
  const frame = seen.after ?? Buffer.alloc(12);
  const [mac, from] = [formatMac(frame, 0), formatMac(frame, 6)];
  const detail = { to, device, via: null, table: null };
  const link = kernel.links.get(device);
  if (link?.up !== true || link.carrier === false) {
    const what = link?.up === true ? 'has no carrier' : 'is down';
    journal.drop('outer', 'outer-unreachable', `${to} dev ${device}`, `${device} ${what}`, detail);
  }
  journal.pass('outer', `${to} dev ${device}`, detail);
  const neighbour = { address: null, device, mac, state: 'cached', source: from };
  journal.pass('neighbour', `lladdr ${mac} dev ${device}, from ${from}`, neighbour);
}

/** To a port of this node. */
function delivered(
  context: ShowContext,
  source: Source,
  { to, size }: Question,
  seen: Seen,
  headers: readonly Header[],
  journal: Journal,
): never {
  const { kernel, names } = context;
  const device = kernel.links.nameOf(seen.egress);
  const port = names.portOfInterface(device) ?? device;
  const entry: PortEntry | undefined = portEntry(context, seen.egress);
  const target = findTarget(context, entry?.tenant ?? 0, to);
  journal.pass('route', `${target?.prefix ?? to} dev ${device}`, {
    prefix: target?.prefix ?? null,
    device,
    via: null,
    table: null,
    nexthopId: null,
  });
  const link = kernel.links.get(device);
  const mac = headers[0]?.layer === 'ethernet' ? headers[0].destination : 'unknown';
  const address = pinned(context, seen.egress, mac) ?? to;
  const detail = { device, port, address, mac, mtu: entry?.mtu ?? 0 };
  if (link?.up !== true || link.carrier === false) {
    const what = link?.up === true ? 'has no carrier' : 'is down';
    journal.drop('deliver', 'destination-down', `dev ${device} ${what}`, `${port} ${what}`, { device });
  }
  if (entry !== undefined && size > entry.mtu) tooBig(journal, size, entry.mtu, device, detail);
  journal.pass('deliver', `${to} dev ${device} lladdr ${mac}`, detail);
  journal.end('delivered', `to ${port} on this node${source.port === port ? ', itself' : ''}`);
}

function pinned({ kernel }: ShowContext, ifindex: number, mac: string): string | undefined {
  return pinnedNeighbours(kernel)
    .get(ifindex)
    ?.find((neighbour) => neighbour.mac === mac)?.address;
}

/** TTL or hop limit of the first IP header. */
function hopsOf(headers: readonly Header[]): number | undefined {
  const ip = headers.find(({ layer }) => layer === 'ipv4' || layer === 'ipv6');
  if (ip?.layer === 'ipv4') return ip.ttl;
  return ip?.layer === 'ipv6' ? ip.hopLimit : undefined;
}
