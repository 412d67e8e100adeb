/** Mistakes that users of the library made: namespaces, pins, privileges, option values, retained records. */
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import {
  attachTcx,
  attachXdp,
  BpfMap,
  BpfObject,
  ERROR_CODES,
  LibbpfError,
  probe,
  queryXdp,
  RingBuffer,
  TypedMap,
  U32,
} from '../../../src/libbpf/index.js';
import { bpffs, failure, ifindex, load, namespace, objectPath, ROOT, run, u32 } from './harness.js';

test('a devmap takes interface numbers of a namespace by name, by descriptor and by value', () => {
  const netns = namespace();
  // A number that only this namespace has: the thread's would be refused.
  run(netns, 'ip', 'link', 'add', 'far', 'index', '4711', 'type', 'veth', 'peer', 'name', 'far1');
  const index = ifindex(netns, 'far');
  const map = BpfMap.create({ type: 'devmap', keySize: 4, valueSize: 4, maxEntries: 4, name: 'ports' });
  onTestFinished(() => {
    map.close();
  });
  expect(
    failure(() => {
      map.update(u32(0), u32(index));
    }).errnoName,
  ).toBe('EINVAL');
  map.update(u32(0), u32(index), 'any', { netns });
  const fd = openSync(`/run/netns/${netns}`, 'r');
  map.set(u32(1), u32(index), { netns: fd });
  const typed = new TypedMap(map, U32, U32);
  typed.set(2, index, 'any', { netns: fd });
  closeSync(fd);
  expect([0, 1, 2].map((key) => typed.get(key))).toEqual([index, index, index]);
});

test('each netns option accepts a descriptor, and a missing namespace is a LibbpfError', () => {
  const netns = namespace();
  const object = load('test/maps');
  const fd = openSync(`/run/netns/${netns}`, 'r');
  const link = attachXdp(object.program('xdp_count'), { interface: 'v0', netns: fd });
  expect(queryXdp({ interface: 'v0', netns: fd })).toBe(object.program('xdp_count').info().id);
  expect(queryXdp({ interface: 'v0', netns })).toBe(object.program('xdp_count').info().id);
  link.close();
  closeSync(fd);
  const absent = failure(() =>
    attachTcx(object.program('tc_count'), { interface: 'v0', netns: 'absent', direction: 'ingress' }),
  );
  expect([absent.code, absent.message]).toEqual([
    'LIBBPF_NETNS',
    'network namespace absent: expected /run/netns/absent (ip netns add absent)',
  ]);
  const noNamespace = openSync('/dev/null', 'r');
  onTestFinished(() => {
    closeSync(noNamespace);
  });
  expect(failure(() => queryXdp({ interface: 'v0', netns: noNamespace })).code).toBe('LIBBPF_NETNS');
  expect(failure(() => queryXdp({ interface: 'v0', netns: '../x' })).code).toBe('LIBBPF_NETNS');
});

test('README lists every error code', () => {
  const readme = readFileSync(join(ROOT, 'src/libbpf/README.md'), 'utf8');
  for (const [code, meaning] of Object.entries(ERROR_CODES)) expect(readme).toContain(`| \`${code}\` | ${meaning} |`);
});

