/** What the fast path of a hypervisor counted, for tests to see that packets took it. */
import { reasonCounts } from '../../../src/ebpf/counters.js';
import { localSids } from '../../../src/observe/inspect/state.js';
import type { TestNetwork } from './network.js';

export interface FastpathCounts {
  /** Packets by `<verdict> <reason>`, those that are not zero; not the host's own, whose neighbour discovery comes when it comes. */
  reasons: Record<string, number>;
  /** What the kernel's End.DT* took. */
  slow: number;
}

export function fastpathCounts(network: TestNetwork, name: string): FastpathCounts {
  const { kernel } = network.instance(name);
  const { maps } = kernel.fastpath;
  if (maps === undefined) throw new Error(`${name}: no fast-path maps are pinned`);
  const reasons: Record<string, number> = {};
  for (const { verdict, reason, slug, packets } of reasonCounts(maps)) {
    if (packets > 0 && slug !== 'pass-host') reasons[`${verdict} ${reason}`] = packets;
  }
  const slow = localSids(kernel).reduce((total, { encap }) => total + Number(encap.counters?.packets ?? 0), 0);
  return { reasons, slow };
}

/** What was counted since. */
export function since(before: FastpathCounts, after: FastpathCounts): FastpathCounts {
  const reasons: Record<string, number> = {};
  for (const [reason, packets] of Object.entries(after.reasons)) {
    const more = packets - (before.reasons[reason] ?? 0);
    if (more !== 0) reasons[reason] = more;
  }
  return { reasons, slow: after.slow - before.slow };
}
