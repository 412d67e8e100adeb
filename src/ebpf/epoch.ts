import { randomBytes } from 'node:crypto';
import { CacheGeneration } from './generated/layouts.js';
import type { BpfMap } from 'libbpf-ts';

const KEY = Buffer.alloc(4);

/**
 * Makes programs forget what they remember of flows (bpf/fib/flow_cache.h): after every change of what they look up. The number is random, so that
 * nobody has to know the last one, and one that a CPU sees half written is none that ever was or will be.
 *
 * @throws LibbpfError
 */
export function nextCacheGeneration(epochs: BpfMap): void {
  const number = randomBytes(CacheGeneration.SIZE);
  // Zero is "remember nothing".
  number.writeUInt8(number.readUInt8(0) | 1, 0);
  epochs.update(KEY, number);
}
