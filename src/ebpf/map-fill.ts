/** Fill levels of maps. */
import type { BpfMap } from 'libbpf-ts';
import type { MapFill } from '../reconcile/observation.js';

/** Empty for an array, whose entries always exist, and for a ring buffer. */
export function fillOf(name: string, map: BpfMap): MapFill[] {
  const { type, maxEntries } = map.info;
  if (type.includes('array') || type === 'ringbuf') return [];
  let entries = 0;
  for (const { count } of map.readBatches()) entries += count;
  return [{ map: name, entries, size: maxEntries }];
}
