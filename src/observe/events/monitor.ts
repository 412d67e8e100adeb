/** Drops and punts as they happen, as fields and as text. */
import { reasonOf, REASONS } from '../../ebpf/counters.js';
import { Hook, Reason } from '../../ebpf/generated/layouts.js';
import { summaryText } from './summary.js';
import type { Verdict } from '../../ebpf/counters.js';
import type { FastpathMaps } from '../../ebpf/maps.js';
import type { TraceLoss, TraceEvent } from '../../ebpf/trace-session.js';
import type { ZoneTransit } from './zone-transit.js';
import type { SuppressedDecisions } from './log-rate-limiter.js';
import type { LoggedDecision } from './policy-log-reader.js';
import type { NameResolver } from './name-resolver.js';
import type { Summary } from './summary.js';

/** One packet: a line of `segue monitor -j`. */
export interface PacketEvent extends Summary {
  event: 'packet';
  /** RFC 3339, UTC, microseconds. */
  time: string;
  verdict: Verdict;
  reason: string;
  slug: string;
  /** The program that saw it. */
  program: string;
  /** The interface on which it arrived. */
  device: string;
  /** On a network node: the tenant or external network that the packet came from. */
  tenant: string | null;
  port: string | null;
  /** On a network node: the tenant or external network that the packet is for. */
  peer: string | null;
  /** On a network node: the policy that refused the packet. */
  policy: string | null;
}

/** The decision of a policy with `log` about a connection's first packet. */
export interface DecisionEvent {
  event: 'decision';
  time: string;
  /** `forward`: allowed; `drop`: denied. */
  verdict: Verdict;
  reason: string;
  slug: string;
  policy: string | null;
  tenant: string | null;
  peer: string | null;
  from: string;
  to: string;
  protocol: string;
  sourcePort: number | null;
  destinationPort: number | null;
  length: number;
}

/** Packets that were not shown in the previous second. */
export interface MissedEvent {
  event: 'missed';
  time: string;
  /** `policy`: with `log`; null if the policy is unknown. */
  suppressed: { verdict: Verdict; reason: string; slug: string; packets: number; policy: string | null }[];
  lost: number;
}

const PROGRAMS: Readonly<Record<number, string>> = {
  [Hook.HOOK_PORT]: 'port',
  [Hook.HOOK_PORT_XDP]: 'port xdp',
  [Hook.HOOK_UPLINK]: 'uplink',
  [Hook.HOOK_UPLINK_XDP]: 'uplink xdp',
  [Hook.HOOK_NN_UPLINK]: 'steer',
  [Hook.HOOK_NN_UPLINK_XDP]: 'steer xdp',
  [Hook.HOOK_EXTERNAL]: 'external',
};

/**
 * Numbers of the reasons that a monitor shows: packets that did not take the fast path, and packets to unknown destinations, even if an ICMP error
 * was sent.
 */
export const MONITORED: readonly number[] = REASONS.flatMap(({ verdict, slug }, number) =>
  verdict === 'drop' || verdict === 'punt' || slug === 'answer-unreachable' ? [number] : [],
);

/**
 * Numbers of the reasons with a name: a slug, or a text (`no room` is both a punt and a drop), with or without hyphens.
 *
 * @param alone there is no kernel data plane: punts are drops
 * @returns empty if there is no such reason
 */
export function reasonsNamed(name: string, alone: boolean): number[] {
  const words = name.toLowerCase().replaceAll(/[-_]/g, ' ');
  return MONITORED.filter((number) => {
    const { verdict, reason, slug } = reasonOf(number, alone);
    return (
      slug.replaceAll('-', ' ') === words || reason === words || `${verdict} ${reason}` === words || verdict === words
    );
  });
}

/** Names of the reasons that a monitor shows. */
export function reasonNames(): string[] {
  return [...new Set(MONITORED.map((number) => REASONS[number]?.reason ?? '')), 'drop', 'punt'];
}

