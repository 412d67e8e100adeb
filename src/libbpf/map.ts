/** Maps: one entry at a time. Sizes are those of the live map, so a wrong buffer is refused before the kernel would read past it. */
import { constants } from 'node:os';
import {
  batchDelete,
  batchUpdate,
  batchUpdateOnThread,
  entriesOf,
  type Batch,
  type BatchOptions,
  batchesOf,
} from './batch.js';
import { MAP_FLAGS, MAP_TYPES, type MapType, UPDATE_FLAGS, type UpdateMode } from './constants.js';
import { check, checkBytes, hex, LibbpfError, numberOf, u32 } from './errors.js';
import { type Libbpf, libbpf } from './ffi.js';
import { adopt, duplicate, Handle } from './handle.js';
import { mapInfo, type MapInfo } from './info.js';
import { inNetns, type Netns } from './netns.js';
import { openPin, pinFd } from './pin.js';
import { MAP_CREATE_OPTS, Options } from './structs.js';

const { ENOENT, E2BIG, ENOSPC, EEXIST, EPERM } = constants.errno;

export interface MapOptions {
  type: MapType;
  /** bytes; 0 for queues, stacks and ring buffers */
  keySize: number;
  /** bytes of one value (of one CPU's, for per-CPU maps) */
  valueSize: number;
  /** entries; bytes (a power of two of pages) for a ring buffer */
  maxEntries: number;
  /** the kernel keeps 15 characters */
  name?: string;
  /** MAP_FLAGS; NO_PREALLOC is added for lpm_trie, which the kernel has no other way */
  flags?: number;
  /** template of the maps inside an array_of_maps or hash_of_maps */
  inner?: BpfMap;
  numaNode?: number;
}

let possible: number | undefined;

/** CPUs the kernel keeps per-CPU values for; constant while it runs. */
export function possibleCpus(): number {
  return (possible ??= check(libbpf().libbpf_num_possible_cpus(), 'number of possible CPUs'));
}

export class BpfMap extends Handle {
  /** as the kernel has it; sizes and type never change */
  readonly info: Readonly<MapInfo>;
  /** has it a value for each CPU? */
  readonly perCpu: boolean;
  /** bytes of a key */
  readonly keySize: number;
  /** bytes of a value as they are read and written: for per-CPU maps every possible CPU's, each rounded up to 8 */
  readonly valueSize: number;
  /** bytes from one CPU's value to the next; valueSize where the map is not per CPU */
  readonly cpuStride: number;
  /** false once the kernel said that this type has no batches */
  batches = true;
  readonly #lib: Libbpf;

  /**
   * Takes the descriptor over, unless it throws.
   * @param name what messages call it; the kernel's name when absent
   * @throws LibbpfError LIBBPF_EINVAL when the descriptor is no map, LIBBPF_EBADF
   */
  constructor(fd: number, name?: string) {
    super(fd, 'map', `map ${name ?? `descriptor ${fd}`}`);
    const info = mapInfo(fd, this.label);
    if (name === undefined) this.label = `map ${info.name === '' ? `id ${info.id}` : info.name}`;
    this.info = info;
    this.keySize = info.keySize;
    this.perCpu = info.type.includes('percpu');
    this.cpuStride = this.perCpu ? Math.ceil(info.valueSize / 8) * 8 : info.valueSize;
    this.valueSize = this.perCpu ? this.cpuStride * possibleCpus() : info.valueSize;
    this.#lib = libbpf();
  }

  /** A map without an object file. @throws LibbpfError with the kernel's errno */
  static create(options: MapOptions): BpfMap {
    const { type, keySize, valueSize, maxEntries, name = '', flags = 0, inner, numaNode } = options;
    const operation = `map ${name === '' ? 'without a name' : name}: create ${type}`;
    const number = numberOf(MAP_TYPES, type, operation, 'type');
    const allFlags = u32(flags, operation, 'flags') | (type === 'lpm_trie' ? MAP_FLAGS.NO_PREALLOC : 0);
    const opts = new Options(MAP_CREATE_OPTS.size).u32(MAP_CREATE_OPTS.map_flags, allFlags >>> 0);
    if (inner) opts.u32(MAP_CREATE_OPTS.inner_map_fd, inner.fd);
    if (numaNode !== undefined) opts.u32(MAP_CREATE_OPTS.numa_node, u32(numaNode, operation, 'NUMA node'));
    const fd = libbpf().bpf_map_create(
      number,
      name,
      u32(keySize, operation, 'key size'),
      u32(valueSize, operation, 'value size'),
      u32(maxEntries, operation, 'max_entries'),
      opts.bytes,
    );
    check(fd, operation, `key ${keySize} B, value ${valueSize} B, max_entries ${maxEntries}`);
    return adopt(fd, () => new BpfMap(fd, name === '' ? undefined : name));
  }

