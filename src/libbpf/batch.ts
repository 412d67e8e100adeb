/**
 * Many map entries by one system call (kernel/bpf/syscall.c, generic_map_*_batch; kernel/bpf/hashtab.c has its own), two to
 * five times as fast as one by one. Types without batches answer ENOTSUPP and are served one by one.
 */
import { constants } from 'node:os';
import type { UpdateMode } from './constants.js';
import { LibbpfError } from './errors.js';
import { libbpf, libc, onThread } from './ffi.js';
import { duplicate } from './handle.js';
import type { MapInfo } from './info.js';

const { ENOENT, ENOSPC, EFAULT } = constants.errno;
const ENOTSUPP = 524; // include/linux/errno.h: the kernel's own, not EOPNOTSUPP

/** Entries of one system call: from 256 up the rate no longer rises, and a call stays below some 10 ms. */
export const BATCH_ENTRIES = 4096;

export interface BatchOptions {
  /** entries of one system call, BATCH_ENTRIES when absent */
  entries?: number;
  /** removes what it reads (hashes) */
  deleting?: boolean;
}

/** Entries read together: `count` keys and values one after the other. */
export interface Batch {
  count: number;
  keys: Buffer;
  values: Buffer;
}

/** The part of a map that batches need. */
export interface BatchedMap {
  readonly fd: number;
  readonly label: string;
  readonly info: Readonly<MapInfo>;
  readonly keySize: number;
  readonly valueSize: number;
  /** Whether the kernel has batches for this type of map; set to false by the first refusal. */
  batches: boolean;
  lookup(key: Uint8Array, into?: Buffer): Buffer | undefined;
  update(key: Uint8Array, value: Uint8Array, mode?: UpdateMode): void;
  delete(key: Uint8Array): boolean;
  keys(): Iterable<Buffer>;
  failure(errno: number, operation: string, key: Uint8Array): LibbpfError;
}

function count(map: BatchedMap, operation: string, keys: Uint8Array, values?: Uint8Array): number {
  const entries = keys instanceof Uint8Array ? keys.length / map.keySize : NaN;
  if (Number.isInteger(entries) && (values === undefined || values.length === entries * map.valueSize)) return entries;
  const got = `${keys?.length} bytes of keys${values === undefined ? '' : `, ${values?.length} bytes of values`}`;
  const expected = `a multiple of ${map.keySize}${values === undefined ? '' : ` and as many times ${map.valueSize}`}`;
  throw new LibbpfError({
    code: 'LIBBPF_SIZE',
    operation: `${map.label}: ${operation}`,
    reason: `${got}: expected ${expected} bytes`,
  });
}

const counter = Buffer.alloc(4);

export function batchUpdate(map: BatchedMap, keys: Uint8Array, values: Uint8Array, mode: UpdateMode): number {
  const total = count(map, 'update batch', keys, values);
  // The kernel's batches know no BPF_NOEXIST and BPF_EXIST (generic_map_update_batch: EINVAL).
  const batches = mode === 'any';
  const lib = libbpf();
  const { keySize, valueSize } = map;
  for (let done = 0; done < total;) {
    const chunk = Math.min(total - done, BATCH_ENTRIES);
    const chunkKeys = keys.subarray(done * keySize, (done + chunk) * keySize);
    const chunkValues = values.subarray(done * valueSize, (done + chunk) * valueSize);
    if (batches && map.batches) {
      counter.writeUInt32LE(chunk);
      const result = lib.bpf_map_update_batch(map.fd, chunkKeys, chunkValues, counter, null);
      if (result === -ENOTSUPP) {
        map.batches = false;
        continue;
      }
      if (result !== 0) throw failedEntry(map, 'update batch', -result, keys, done + counter.readUInt32LE(0), total);
    } else {
      for (let index = 0; index < chunk; index++) {
        const value = chunkValues.subarray(index * valueSize, (index + 1) * valueSize);
        map.update(chunkKeys.subarray(index * keySize, (index + 1) * keySize), value, mode);
      }
    }
    done += chunk;
  }
  return total;
}

/** The same on a thread, so that the caller may prepare what comes next; here and now where the type has no batches. */
export async function batchUpdateOnThread(map: BatchedMap, keys: Uint8Array, values: Uint8Array): Promise<number> {
  const total = count(map, 'update batch', keys, values);
  const { keySize, valueSize } = map;
  const written = Buffer.alloc(4);
  // The map may be closed meanwhile, and its descriptor be another's.
  const fd = duplicate(map.fd, map.label);
  try {
    for (let done = 0; done < total;) {
      const restKeys = keys.subarray(done * keySize);
      const restValues = values.subarray(done * valueSize);
      if (!map.batches) {
        batchUpdate(map, restKeys, restValues, 'any');
        break;
      }
      const chunk = Math.min(total - done, BATCH_ENTRIES);
      written.writeUInt32LE(chunk);
      const result = await onThread(libbpf().bpf_map_update_batch, fd, restKeys, restValues, written, null);
      if (result === -ENOTSUPP) map.batches = false;
      else if (result !== 0)
        throw failedEntry(map, 'update batch', -result, keys, done + written.readUInt32LE(0), total);
      else done += chunk;
    }
  } finally {
    libc().close(fd);
  }
  return total;
}

