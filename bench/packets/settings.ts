/** What the packet benchmark sends: one base, and each property changed by itself. Pure. */
import type { Family } from '../chain/names.js';

/** `xdp`: live frames of our own generator, xdp_frames on arrival. `skb`: a process's UDP, sk_buffs all the way. `pktgen`: the kernel's own. */
export type Source = 'xdp' | 'skb' | 'pktgen';

export interface Traffic {
  /** Of the tenant's packets. */
  family: Family;
  /** Ethernet frame without FCS. */
  frameBytes: number;
  /** Each has a destination address and a source port of its own. Of a source that is not `xdp` a power of two. */
  flows: number;
  source: Source;
  /** Absent: flows send in turn. */
  spread?: Spread;
  /** Addresses behind the sink that every path knows one by one, and that flows go to; absent: all by one prefix. */
  endpoints?: number;
  /** That send at once; absent: one. */
  cpus?: number;
}

/** Which flow the next packet is of: in turn, each as likely as another, or by Zipf's law (exponent 1). */
export const SPREADS = ['sequential', 'uniform', 'zipf'] as const;
export type Spread = (typeof SPREADS)[number];

const MANY_FLOWS = 1024;
/** More destinations than a CPU can remember all of (FLOWS of bpf/maps/fastpath_maps.h) without any in another's place. */
const MORE_FLOWS = 4096;
const SMALL_BYTES = 64;
/** The smallest frame, one that is neither, and one that a tunnel's header still fits under 1,500 bytes with. */
const SIZES_BYTES = [SMALL_BYTES, 512, 1400];
const FAMILIES = [4, 6] as const;

/** Where everything runs on one CPU and the rate at the sink is what is measured. */
export function fullRateSettings(smoke: boolean): Traffic[] {
  if (smoke) {
    return [
      { family: 4, frameBytes: SMALL_BYTES, flows: 1, source: 'xdp' },
      { family: 6, frameBytes: 1400, flows: MANY_FLOWS, source: 'xdp' },
      { family: 6, frameBytes: SMALL_BYTES, flows: 4, source: 'skb' },
    ];
  }
  const settings: Traffic[] = [];
  for (const family of FAMILIES) {
    for (const frameBytes of SIZES_BYTES) settings.push({ family, frameBytes, flows: 1, source: 'xdp' });
    settings.push({ family, frameBytes: SMALL_BYTES, flows: MANY_FLOWS, source: 'xdp' });
    settings.push({ family, frameBytes: SMALL_BYTES, flows: 1, source: 'skb' });
  }
  settings.push({ family: 4, frameBytes: SMALL_BYTES, flows: MORE_FLOWS, source: 'xdp' });
  settings.push({ family: 4, frameBytes: 1400, flows: 1, source: 'skb' });
  return settings;
}

/** What is the same in all settings of a comparison by numbers of flows. */
export type FlowOptions = Pick<Traffic, 'spread' | 'endpoints' | 'cpus'>;

/** Small frames of so many flows each. */
export function flowSettings(flows: readonly number[], options: FlowOptions = {}): Traffic[] {
  return flows.map((count) => ({ family: 4, frameBytes: SMALL_BYTES, flows: count, source: 'xdp', ...options }));
}

/** Where the generator has a CPU of its own and can offer more than the path carries. */
export function searchSettings(smoke: boolean): Traffic[] {
  const base: Traffic = { family: 4, frameBytes: SMALL_BYTES, flows: 1, source: 'xdp' };
  return smoke ? [base] : [base, { ...base, family: 6 }];
}

export function describeTraffic({ family, frameBytes, flows, source, spread, endpoints, cpus }: Traffic): string {
  const parts = [
    `${frameBytes} B`,
    `IPv${family}`,
    `${flows === 1 ? '1 flow' : `${flows} flows`}${spread === undefined ? '' : ` (${spread})`}`,
    source,
    ...(endpoints === undefined ? [] : [`${endpoints} endpoints`]),
    ...(cpus === undefined ? [] : [`${cpus} CPUs`]),
  ];
  return parts.join(', ');
}
