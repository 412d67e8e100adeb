/** Batches on the running kernel: chunks, map types without batches, full maps, and iteration over a changing map. */
import { expect, onTestFinished, test } from 'vitest';
import { BATCH_ENTRIES, BpfMap, type MapOptions, possibleCpus } from '../../../src/libbpf/index.js';
import { failure, u32 } from './harness.js';

function create(options: Partial<MapOptions> & Pick<MapOptions, 'type'>): BpfMap {
  const map = BpfMap.create({ keySize: 4, valueSize: 8, maxEntries: 20_000, name: 'batched', ...options });
  onTestFinished(() => {
    map.close();
  });
  return map;
}

/** `count` keys from `first` on, and values that say which key they belong to. */
function entries(map: BpfMap, count: number, first = 0): { keys: Buffer; values: Buffer } {
  const keys = Buffer.alloc(count * map.keySize);
  const values = Buffer.alloc(count * map.valueSize);
  for (let index = 0; index < count; index++) {
    // The last 4 bytes of a trie's key; all of the others'.
    if (map.keySize > 4) keys.writeUInt32LE(8 * (map.keySize - 4), index * map.keySize);
    keys.writeUInt32BE(first + index, (index + 1) * map.keySize - 4);
    if (map.keySize === 4) keys.writeUInt32LE(first + index, index * 4);
    for (let at = 0; at < map.valueSize; at += 8)
      values.writeBigUInt64LE(BigInt(first + index), index * map.valueSize + at);
  }
  return { keys, values };
}

const COUNT = 2 * BATCH_ENTRIES + 17;

test.each([
  ['hash', {}],
  ['lru_hash', { maxEntries: 100_000 }],
  ['array', { maxEntries: COUNT }],
  ['percpu_hash', {}],
  ['percpu_array', { maxEntries: COUNT }],
  ['lpm_trie', { keySize: 8, flags: 1 }],
] as const)('%s: writes, reads and removes more entries than one system call takes', (type, options) => {
  const map = create({ type, ...options });
  const { keys, values } = entries(map, COUNT);
  expect(map.updateBatch(keys, values)).toBe(COUNT);
  expect(map.batches).toBe(true);
  const seen = new Set<bigint>();
  for (const batch of map.readBatches({ entries: 1000 })) {
    expect(batch.count).toBeLessThanOrEqual(batch.values.length / map.valueSize);
    for (let index = 0; index < batch.count; index++) seen.add(batch.values.readBigUInt64LE(index * map.valueSize));
  }
  expect(seen.size).toBe(COUNT);
  expect([...map.entries()].length).toBe(COUNT);
  if (type.includes('array')) return;
  const half = keys.subarray(0, 100 * map.keySize);
  expect(map.deleteBatch(half)).toBe(100);
  expect(map.deleteBatch(half)).toBe(0);
  // What is gone already is passed over, in the middle of a batch too.
  expect(map.deleteBatch(keys)).toBe(COUNT - 100);
  expect([...map.keys()].length).toBe(0);
});

test('devmap_hash, which has no batches, is written entry by entry with the same result', () => {
  const map = create({ type: 'devmap_hash', valueSize: 4, maxEntries: 16 });
  const keys = u32(1, 2, 3);
  // Interface 1 is lo, in every namespace.
  expect(map.updateBatch(keys, u32(1, 1, 1))).toBe(3);
  expect([...map.entries()].map(([key]) => key.readUInt32LE()).sort()).toEqual([1, 2, 3]);
  expect(map.deleteBatch(u32(1, 9, 3))).toBe(2);
});

test('a full map names the entry that did not fit, and retains those before it', () => {
  const map = create({ type: 'hash', maxEntries: 5000, name: 'full' });
  const { keys, values } = entries(map, 6000);
  const error = failure(() => map.updateBatch(keys, values));
  expect(error.message).toBe(
    'map full: update batch entry 5000 of 6000 key 88130000: E2BIG: the map is full (max_entries 5000)',
  );
  expect([...map.keys()].length).toBe(5000);
});

