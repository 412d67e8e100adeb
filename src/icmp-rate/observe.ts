/** ICMP limits in show, trace and doctor. */
import { z } from 'zod';
import { IcmpRate } from '../ebpf/generated/layouts.js';
import { ICMP_TABLE } from './table.js';
import type { Kernel } from '../kernel/kernel.js';
import type { FeatureFinding, Observation, ObservedNode } from '../reconcile/observation.js';

/** A port's entry in the fast path. */
interface HeldRate {
  perSecond: number;
  /** Suppressed messages since the limit was last set. */
  dropped: number;
}

declare module '../reconcile/observation.js' {
  interface PortShown {
    /** ICMP messages per second from the gateway to the VM; null: no limit of its own. */
    icmpRate: number | null;
    /** Suppressed messages of its programs since the limit was last set; null without a limit, or if only the kernel replies. */
    icmpRateDropped: number | null;
  }
}

function heldRate(kernel: Kernel, device: string): HeldRate | undefined {
  const index = kernel.links.get(device)?.index;
  if (index === undefined) return undefined;
  const key = Buffer.alloc(4);
  key.writeUInt32LE(index);
  const value = kernel.fastpath.maps?.sg_port_icmp.lookup(key);
  if (value === undefined) return undefined;
  return {
    perSecond: value.readUInt32LE(IcmpRate.OFFSETS.perSecond),
    dropped: Number(value.readBigUInt64LE(IcmpRate.OFFSETS.dropped)),
  };
}

const ADVICE =
  'the VM misses replies to pings of the gateway, to traceroute and to path MTU discovery: see what it sends (segue monitor), or raise icmpRate';

async function check({ kernel, config, intent }: ObservedNode): Promise<FeatureFinding[]> {
  const bounded = intent?.ports.filter(({ node, icmpRate }) => node === config.node && icmpRate !== undefined) ?? [];
  if (bounded.length === 0) return [];
  const findings = bounded.flatMap(({ name, interface: device }): FeatureFinding[] => {
    const held = heldRate(kernel, device);
    if (held === undefined || held.dropped === 0) return [];
    const what = `${name}: ${held.dropped} ICMP messages of the gateway exceeded ${held.perSecond}/s and were dropped`;
    return [{ name: `icmp-rate.${device}`, status: 'warn', what, advice: ADVICE }];
  });
  const packets = config.dataplane === 'ebpf' ? 0 : await droppedByKernel(kernel);
  if (packets > 0) {
    const what = `${packets} ICMP messages of the kernel to VMs exceeded the icmpRate of their ports and were dropped`;
    findings.push({ name: 'icmp-rate.kernel', status: 'warn', what, advice: ADVICE });
  }
  if (findings.length > 0) return findings;
  return [{ name: 'icmp-rate', status: 'ok', what: `${bounded.length} ports with icmpRate, none exceeded it` }];
}

/** The table's counter; 0 without one. */
async function droppedByKernel(kernel: Kernel): Promise<number> {
  try {
    const text = await kernel.nft(['-j', 'list', 'counters', 'table', ...ICMP_TABLE.split(' ')]);
    const { nftables } = JSON.parse(text) as { nftables: { counter?: { packets: number } }[] };
    return nftables.reduce((sum, { counter }) => sum + (counter?.packets ?? 0), 0);
  } catch {
    return 0;
  }
}

export const icmpRateObservation = {
  portFields: {
    icmpRate: {
      title: 'ICMP-RATE',
      schema: z
        .int()
        .nullable()
        .describe('Most ICMP messages a second from the gateway to the VM; null: no limit of its own.'),
      value: (kernel, device, port) => heldRate(kernel, device)?.perSecond ?? port?.icmpRate ?? null,
      text: (rate) => `${rate}/s`,
    },
    icmpRateDropped: {
      title: 'ICMP-DROPPED',
      schema: z.int().nullable().describe('Messages that its programs dropped since the limit was last set.'),
      value: (kernel, device) => heldRate(kernel, device)?.dropped ?? null,
    },
  },
  counterTables: [ICMP_TABLE],
  check,
  traceReply(kernel, device) {
    const held = heldRate(kernel, device);
    if (held === undefined) return undefined;
    const { perSecond, dropped } = held;
    return { text: `icmp rate ${perSecond}/s, ${dropped} dropped so far`, detail: { icmpRate: perSecond, dropped } };
  },
} satisfies Observation;
