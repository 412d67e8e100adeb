/** What the packet benchmark sends: one base, and each property changed by itself. Pure. */
import type { Family } from '../chain/names.js';

/** `xdp`: live frames of our own generator, xdp_frames on arrival. `skb`: a process's UDP, sk_buffs all the way. `pktgen`: the kernel's own. */
export type Source = 'xdp' | 'skb' | 'pktgen';

export interface Traffic {
  /** Of the tenant's packets. */
  family: Family;
  /** Ethernet frame without FCS. */
  frameBytes: number;
  /** A power of two. Each has a destination address and a source port of its own. */
  flows: number;
  source: Source;
}

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

/** Small frames of so many flows each. */
export function flowSettings(flows: readonly number[]): Traffic[] {
  return flows.map((count) => ({ family: 4, frameBytes: SMALL_BYTES, flows: count, source: 'xdp' }));
}

/** Where the generator has a CPU of its own and can offer more than the path carries. */
export function searchSettings(smoke: boolean): Traffic[] {
  const base: Traffic = { family: 4, frameBytes: SMALL_BYTES, flows: 1, source: 'xdp' };
  return smoke ? [base] : [base, { ...base, family: 6 }];
}

export function describeTraffic({ family, frameBytes, flows, source }: Traffic): string {
  return `${frameBytes} B, IPv${family}, ${flows === 1 ? '1 flow' : `${flows} flows`}, ${source}`;
}