test.each(['hash', 'lru_hash', 'devmap_hash'] as const)('%s: a thread writes two batches at once', async (type) => {
  const map = create({ type, ...(type === 'devmap_hash' && { valueSize: 4 }) });
  const [one, other] =
    type === 'devmap_hash' ? [devices(1), devices(1, 5)] : [entries(map, COUNT), entries(map, 9, COUNT)];
  const written = [map.updateBatchAsync(one.keys, one.values), map.updateBatchAsync(other.keys, other.values)];
  expect(await Promise.all(written)).toEqual([one, other].map(({ keys }) => keys.length / map.keySize));
  for (const { keys, values } of [one, other]) {
    for (let index = 0; index < keys.length / map.keySize; index++) {
      const value = values.subarray(index * map.valueSize, (index + 1) * map.valueSize);
      expect(map.lookup(keys.subarray(index * map.keySize, (index + 1) * map.keySize))?.equals(value)).toBe(true);
    }
  }
});

/** Interface 1 is lo, in every namespace. */
function devices(...keys: number[]): { keys: Buffer; values: Buffer } {
  return { keys: u32(...keys), values: u32(...keys.map(() => 1)) };
}

test('a thread names the entry that did not fit, and finishes its batch after close()', async () => {
  const full = create({ type: 'hash', maxEntries: 5000, name: 'full' });
  const { keys, values } = entries(full, 6000);
  await expect(full.updateBatchAsync(keys, values)).rejects.toThrow(
    'map full: update batch entry 5000 of 6000 key 88130000: E2BIG: the map is full (max_entries 5000)',
  );
  const closed = create({ type: 'hash' });
  const other = closed.clone();
  const written = closed.updateBatchAsync(keys, values);
  closed.close();
  expect(await written).toBe(6000);
  expect([...other.keys()]).toHaveLength(6000);
  other.close();
});

test('update modes apply to batches', () => {
  const map = create({ type: 'hash' });
  const { keys, values } = entries(map, 10);
  map.update(u32(4), Buffer.alloc(8));
  expect(failure(() => map.updateBatch(keys, values, 'noexist')).message).toBe(
    'map batched: update key 04000000: EEXIST: the key exists already',
  );
  expect([...map.keys()].length).toBe(5);
  expect(failure(() => map.updateBatch(keys, values, 'exist')).message).toContain('key 05000000: ENOENT');
});

test('readBatches() can remove what it reads', () => {
  const map = create({ type: 'hash' });
  const { keys, values } = entries(map, 3000);
  map.updateBatch(keys, values);
  let read = 0;
  for (const { count } of map.readBatches({ deleting: true, entries: 512 })) read += count;
  expect(read).toBe(3000);
  expect([...map.keys()].length).toBe(0);
});

test('the buffer grows for a bucket larger than it', () => {
  // Two buckets at most: the kernel hands out whole buckets.
  const map = create({ type: 'hash', maxEntries: 2000 });
  const { keys, values } = entries(map, 2000);
  map.updateBatch(keys, values);
  let read = 0;
  for (const { count } of map.readBatches({ entries: 1 })) read += count;
  expect(read).toBe(2000);
});

test('keys() of a changing map ends', () => {
  const map = create({ type: 'hash', maxEntries: 50 });
  const { keys, values } = entries(map, 50);
  map.updateBatch(keys, values);
  const walk = (): number => {
    let seen = 0;
    for (const key of map.keys()) {
      seen++;
      map.delete(key);
      map.update(key, Buffer.alloc(8));
      if (seen > 1000) throw new Error('it never ends');
    }
    return seen;
  };
  // Either it comes through or it says that it cannot: never a loop.
  let said = '';
  try {
    said = `${walk()}`;
  } catch (error) {
    said = (error as Error).message;
  }
  expect(said).toMatch(/^(\d+|map batched: keys: more than max_entries \(50\) keys seen.*)$/);
});

test('mismatched buffer sizes are refused', () => {
  const map = create({ type: 'percpu_array', maxEntries: 4, name: 'cpus' });
  expect(failure(() => map.updateBatch(u32(0, 1), Buffer.alloc(16 * possibleCpus() - 8))).message).toMatch(
    /^map cpus: update batch: 8 bytes of keys, \d+ bytes of values: expected a multiple of 4 and as many times \d+ bytes$/,
  );
  expect(failure(() => map.updateBatch(Buffer.alloc(3), Buffer.alloc(0))).code).toBe('LIBBPF_SIZE');
  expect(map.updateBatch(Buffer.alloc(0), Buffer.alloc(0))).toBe(0);
  expect(failure(() => [...map.readBatches({ entries: 0 })]).code).toBe('LIBBPF_ARGUMENT');
});