test('missing capabilities are named, for an object and for a map without a name', () => {
  const library = new URL('../../../src/libbpf/dist/index.js', import.meta.url).href;
  const script = `
    import { BpfMap, BpfObject } from ${JSON.stringify(library)};
    for (const fn of [
      () => BpfObject.load(${JSON.stringify(objectPath('test/maps'))}),
      () => BpfMap.create({ type: 'hash', keySize: 4, valueSize: 4, maxEntries: 1 }),
    ]) try { fn(); } catch (error) { console.log(error.code, error.message); }`;
  const ask = (capabilities: string): string[] => {
    const argv = ['--reuid', '65534', '--clear-groups', '--bounding-set', capabilities, process.execPath];
    const { stdout, stderr } = spawnSync('setpriv', [...argv, '--input-type=module', '-e', script], {
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    return stdout.trimEnd().split('\n');
  };
  const lacks =
    'this process lacks CAP_BPF (maps, programs, BTF), CAP_NET_ADMIN (networking programs), CAP_PERFMON (tracing programs)';
  expect(ask('-all')).toEqual([
    `LIBBPF_EPERM object maps: load: EPERM: ${lacks}`,
    `LIBBPF_EPERM map without a name: create hash: EPERM: ${lacks}`,
  ]);
});

test('a pin in the configuration creates folders and refuses what would not persist, like pin()', () => {
  const path = join(bpffs(), 'deep', 'below', 'endpoints');
  const object = BpfObject.load(objectPath('test/maps'), { maps: { endpoints: { pin: path } } });
  onTestFinished(() => {
    object.close();
  });
  expect(existsSync(path)).toBe(true);
  expect(statSync(dirname(path)).mode & 0o777).toBe(0o700);
  const pinned = BpfMap.openPinned(path);
  expect(pinned.info.id).toBe(object.map('endpoints').info.id);
  pinned.close();
  const refused = failure(() =>
    BpfObject.load(objectPath('test/maps'), { maps: { endpoints: { pin: '/tmp/no-bpffs/x' } } }),
  );
  expect(refused.code).toBe('LIBBPF_PIN');
  expect(existsSync('/tmp/no-bpffs')).toBe(false);
});

test('retained records stay unchanged, and share one buffer with reuse', () => {
  const object = load('test/maps');
  const program = object.program('xdp_sequence');
  const read = (reuse: boolean): Buffer[] => {
    const kept: Buffer[] = [];
    const ring = new RingBuffer(object.map('events'), (record) => kept.push(record), { reuse });
    program.testRun({ data: Buffer.alloc(64), repeat: 6 });
    ring.consume();
    ring.close();
    return kept;
  };
  const sequence = (records: Buffer[]): number[] => records.map((record) => record.readUInt32LE(4));
  // A test run that a signal cut short began again, with more records before those of the last.
  const kept = read(false);
  expect(kept.length).toBeGreaterThanOrEqual(4);
  expect(new Set(sequence(kept)).size).toBe(kept.length);
  const reused = read(true);
  expect(reused.length).toBeGreaterThanOrEqual(4);
  expect(new Set(reused).size).toBe(1);
});

test('a timer polls ring buffers on runtimes without uv_poll', async () => {
  const object = load('test/maps');
  const records = await new Promise<number>((resolve) => {
    let seen = 0;
    const ring = new RingBuffer(
      object.map('events'),
      () => {
        if (++seen < 3) return;
        ring.close();
        resolve(seen);
      },
      { intervalMs: 1 },
    ).start();
    object.program('xdp_events').testRun({ data: Buffer.alloc(64), repeat: 3 });
  });
  expect(records).toBe(3);
});

test('an unknown option value is refused with the known ones', () => {
  const netns = namespace();
  const object = load('test/maps');
  const wrong = 'wrong' as never;
  const map = object.map('endpoints');
  const cases: [fn: () => unknown, message: string][] = [
    [() => probe.mapType(wrong), 'probe: map type "wrong": expected hash, array,'],
    [() => probe.programType(wrong), 'probe: program type "wrong": expected socket_filter,'],
    [() => probe.helper('xdp', wrong), 'probe helper: helper "wrong": expected fib_lookup,'],
    [() => probe.helper(wrong, 'fib_lookup'), 'probe helper: program type "wrong": expected socket_filter,'],
    [() => probe.has(wrong), 'probe: feature "wrong": expected tcx, netkit,'],
    [() => probe.has('toString' as never), 'probe: feature "toString": expected tcx,'],
    [
      () => BpfMap.create({ type: wrong, keySize: 4, valueSize: 4, maxEntries: 1 }),
      'map without a name: create wrong: type "wrong": expected hash,',
    ],
    [
      () => {
        map.update(Buffer.alloc(map.keySize), Buffer.alloc(map.valueSize), wrong);
      },
      'map endpoints: update: mode "wrong": expected any, noexist, exist',
    ],
    [
      () => attachXdp(object.program('xdp_count'), { interface: 'v0', netns, mode: wrong }),
      'mode "wrong": expected auto, skb, native, offload',
    ],
    [
      () => attachTcx(object.program('tc_count'), { interface: 'v0', netns, direction: wrong }),
      'direction "wrong": expected ingress, egress',
    ],
    [
      () => BpfObject.load(objectPath('test/maps'), { maps: { endpoints: { type: wrong } } }),
      'type "wrong": expected hash,',
    ],
  ];
  for (const [fn, message] of cases) {
    const error = failure(fn);
    expect(error.code).toBe('LIBBPF_ARGUMENT');
    expect(error.message).toContain(message);
  }
});

test('lpm_trie needs no flags', () => {
  const map = BpfMap.create({ type: 'lpm_trie', keySize: 8, valueSize: 4, maxEntries: 4, name: 'trie' });
  onTestFinished(() => {
    map.close();
  });
  map.set(u32(8, 10), u32(1));
  expect(map.get(u32(32, 10))?.readUInt32LE()).toBe(1);
});

test('the library imports nothing from the rest of src', () => {
  const { stdout } = spawnSync('grep', ['-rlE', '--include=*.ts', "from '\\.\\./", join(ROOT, 'src/libbpf')], {
    encoding: 'utf8',
  });
  expect(stdout).toBe('');
  expect(new LibbpfError({ operation: 'x', errno: 524 }).code).toBe('LIBBPF_ENOTSUPP');
});
