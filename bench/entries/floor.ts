/**
 * What the kernel alone takes for as many entries: those of a pinned map, in the same batches, into a map that is empty. Argument: path
 * of the pin. Prints JSON.
 */
import { BpfMap, MAP_FLAGS, type MapType } from 'libbpf-ts';
import { isMain } from '../lib/is-main.js';
import { mainThreadMs } from '../lib/thread-time.js';

/** Milliseconds of processor time. */
export interface FloorResult {
  entries: number;
  /** In batches. */
  write: number;
  read: number;
}

export function floor(path: string): FloorResult {
  const map = BpfMap.openPinned(path);
  const { type, maxEntries, keySize, valueSize } = map.info;
  const keys: Buffer[] = [];
  const values: Buffer[] = [];
  let read = 0;
  let started = mainThreadMs();
  for (const batch of map.readBatches()) {
    read += mainThreadMs() - started;
    keys.push(Buffer.from(batch.keys.subarray(0, batch.count * keySize)));
    values.push(Buffer.from(batch.values.subarray(0, batch.count * valueSize)));
    started = mainThreadMs();
  }
  const all = [Buffer.concat(keys), Buffer.concat(values)] as const;
  const flags = MAP_FLAGS.NO_PREALLOC;
  const copy = BpfMap.create({ type: type as MapType, keySize, valueSize, maxEntries, flags });
  started = mainThreadMs();
  const entries = copy.updateBatch(...all);
  const write = mainThreadMs() - started;
  copy.close();
  map.close();
  return { entries, write, read };
}

if (isMain(import.meta.url)) process.stdout.write(JSON.stringify(floor(process.argv[2] ?? '')) + '\n');