/** @param passage set if a network node's program saw the packet */
export function packetEvent(
  seen: TraceEvent,
  summary: Summary,
  time: string,
  nameResolver: NameResolver,
  maps: FastpathMaps,
  passage: ZoneTransit | undefined,
): PacketEvent {
  const { verdict, reason, slug } = reasonOf(seen.reason, nameResolver.alone);
  const { from: zone = seen.tenant, to: peer = 0, policy = null } = passage ?? {};
  return {
    ...{ event: 'packet', time, verdict, reason, slug },
    program: PROGRAMS[seen.hook] ?? String(seen.hook),
    device: nameResolver.device(seen.ifindex),
    tenant: nameResolver.tenant(zone),
    port: passage === undefined ? nameResolver.port(nameResolver.portOf(seen, summary.to, maps)) : null,
    peer: nameResolver.tenant(peer),
    policy: isPolicyReason(seen) ? policy : null,
    ...summary,
  };
}

export function decisionEvent(decision: LoggedDecision, time: string, nameResolver: NameResolver): DecisionEvent {
  const { policy, source, destination, protocol, sourcePort, destinationPort, length } = decision;
  return {
    ...{ event: 'decision', time, ...reasonOf(decision.reason, nameResolver.alone), policy },
    ...{ tenant: nameResolver.tenant(decision.from), peer: nameResolver.tenant(decision.to) },
    ...{ from: source, to: destination, protocol, sourcePort, destinationPort, length },
  };
}

export function missedEvent({ suppressed, lost }: TraceLoss, time: string, alone: boolean): MissedEvent {
  const named = [...suppressed].map(([number, packets]) => {
    return { ...reasonOf(number, alone), packets, policy: null };
  });
  return { event: 'missed', time, suppressed: named, lost };
}

export function missedDecisions(suppressed: readonly SuppressedDecisions[], time: string, alone: boolean): MissedEvent {
  const named = suppressed.map(({ reason, packets, policy }) => ({ ...reasonOf(reason, alone), packets, policy }));
  return { event: 'missed', time, suppressed: named, lost: 0 };
}

/** Whether a policy denied the packet. */
export function isPolicyReason({ reason }: TraceEvent): boolean {
  return reason === Reason.DROP_POLICY;
}

const HEAD = { time: 'TIME', verdict: 'VERDICT', reason: 'REASON', tenant: 'TENANT', port: 'PORT', packet: 'PACKET' };

/** Heading of the columns. */
export const MONITOR_HEAD = line(HEAD);

/** Formats a packet as a line. Column widths suit most packets, as later ones are unknown. */
export function packetLine(event: PacketEvent): string {
  const { time, verdict, reason, tenant, port, device } = event;
  return line({
    ...{ time: clockOf(time), verdict, reason, tenant: tenant ?? '-' },
    port: port ?? `(${device})`,
    packet: summaryText(event) + decisionText(event),
  });
}

/** Formats a decision of a policy with `log` as a line. */
export function decisionLine(event: DecisionEvent): string {
  const { time, verdict, reason, tenant } = event;
  const packet =
    summaryText({ ...event, icmpType: null, outerFrom: null, outerTo: null, vlan: null }) + decisionText(event);
  return line({ time: clockOf(time), verdict, reason, tenant: tenant ?? '-', port: '(log)', packet });
}

function decisionText({ peer, policy }: Pick<PacketEvent, 'peer' | 'policy'>): string {
  return (peer === null ? '' : `, to ${peer}`) + (policy === null ? '' : `, policy ${policy}`);
}

function clockOf(time: string): string {
  return time.slice(time.indexOf('T') + 1, -1);
}

/** `suppressed: 1234 punt no member, 12 drop policy web; lost: 3` */
export function missedLine({ suppressed, lost }: MissedEvent): string {
  const parts = suppressed.map(({ verdict, reason, packets, policy }) =>
    [packets, verdict, reason, ...(policy === null ? [] : [policy])].join(' '),
  );
  const words = parts.length === 0 ? [] : [`suppressed: ${parts.join(', ')}`];
  return [...words, ...(lost > 0 ? [`lost: ${lost}`] : [])].join('; ');
}

function line({ time, verdict, reason, tenant, port, packet }: typeof HEAD): string {
  const columns = [time.padEnd(15), verdict.padEnd(7), reason.padEnd(15), tenant.padEnd(8), port.padEnd(10), packet];
  return columns.join('  ');
}
