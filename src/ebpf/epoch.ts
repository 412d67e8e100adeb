import { randomBytes } from 'node:crypto';
import { CacheGeneration } from './generated/layouts.js';
import type { BpfMap } from 'libbpf-ts';

const KEY = Buffer.alloc(4);

/**
 * Invalidates the programs' flow caches (bpf/fib/flow_cache.h); required after each change of the maps that they cache. The generation is a random
 * number: the last one need not be known, and a torn read yields a value that no cache holds.
 *
 * @throws LibbpfError
 */
export function nextCacheGeneration(epochs: BpfMap): void {
  const number = randomBytes(CacheGeneration.SIZE);
  // Zero means that nothing is cached.
  number.writeUInt8(number.readUInt8(0) | 1, 0);
  epochs.update(KEY, number);
}
