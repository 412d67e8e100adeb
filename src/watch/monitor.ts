/** Drops and punts as they happen, in fields and in words. */
import { reasonOf, REASONS } from '../ebpf/counters.js';
import { Hook } from '../ebpf/generated/layouts.js';
import { summarise, summaryText } from './summary.js';
import type { Verdict } from '../ebpf/counters.js';
import type { FastpathMaps } from '../ebpf/maps.js';
import type { Missed, Seen } from '../ebpf/watch.js';
import type { Naming } from './naming.js';
import type { Summary } from './summary.js';

/** One packet: a line of `segue monitor -j`. */
export interface PacketEvent extends Summary {
  event: 'packet';
  /** RFC 3339, UTC, microseconds. */
  time: string;
  verdict: Verdict;
  reason: string;
  /** Which program saw it. */
  program: string;
  /** The interface it came in by. */
  device: string;
  tenant: string | null;
  port: string | null;
}

/** What was not told in the second before. */
export interface MissedEvent {
  event: 'missed';
  time: string;
  suppressed: { verdict: Verdict; reason: string; packets: number }[];
  lost: number;
}

const PROGRAMS: Readonly<Record<number, string>> = {
  [Hook.HOOK_PORT]: 'port',
  [Hook.HOOK_PORT_XDP]: 'port xdp',
  [Hook.HOOK_UPLINK]: 'uplink',
  [Hook.HOOK_UPLINK_XDP]: 'uplink xdp',
};

/** Numbers of the reasons that a monitor shows: what did not take the fast path. */
export const MONITORED: readonly number[] = REASONS.flatMap(({ verdict }, number) =>
  verdict === 'drop' || verdict === 'punt' ? [number] : [],
);

/**
 * Numbers of the reasons that have this name, in words or with hyphens; `no room` is a punt's and a drop's.
 *
 * @param alone nothing is handed to a kernel: those are drops
 * @returns none when there is no such reason
 */
export function reasonsNamed(name: string, alone: boolean): number[] {
  const words = name.toLowerCase().replaceAll(/[-_]/g, ' ');
  return MONITORED.filter((number) => {
    const { verdict, reason } = reasonOf(number, alone);
    return reason === words || `${verdict} ${reason}` === words || verdict === words;
  });
}

/** The names of what a monitor shows. */
export function reasonNames(): string[] {
  return [...new Set(MONITORED.map((number) => REASONS[number]?.reason ?? '')), 'drop', 'punt'];
}

export function packetEvent(seen: Seen, time: string, naming: Naming, maps: FastpathMaps): PacketEvent {
  const summary = summarise(seen.before, seen.length);
  const { verdict, reason } = reasonOf(seen.reason, naming.alone);
  return {
    event: 'packet',
    time,
    verdict,
    reason,
    program: PROGRAMS[seen.hook] ?? String(seen.hook),
    device: naming.device(seen.ifindex),
    tenant: naming.tenant(seen.tenant),
    port: naming.port(naming.portOf(seen, summary.to, maps)),
    ...summary,
  };
}

export function missedEvent({ suppressed, lost }: Missed, time: string, alone: boolean): MissedEvent {
  const named = [...suppressed].map(([number, packets]) => {
    return { ...reasonOf(number, alone), packets };
  });
  return { event: 'missed', time, suppressed: named, lost };
}

const HEAD = { time: 'TIME', verdict: 'VERDICT', reason: 'REASON', tenant: 'TENANT', port: 'PORT', packet: 'PACKET' };

/** The head of the columns. */
export const MONITOR_HEAD = line(HEAD);

/** One packet, one line; columns are as wide as most need them, for they cannot be known before. */
export function packetLine(event: PacketEvent): string {
  const { time, verdict, reason, tenant, port, device } = event;
  const clock = time.slice(time.indexOf('T') + 1, -1);
  return line({
    time: clock,
    verdict,
    reason,
    tenant: tenant ?? '-',
    port: port ?? `(${device})`,
    packet: summaryText(event),
  });
}

/** `suppressed: 1234 punt no member, 12 drop malformed; lost: 3` */
export function missedLine({ suppressed, lost }: MissedEvent): string {
  const parts = suppressed.map(({ verdict, reason, packets }) => `${packets} ${verdict} ${reason}`);
  const words = parts.length === 0 ? [] : [`suppressed: ${parts.join(', ')}`];
  return [...words, ...(lost > 0 ? [`lost: ${lost}`] : [])].join('; ');
}

function line({ time, verdict, reason, tenant, port, packet }: typeof HEAD): string {
  const columns = [time.padEnd(15), verdict.padEnd(7), reason.padEnd(14), tenant.padEnd(8), port.padEnd(10), packet];
  return columns.join('  ');
}