  /** @throws LibbpfError LIBBPF_ENOENT when nothing is pinned there, LIBBPF_EINVAL when it is no map */
  static openPinned(path: string): BpfMap {
    return adopt(openPin(path, 'map'), (fd) => new BpfMap(fd));
  }

  /** @throws LibbpfError LIBBPF_ENOENT */
  static openById(id: number): BpfMap {
    const operation = `map id ${id}: open`;
    const fd = check(libbpf().bpf_map_get_fd_by_id(u32(id, operation, 'id')), operation);
    return adopt(fd, () => new BpfMap(fd));
  }

  /** Another handle of the same map, to be kept when the object it came from is closed. */
  clone(): BpfMap {
    return new BpfMap(duplicate(this.fd, this.label), this.label.slice('map '.length));
  }

  /**
   * The value of a key, in `into` or a new buffer; undefined when there is none. About 0.2 µs and the kernel's own time.
   * @param into valueSize bytes
   */
  lookup(key: Uint8Array, into: Buffer = Buffer.allocUnsafe(this.valueSize)): Buffer | undefined {
    this.#checkKey(key, 'lookup');
    this.#checkValue(into, 'lookup');
    const result = this.#lib.bpf_map_lookup_elem(this.fd, key, into);
    if (result === 0) return into;
    if (result === -ENOENT) return undefined;
    throw this.#failed(result, 'lookup', key);
  }