function failedEntry(
  map: BatchedMap,
  operation: string,
  errno: number,
  keys: Uint8Array,
  index: number,
  total: number,
): LibbpfError {
  const key = keys.subarray(index * map.keySize, (index + 1) * map.keySize);
  // EFAULT leaves the counter at what was asked.
  if (key.length === 0 || errno === EFAULT) return map.failure(errno, operation, Buffer.alloc(0));
  return map.failure(errno, `${operation} entry ${index} of ${total}`, key);
}

export function batchDelete(map: BatchedMap, keys: Uint8Array): number {
  const total = count(map, 'delete batch', keys);
  const lib = libbpf();
  const { keySize } = map;
  let deleted = 0;
  for (let done = 0; done < total;) {
    const chunk = Math.min(total - done, BATCH_ENTRIES);
    const chunkKeys = keys.subarray(done * keySize, (done + chunk) * keySize);
    if (!map.batches) {
      for (let index = 0; index < chunk; index++) {
        if (map.delete(chunkKeys.subarray(index * keySize, (index + 1) * keySize))) deleted++;
      }
      done += chunk;
      continue;
    }
    counter.writeUInt32LE(chunk);
    const result = lib.bpf_map_delete_batch(map.fd, chunkKeys, counter, null);
    if (result === -ENOTSUPP) {
      map.batches = false;
      continue;
    }
    const succeeded = result === 0 ? chunk : counter.readUInt32LE(0);
    deleted += succeeded;
    done += succeeded;
    // The kernel stops at a key that is not there: go on behind it.
    if (result === -ENOENT && succeeded < chunk) done++;
    else if (result !== 0) throw failedEntry(map, 'delete batch', -result, keys, done, total);
  }
  return deleted;
}

export function* batchesOf(map: BatchedMap, options: BatchOptions): Generator<Batch, void, undefined> {
  const { deleting = false } = options;
  let size = options.entries ?? Math.min(BATCH_ENTRIES, Math.max(map.info.maxEntries, 1));
  if (!Number.isInteger(size) || size < 1 || size > 2 ** 24) {
    throw new LibbpfError({
      code: 'LIBBPF_ARGUMENT',
      operation: `${map.label}: read batches`,
      reason: `${size} entries a batch: expected an integer from 1 to ${2 ** 24}`,
    });
  }
  const lib = libbpf();
  const read = deleting ? lib.bpf_map_lookup_and_delete_batch : lib.bpf_map_lookup_batch;
  // The position of the walk: a key for most types, a bucket's number (4 bytes) for hashes.
  let position: Buffer | null = null;
  let keys = Buffer.allocUnsafe(size * map.keySize);
  let values = Buffer.allocUnsafe(size * map.valueSize);
  const room = Buffer.alloc(4);
  for (;;) {
    const next = Buffer.alloc(Math.max(map.keySize, 8));
    room.writeUInt32LE(size);
    const result = read(map.fd, position, next, keys, values, room, null);
    if (result === -ENOTSUPP && position === null && !deleting) {
      map.batches = false;
      yield* oneByOne(map, keys, values, size);
      return;
    }
    const got = room.readUInt32LE(0);
    if (result === -ENOSPC && got === 0) {
      // One bucket of the hash holds more than fits.
      size *= 2;
      keys = Buffer.allocUnsafe(size * map.keySize);
      values = Buffer.allocUnsafe(size * map.valueSize);
      continue;
    }
    if (result !== 0 && result !== -ENOENT) throw map.failure(-result, 'read batch', Buffer.alloc(0));
    if (got > 0) yield { count: got, keys, values };
    if (result === -ENOENT) return;
    position = next;
  }
}

function* oneByOne(map: BatchedMap, keys: Buffer, values: Buffer, size: number): Generator<Batch, void, undefined> {
  let filled = 0;
  for (const key of map.keys()) {
    const value = map.lookup(key, values.subarray(filled * map.valueSize, (filled + 1) * map.valueSize));
    if (value === undefined) continue; // gone since
    key.copy(keys, filled * map.keySize);
    if (++filled < size) continue;
    yield { count: filled, keys, values };
    filled = 0;
  }
  if (filled > 0) yield { count: filled, keys, values };
}

export function* entriesOf(map: BatchedMap): Generator<[key: Buffer, value: Buffer], void, undefined> {
  for (const { count: entries, keys, values } of batchesOf(map, {})) {
    for (let index = 0; index < entries; index++) {
      yield [
        Buffer.from(keys.subarray(index * map.keySize, (index + 1) * map.keySize)),
        Buffer.from(values.subarray(index * map.valueSize, (index + 1) * map.valueSize)),
      ];
    }
  }
}
