/** What the kernel alone takes for as many entries: those of a pinned map, in the same batches, into a map that is empty. */
import { performance } from 'node:perf_hooks';
import type { MapType } from '../../src/libbpf/index.js';
import { BpfMap, MAP_FLAGS } from '../../src/libbpf/index.js';

export interface FloorResult {
  entries: number;
  /** Milliseconds of a batch for every 4,096. */
  write: number;
  /** Milliseconds to read them in batches. */
  read: number;
  /** Milliseconds to look each up by itself. */
  lookup: number;
}

export function floor(path: string): FloorResult {
  const map = BpfMap.openPinned(path);
  const { type, maxEntries, keySize, valueSize } = map.info;
  const keys: Buffer[] = [];
  const values: Buffer[] = [];
  const t0 = performance.now();
  for (const batch of map.readBatches()) {
    keys.push(Buffer.from(batch.keys.subarray(0, batch.count * keySize)));
    values.push(Buffer.from(batch.values.subarray(0, batch.count * valueSize)));
  }
  const t1 = performance.now();
  const all = Buffer.concat(keys);
  const copy = BpfMap.create({ type: type as MapType, keySize, valueSize, maxEntries, flags: MAP_FLAGS.NO_PREALLOC });
  const t2 = performance.now();
  const entries = copy.updateBatch(all, Buffer.concat(values));
  const t3 = performance.now();
  const value = Buffer.alloc(valueSize);
  for (let at = 0; at < all.length; at += keySize) copy.lookup(all.subarray(at, at + keySize), value);
  const t4 = performance.now();
  copy.close();
  map.close();
  return { entries, read: t1 - t0, write: t3 - t2, lookup: t4 - t3 };
}
