import { Reason } from '../../../src/ebpf/generated/layouts.js';
import type { Instance } from '../../../src/agent/instance.js';

/** Packets by the words of their reason, those of which there are none left out. */
export function countsOf({ kernel }: Instance): Record<string, number> {
  const map = kernel.fastpath.maps?.sg_verdicts;
  if (map === undefined) throw new Error('the fast path has no maps');
  const counts: Record<string, number> = {};
  for (const [name, index] of Object.entries(Reason)) {
    const key = Buffer.alloc(4);
    key.writeUInt32LE(index);
    const values = name === 'REASON_COUNT' ? undefined : map.lookup(key);
    const packets =
      values === undefined ? 0 : map.cpuValues(values).reduce((sum, one) => sum + Number(one.readBigUInt64LE(0)), 0);
    if (packets > 0)
      counts[
        name
          .toLowerCase()
          .replaceAll('_', ' ')
          .replace(/^(answer|drop) /, '')
      ] = packets;
  }
  return counts;
}