  /**
   * Writes an entry.
   * @param mode noexist: only a new key (else EEXIST); exist: only one that is there (else ENOENT)
   * @param options of a devmap: the namespace in which its interface numbers count; default the thread's
   */
  update(key: Uint8Array, value: Uint8Array, mode: UpdateMode = 'any', options?: { netns?: Netns }): void {
    this.#checkKey(key, 'update');
    this.#checkValue(value, 'update');
    const flags = UPDATE_FLAGS[mode] as bigint | undefined;
    if (flags === undefined) numberOf(UPDATE_FLAGS, mode, `${this.label}: update`, 'mode');
    const { fd } = this;
    const result =
      options?.netns === undefined
        ? this.#lib.bpf_map_update_elem(fd, key, value, flags ?? 0n)
        : inNetns(options.netns, () => this.#lib.bpf_map_update_elem(fd, key, value, flags ?? 0n));
    if (result !== 0) throw this.#failed(result, 'update', key);
  }

  /** Puts a map, a program or another kernel object into a map of such (array_of_maps, hash_of_maps, prog_array). */
  updateHandle(key: Uint8Array, handle: Handle, mode: UpdateMode = 'any'): void {
    const value = Buffer.alloc(4);
    value.writeUInt32LE(handle.fd);
    this.update(key, value, mode);
  }

  /** Removes an entry; false when it was not there. */
  delete(key: Uint8Array): boolean {
    this.#checkKey(key, 'delete');
    const result = this.#lib.bpf_map_delete_elem(this.fd, key);
    if (result === 0) return true;
    if (result === -ENOENT) return false;
    throw this.#failed(result, 'delete', key);
  }

  /** Reads and removes in one step (hashes since Linux 5.14, queues and stacks with an empty key); undefined when there was none. */
  lookupAndDelete(key: Uint8Array, into: Buffer = Buffer.allocUnsafe(this.valueSize)): Buffer | undefined {
    this.#checkKey(key, 'lookup and delete');
    this.#checkValue(into, 'lookup and delete');
    const result = this.#lib.bpf_map_lookup_and_delete_elem(this.fd, this.keySize === 0 ? null : key, into);
    if (result === 0) return into;
    if (result === -ENOENT) return undefined;
    throw this.#failed(result, 'lookup and delete', key);
  }

  /**
   * Every key, each a buffer of its own. A hash whose entries go away meanwhile may start over: the walk then ends with
   * LIBBPF_ITERATION instead of going on for ever. Entries that come meanwhile may be left out.
   */
  *keys(): Generator<Buffer, void, undefined> {
    let key: Buffer | null = null;
    for (let seen = 0; seen <= this.info.maxEntries; seen++) {
      const next: Buffer = Buffer.allocUnsafe(this.keySize);
      const result = this.#lib.bpf_map_get_next_key(this.fd, key, next);
      if (result === -ENOENT) return;
      if (result !== 0) throw this.#failed(result, 'next key', key ?? Buffer.alloc(0));
      yield next;
      key = next;
    }
    throw new LibbpfError({
      code: 'LIBBPF_ITERATION',
      operation: `${this.label}: keys`,
      reason: `more than max_entries (${this.info.maxEntries}) keys seen: entries were deleted meanwhile`,
    });
  }

  /** lookup() by Map's word. */
  get(key: Uint8Array): Buffer | undefined {
    return this.lookup(key);
  }

  /** update() by Map's word. */
  set(key: Uint8Array, value: Uint8Array, options?: { netns?: Netns }): this {
    this.update(key, value, 'any', options);
    return this;
  }

  has(key: Uint8Array): boolean {
    return this.lookup(key) !== undefined;
  }

  /** Every value, a buffer of its own. */
  *values(): Generator<Buffer, void, undefined> {
    for (const [, value] of this.entries()) yield value;
  }

  [Symbol.iterator](): Generator<[key: Buffer, value: Buffer], void, undefined> {
    return this.entries();
  }

  /** Every key with its value, each a buffer of its own, read in batches where the type has them. */
  entries(): Generator<[key: Buffer, value: Buffer], void, undefined> {
    return entriesOf(this);
  }

  /** Entries a buffer full at a time: the fast way to read a large map. The buffers are used again for the next. */
  readBatches(options: BatchOptions = {}): Generator<Batch, void, undefined> {
    return batchesOf(this, options);
  }

  /**
   * Writes many entries, keys and values one after the other in their buffers; one by one where the type has no batches,
   * and for modes other than any, which the kernel's batches do not know.
   * @returns entries written, which is all of them
   * @throws LibbpfError naming the entry that failed; those before it are written
   */
  updateBatch(keys: Uint8Array, values: Uint8Array, mode: UpdateMode = 'any'): number {
    return batchUpdate(this, keys, values, mode);
  }

  /**
   * Writes many entries while the event loop turns. The buffers are the kernel's until then.
   * @returns entries written, which is all of them
   * @throws LibbpfError naming the entry that failed; those before it are written
   */
  updateBatchAsync(keys: Uint8Array, values: Uint8Array): Promise<number> {
    return batchUpdateOnThread(this, keys, values);
  }

  /** Removes many keys; those that are not there are passed over. @returns entries removed */
  deleteBatch(keys: Uint8Array): number {
    return batchDelete(this, keys);
  }

  /** No more changes by system calls, as .rodata has it. */
  freeze(): void {
    check(this.#lib.bpf_map_freeze(this.fd), `${this.label}: freeze`);
  }

  /** Keeps the map alive under a path of a bpffs. @throws LibbpfError LIBBPF_PIN, LIBBPF_EEXIST */
  pin(path: string): void {
    pinFd(this.fd, path, this.label);
  }

  /** One CPU's part of a per-CPU value, without its padding. */
  cpuValue(value: Buffer, cpu: number): Buffer {
    checkBytes(value, this.valueSize, `${this.label}: value of CPU ${cpu}`, 'the value');
    if (!Number.isInteger(cpu) || cpu < 0 || (cpu + 1) * this.cpuStride > this.valueSize) {
      throw new LibbpfError({
        code: 'LIBBPF_ARGUMENT',
        operation: `${this.label}: value of CPU ${cpu}`,
        reason: `expected a CPU from 0 to ${this.valueSize / this.cpuStride - 1}`,
      });
    }
    return value.subarray(cpu * this.cpuStride, cpu * this.cpuStride + this.info.valueSize);
  }

  /** Each possible CPU's part of a per-CPU value. */
  cpuValues(value: Buffer): Buffer[] {
    return Array.from({ length: this.valueSize / this.cpuStride }, (_, cpu) => this.cpuValue(value, cpu));
  }

  /** The error of an operation on one key: messages are made only here, off the fast path. */
  failure(errno: number, operation: string, key: Uint8Array): LibbpfError {
    const reason = this.#reason(errno);
    const at = key.length === 0 ? '' : ` key ${hex(key)}`;
    return new LibbpfError({ operation: `${this.label}: ${operation}${at}`, errno, ...(reason ? { reason } : {}) });
  }

  #failed(result: number, operation: string, key: Uint8Array): LibbpfError {
    return this.failure(-result, operation, key);
  }

  #reason(errno: number): string | undefined {
    const { maxEntries, type } = this.info;
    if (errno === E2BIG || errno === ENOSPC) {
      return type.includes('array')
        ? `the index is not below max_entries ${maxEntries}`
        : `the map is full (max_entries ${maxEntries})`;
    }
    if (errno === EEXIST) return 'the key exists already';
    if (errno === ENOENT) return 'the key does not exist';
    if (errno === EPERM) return 'the map is frozen or read-only, or CAP_BPF is missing';
    return undefined;
  }

  #checkKey(key: Uint8Array, operation: string): void {
    if (key instanceof Uint8Array && key.length === this.keySize) return;
    checkBytes(key, this.keySize, `${this.label}: ${operation}`, 'the key');
  }

  #checkValue(value: Uint8Array, operation: string): void {
    if (value instanceof Uint8Array && value.length === this.valueSize) return;
    checkBytes(value, this.valueSize, `${this.label}: ${operation}`, 'the value');
  }
}
