/** Every type of map, on the running kernel. */
import { expect, onTestFinished, test } from 'vitest';
import { BpfMap, MAP_FLAGS, type MapOptions, possibleCpus, XDP_ACTIONS } from '../../../src/libbpf/index.js';
import { inNetns } from '../../../src/netlink/netns.js';
import { failure, ifindex, load, namespace, u32 } from './harness.js';

function create(options: Partial<MapOptions> & Pick<MapOptions, 'type'>): BpfMap {
  const map = BpfMap.create({
    keySize: 4,
    valueSize: 8,
    maxEntries: 64,
    name: `t_${options.type}`.slice(0, 15),
    ...options,
  });
  onTestFinished(() => {
    map.close();
  });
  return map;
}

function u64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
}

function hexes(buffers: Iterable<Buffer>): string[] {
  return [...buffers].map((buffer) => buffer.toString('hex')).sort();
}

test.each(['hash', 'lru_hash', 'array'] as const)('%s: entries are written, read, listed and removed', (type) => {
  const map = create({ type, maxEntries: 3 });
  expect(map.info).toMatchObject({ type, keySize: 4, valueSize: 8, maxEntries: 3, name: `t_${type}` });
  for (let key = 0; key < 3; key++) map.update(u32(key), u64(BigInt(key) << 40n));
  const into = Buffer.alloc(8);
  expect(map.lookup(u32(2), into)).toBe(into);
  expect(into.readBigUInt64LE()).toBe(2n << 40n);
  expect(hexes(map.keys())).toEqual(hexes([u32(0), u32(1), u32(2)]));
  expect([...map.entries()].map(([key, value]) => [key.readUInt32LE(), value.readBigUInt64LE()]).sort()).toEqual([
    [0, 0n],
    [1, 1n << 40n],
    [2, 2n << 40n],
  ]);
  expect(map.lookup(u32(3))).toBeUndefined();
  if (type === 'array') {
    expect(failure(() => map.delete(u32(1))).errnoName).toBe('EINVAL');
    expect(
      failure(() => {
        map.update(u32(3), u64(1n));
      }).message,
    ).toBe('map t_array: update key 03000000: E2BIG: the index is not below max_entries 3');
    return;
  }
  expect(map.delete(u32(1))).toBe(true);
  expect(map.delete(u32(1))).toBe(false);
  expect(map.lookupAndDelete(u32(2))).toEqual(u64(2n << 40n));
  expect(map.lookupAndDelete(u32(2))).toBeUndefined();
  expect(hexes(map.keys())).toEqual(hexes([u32(0)]));
});

test('update modes work, and a full map names its limit', () => {
  const map = create({ type: 'hash', maxEntries: 2, name: 'small' });
  map.update(u32(1), u64(1n), 'noexist');
  const refused = (fn: () => void): string => failure(fn).message;
  expect(
    refused(() => {
      map.update(u32(1), u64(2n), 'noexist');
    }),
  ).toBe('map small: update key 01000000: EEXIST: the key exists already');
  expect(
    refused(() => {
      map.update(u32(2), u64(2n), 'exist');
    }),
  ).toBe('map small: update key 02000000: ENOENT: the key does not exist');
  map.update(u32(1), u64(3n), 'exist');
  expect(map.lookup(u32(1))).toEqual(u64(3n));
  map.update(u32(2), u64(2n));
  expect(
    refused(() => {
      map.update(u32(3), u64(2n));
    }),
  ).toBe('map small: update key 03000000: E2BIG: the map is full (max_entries 2)');
});

