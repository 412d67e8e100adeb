import { randomBytes } from 'node:crypto';
import { Limits } from '../ebpf/generated/layouts.js';

const SEED_BYTES = 8;

/** Random seeds for a new table of flows or connections, so that nobody outside can choose flows that share a line or a bucket. */
export function newSeeds(): bigint[] {
  const bytes = randomBytes(Limits.HASH_SEEDS * SEED_BYTES);
  return Array.from({ length: Limits.HASH_SEEDS }, (_, index) => bytes.readBigUInt64LE(index * SEED_BYTES));
}
