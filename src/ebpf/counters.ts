/** The fast path's counters. */
import { VerdictCount, Port, Reason, TrafficStats } from './generated/layouts.js';
import type { BpfMap } from 'libbpf-ts';
import type { FastpathMaps } from './maps.js';

/**
 * Outcome of a packet: it took the fast path, was answered, was handed to the kernel, does not concern the fast path (`pass`: the host gets it, in
 * ebpf mode too), or was dropped.
 */
export type Verdict = (typeof VERDICTS)[number];
const VERDICTS = ['forward', 'answer', 'punt', 'pass', 'drop'] as const;

export interface ReasonCount {
  verdict: Verdict;
  /** Text, such as `no member` for PUNT_NO_MEMBER. Reasons of different verdicts may share it. */
  reason: string;
  /** Identifier for scripts, such as `punt-no-member`; it keeps the prefix where a punt is counted as a drop. */
  slug: string;
  packets: number;
}

export interface PortTraffic {
  ifindex: number;
  /** Packets from the VM. */
  txPackets: number;
  txBytes: number;
  /** Packets to the VM. */
  rxPackets: number;
  rxBytes: number;
}

/** Texts for enum reason (bpf/abi/reasons.h), by number. */
export const REASONS: readonly Omit<ReasonCount, 'packets'>[] = Object.entries(Reason)
  .filter(([name]) => name !== 'REASON_COUNT')
  .sort(([, a], [, b]) => a - b)
  .map(([name]) => {
    const [prefix = '', ...words] = name.toLowerCase().split('_');
    const verdict = VERDICTS.find((one) => one === prefix) ?? 'forward';
    const slug = (prefix === 'reason' ? words : [prefix, ...words]).join('-');
    return { verdict, reason: words.join(' '), slug };
  });

/** For numbers of another build's programs. */
export function unknownReason(number: number): Omit<ReasonCount, 'packets'> {
  return { verdict: 'drop', reason: `reason ${number}`, slug: `reason-${number}` };
}

/** The outcome of a packet by the number of its reason. @param alone see reasonCounts */
export function reasonOf(number: number, alone: boolean): Omit<ReasonCount, 'packets'> {
  const { verdict, reason, slug } = REASONS[number] ?? unknownReason(number);
  return { verdict: alone && verdict === 'punt' ? 'drop' : verdict, reason, slug };
}

/**
 * Packets by reason, summed over CPUs; includes reasons with a count of zero.
 *
 * @param alone there is no kernel data plane: punts in hybrid mode are drops
 */
export function reasonCounts({ sg_verdicts }: Pick<FastpathMaps, 'sg_verdicts'>, alone = false): ReasonCount[] {
  return REASONS.map((_reason, number) => {
    const packets = sum(sg_verdicts, number, (bytes) => bytes.readBigUInt64LE(VerdictCount.OFFSETS.packets));
    return { ...reasonOf(number, alone), packets };
  });
}

/** Traffic of each port since it was created, summed over CPUs, by interface. */
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