test('per-CPU values have one part per possible CPU, at multiples of 8 bytes', () => {
  for (const type of ['percpu_array', 'percpu_hash', 'lru_percpu_hash'] as const) {
    const map = create({ type, valueSize: 12, maxEntries: 64 });
    const cpus = possibleCpus();
    expect(map.cpuStride).toBe(16);
    expect(map.valueSize).toBe(16 * cpus);
    const value = Buffer.alloc(map.valueSize);
    for (let cpu = 0; cpu < cpus; cpu++) map.cpuValue(value, cpu).fill(cpu + 1);
    map.update(u32(0), value);
    const read = map.cpuValues(map.lookup(u32(0)) ?? Buffer.alloc(0));
    expect(read).toEqual(Array.from({ length: cpus }, (_, cpu) => Buffer.alloc(12, cpu + 1)));
    expect(failure(() => map.cpuValue(value, cpus)).code).toBe('LIBBPF_ARGUMENT');
    expect(
      failure(() => {
        map.update(u32(0), Buffer.alloc(12));
      }).code,
    ).toBe('LIBBPF_SIZE');
  }
});

test('an LPM trie finds the longest prefix, and names its limit when full', () => {
  const map = create({
    type: 'lpm_trie',
    keySize: 8,
    valueSize: 4,
    flags: MAP_FLAGS.NO_PREALLOC,
    maxEntries: 2,
    name: 'trie',
  });
  const prefix = (length: number, ...bytes: number[]): Buffer => Buffer.concat([u32(length), Buffer.from(bytes)]);
  map.update(prefix(8, 10, 0, 0, 0), u32(8));
  map.update(prefix(24, 10, 1, 2, 0), u32(24));
  expect(map.lookup(prefix(32, 10, 1, 2, 3))).toEqual(u32(24));
  expect(map.lookup(prefix(32, 10, 9, 9, 9))).toEqual(u32(8));
  expect(map.lookup(prefix(32, 11, 0, 0, 1))).toBeUndefined();
  expect([...map.keys()].length).toBe(2);
  expect(
    failure(() => {
      map.update(prefix(16, 10, 3, 0, 0), u32(1));
    }).message,
  ).toBe('map trie: update key 100000000a030000: ENOSPC: the map is full (max_entries 2)');
  expect(map.delete(prefix(24, 10, 1, 2, 0))).toBe(true);
  expect(map.lookup(prefix(32, 10, 1, 2, 3))).toEqual(u32(8));
});

test('programs look up the current inner map of a map of maps', () => {
  const object = load('test/maps');
  const [tables, prefixes, program] = [object.map('tables'), object.map('prefixes'), object.program('xdp_table')];
  const verdict = (): number => program.testRun({ data: Buffer.alloc(64) }).verdict;
  expect(verdict()).toBe(XDP_ACTIONS.drop);
  const inner = create({ type: 'hash', maxEntries: 16 });
  tables.updateHandle(u32(0), inner);
  expect(tables.lookup(u32(0))).toEqual(u32(inner.info.id));
  expect(verdict()).toBe(XDP_ACTIONS.aborted);
  inner.update(u32(0), u64(1n));
  expect(verdict()).toBe(XDP_ACTIONS.tx);
  prefixes.update(Buffer.concat([u32(0), Buffer.alloc(20)]), u32(1));
  expect(verdict()).toBe(XDP_ACTIONS.pass);
  const wrong = create({ type: 'hash', keySize: 8 });
  expect(
    failure(() => {
      tables.updateHandle(u32(1), wrong);
    }).errnoName,
  ).toBe('EINVAL');
  // The map outside keeps the one inside.
  inner.close();
  expect(verdict()).toBe(XDP_ACTIONS.pass);
  const array = create({ type: 'array_of_maps', valueSize: 4, inner: create({ type: 'array' }), maxEntries: 2 });
  array.updateHandle(u32(1), create({ type: 'array' }));
  expect(array.lookup(u32(1))).toBeDefined();
  expect(array.lookup(u32(0))).toBeUndefined();
});

test('a tail call runs the program stored in a prog_array', () => {
  const object = load('test/maps', { rodata: { verdict: XDP_ACTIONS.tx } });
  const call = (): number => object.program('xdp_call').testRun({ data: Buffer.alloc(64) }).verdict;
  expect(call()).toBe(XDP_ACTIONS.aborted);
  object.map('calls').updateHandle(u32(1), object.program('xdp_count'));
  expect(call()).toBe(XDP_ACTIONS.tx);
  expect(object.map('calls').delete(u32(1))).toBe(true);
  expect(call()).toBe(XDP_ACTIONS.aborted);
});

