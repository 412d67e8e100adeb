/** What the fast path counted. */
import { VerdictCount, Port, Reason, TrafficStats } from './generated/layouts.js';
import type { BpfMap } from 'libbpf-ts';
import type { FastpathMaps } from './maps.js';

/**
 * What became of packets: they took the fast path, were answered, were handed to the kernel, were none of the fast path's (`pass`: the host has
 * them, in ebpf mode too), or were dropped.
 */
export type Verdict = (typeof VERDICTS)[number];
const VERDICTS = ['forward', 'answer', 'punt', 'pass', 'drop'] as const;

export interface ReasonCount {
  verdict: Verdict;
  /** In words: `no member` for PUNT_NO_MEMBER. Several reasons have the same, for different verdicts. */
  reason: string;
  /** The reason alone, for scripts: `punt-no-member`, whatever the verdict is where nothing is beneath. */
  slug: string;
  packets: number;
}

export interface PortTraffic {
  ifindex: number;
  /** From the VM. */
  txPackets: number;
  txBytes: number;
  /** To the VM. */
  rxPackets: number;
  rxBytes: number;
}

/** The names of enum reason (bpf/abi/reasons.h) in words, by number. */
export const REASONS: readonly Omit<ReasonCount, 'packets'>[] = Object.entries(Reason)
  .filter(([name]) => name !== 'REASON_COUNT')
  .sort(([, a], [, b]) => a - b)
  .map(([name]) => {
    const [prefix = '', ...words] = name.toLowerCase().split('_');
    const verdict = VERDICTS.find((one) => one === prefix) ?? 'forward';
    const slug = (prefix === 'reason' ? words : [prefix, ...words]).join('-');
    return { verdict, reason: words.join(' '), slug };
  });

/** Of a program of another build. */
export function unknownReason(number: number): Omit<ReasonCount, 'packets'> {
  return { verdict: 'drop', reason: `reason ${number}`, slug: `reason-${number}` };
}

/** What became of a packet, by the number of the reason. @param alone as of reasonCounts */
export function reasonOf(number: number, alone: boolean): Omit<ReasonCount, 'packets'> {
  const { verdict, reason, slug } = REASONS[number] ?? unknownReason(number);
  return { verdict: alone && verdict === 'punt' ? 'drop' : verdict, reason, slug };
}

/**
 * Packets by reason, summed over CPUs; every reason, zero or not.
 *
 * @param alone nothing is beneath to hand packets to: what is a punt in hybrid mode was a drop
 */
export function reasonCounts({ sg_verdicts }: Pick<FastpathMaps, 'sg_verdicts'>, alone = false): ReasonCount[] {
  return REASONS.map((_reason, number) => {
    const packets = sum(sg_verdicts, number, (bytes) => bytes.readBigUInt64LE(VerdictCount.OFFSETS.packets));
    return { ...reasonOf(number, alone), packets };
  });
}

/** Traffic of each port since it was made, summed over CPUs; by interface. */
export function portTraffic({ sg_ports, sg_port_stats }: FastpathMaps): PortTraffic[] {
  const found: PortTraffic[] = [];
  for (const [key, value] of sg_ports.entries()) {
    const slot = value.readUInt32LE(Port.OFFSETS.slot);
    const field = (offset: number): number => sum(sg_port_stats, slot, (bytes) => bytes.readBigUInt64LE(offset));
    found.push({
      ifindex: key.readUInt32LE(0),
      txPackets: field(TrafficStats.OFFSETS.txPackets),
      txBytes: field(TrafficStats.OFFSETS.txBytes),
      rxPackets: field(TrafficStats.OFFSETS.rxPackets),
      rxBytes: field(TrafficStats.OFFSETS.rxBytes),
    });
  }
  return found;
}

function sum(map: BpfMap, index: number, read: (bytes: Buffer) => bigint): number {
  const key = Buffer.alloc(4);
  key.writeUInt32LE(index);
  const value = map.lookup(key);
  if (value === undefined) return 0;
  return Number(map.cpuValues(value).reduce((total, bytes) => total + read(bytes), 0n));
}