test('devmap, devmap_hash and cpumap redirect packets', () => {
  const netns = namespace();
  const index = ifindex(netns, 'v0');
  const object = load('test/maps');
  const ports = object.map('ports');
  const redirect = (): number => object.program('xdp_redirect').testRun({ data: Buffer.alloc(64), netns }).verdict;
  expect(redirect()).toBe(XDP_ACTIONS.drop);
  inNetns(netns, () => {
    ports.update(u32(0), u32(index, 0));
    create({ type: 'devmap', valueSize: 4 }).update(u32(3), u32(index));
  });
  expect(redirect()).toBe(XDP_ACTIONS.redirect);
  expect(ports.lookup(u32(0))?.readUInt32LE()).toBe(index);
  expect(
    failure(() => {
      inNetns(netns, () => {
        ports.update(u32(1), u32(9999, 0));
      });
    }).message,
  ).toContain('update key 01000000: EINVAL');
  const cpus = create({ type: 'cpumap', valueSize: 4, maxEntries: possibleCpus() });
  cpus.update(u32(0), u32(128));
  expect(cpus.lookup(u32(0))).toEqual(u32(128));
});

test('queues have no keys', () => {
  const queue = create({ type: 'queue', keySize: 0 });
  const none = Buffer.alloc(0);
  queue.update(none, u64(1n));
  queue.update(none, u64(2n));
  expect(queue.lookupAndDelete(none)).toEqual(u64(1n));
  expect(queue.lookupAndDelete(none)).toEqual(u64(2n));
  expect(queue.lookupAndDelete(none)).toBeUndefined();
});

test('a map opened by id or cloned outlives the first handle', () => {
  const map = create({ type: 'hash', name: 'lasting' });
  map.update(u32(1), u64(5n));
  const [byId, clone] = [BpfMap.openById(map.info.id), map.clone()];
  onTestFinished(() => {
    byId.close();
    clone.close();
  });
  expect(byId.label).toBe('map lasting');
  map.close();
  expect(failure(() => map.lookup(u32(1))).message).toBe('map lasting: it was closed');
  for (const other of [byId, clone]) expect(other.lookup(u32(1))).toEqual(u64(5n));
  const { id } = clone.info;
  byId.close();
  clone.close();
  expect(failure(() => BpfMap.openById(id)).message).toBe(`map id ${id}: open: ENOENT`);
});

test('a frozen map refuses writes', () => {
  const map = create({ type: 'array', name: 'frozen' });
  map.freeze();
  expect(
    failure(() => {
      map.update(u32(0), u64(1n));
    }).message,
  ).toBe('map frozen: update key 00000000: EPERM: the map is frozen or read-only, or CAP_BPF is missing');
});

test('buffers of the wrong size never reach the kernel', () => {
  const map = create({ type: 'hash', name: 'sized' });
  expect(failure(() => map.lookup(Buffer.alloc(3))).message).toBe(
    'map sized: lookup: the key is 3 bytes, expected 4 bytes',
  );
  expect(failure(() => map.lookup(u32(1), Buffer.alloc(7))).message).toBe(
    'map sized: lookup: the value is 7 bytes, expected 8 bytes',
  );
  expect(
    failure(() => {
      map.update(u32(1), Buffer.alloc(9));
    }).code,
  ).toBe('LIBBPF_SIZE');
  expect(failure(() => map.delete(Buffer.alloc(0))).code).toBe('LIBBPF_SIZE');
});

test('a refused map names the requested attributes', () => {
  expect(failure(() => create({ type: 'hash', maxEntries: 0, name: 'none' })).message).toBe(
    'map none: create hash: EINVAL: key 4 B, value 8 B, max_entries 0',
  );
  expect(failure(() => create({ type: 'hash', maxEntries: 2 ** 32 })).code).toBe('LIBBPF_ARGUMENT');
});
