/**
 * Values instead of bytes: global variables, codecs made from BTF at run time, typed and per-CPU maps, generated
 * skeletons.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import {
  BpfMap,
  BpfObject,
  codecOf,
  PerCpuMap,
  possibleCpus,
  TypedMap,
  U32,
  U64,
  XDP_ACTIONS,
} from '../../../src/libbpf/index.js';
import { Endpoint } from './generated/maps.js';
import { failure, load, objectPath, ROOT, u32 } from './harness.js';

test("variables of .data and .bss are set before and after load, and show programs' writes", () => {
  const object = BpfObject.open(objectPath('test/attach'));
  onTestFinished(() => {
    object.close();
  });
  const { variables } = object;
  expect(variables.names().sort()).toEqual(['deltas', 'last', 'preset', 'runs', 'step']);
  expect([variables.get('preset'), variables.get('deltas'), variables.get('last')]).toEqual([
    7,
    [-1, 0, 1],
    { first: 1, second: 2n },
  ]);
  variables.set('step', 5);
  variables.set('preset', 40);
  variables.set('last', { first: 9, second: 2n ** 63n });
  object.load();
  expect([variables.get('step'), variables.get('preset'), variables.get('last'), variables.get('runs')]).toEqual([
    5,
    40,
    { first: 9, second: 2n ** 63n },
    0n,
  ]);
  object.program('on_syscall').testRun({ context: Buffer.alloc(16) });
  expect([variables.get('runs'), variables.get('last')]).toEqual([5n, { first: 0, second: 2n ** 63n }]);
  variables.set('deltas', [10, -20, 30]);
  const request = Buffer.alloc(16);
  object.program('answer').testRun({ context: request });
  expect(request.readBigInt64LE(8)).toBe(50n);
  const refused = (fn: () => void): string => {
    const { code, message } = failure(fn);
    return `${code} ${message}`;
  };
  expect(
    refused(() => {
      variables.set('step', 6);
    }),
  ).toBe('LIBBPF_STATE object attach: set step: it is a constant, and the object is loaded: set it before load()');
  expect(
    refused(() => {
      variables.set('deltas', [1]);
    }),
  ).toContain('LIBBPF_SIZE');
  expect(
    refused(() => {
      variables.set('preset', 2 ** 32);
    }),
  ).toBe('LIBBPF_ARGUMENT object attach: set preset: 4294967296: expected 0 to 4294967295');
  expect(refused(() => variables.get('absent'))).toContain(
    'LIBBPF_NAME object attach: get absent: no such variable; there are: ',
  );
  object.close();
  expect(failure(() => variables.get('preset')).code).toBe('LIBBPF_CLOSED');
});

test('a variable is refused as a constant', () => {
  const error = failure(() => BpfObject.load(objectPath('test/attach'), { rodata: { preset: 1 } }));
  expect(`${error.code} ${error.message}`).toBe(
    'LIBBPF_ARGUMENT object attach: set preset: it is not a constant: expected it among variables',
  );
});

test('codecs made at run time agree with generated ones', () => {
  const object = load('test/maps');
  const codec = codecOf(object.btf, 'endpoint');
  expect([codec.NAME, codec.SIZE]).toEqual(['struct endpoint', Endpoint.SIZE]);
  const hop = { sourceMac: Buffer.from('020000000001', 'hex'), destMac: Buffer.alloc(6, 2), ifindex: 3 };
  const value = {
    ...{ sid: Buffer.alloc(16, 0xfd), paths: [hop, { ...hop, ifindex: 4 }], port: 4789, pathCount: 2, local: true },
    ...{ last: 0, weight: -1, flowLabel: 0xabcde, packets: 2n ** 63n, gateway6: Buffer.alloc(16, 7), level: 0 },
  };
  const [made, generated] = [Buffer.alloc(codec.SIZE, 0xff), Buffer.alloc(codec.SIZE)];
  codec.encode(made, 0, value);
  Endpoint.encode(generated, 0, value);
  expect(made).toEqual(generated);
  expect(codec.decode(made, 0)).toEqual(Endpoint.decode(generated, 0));
  expect(
    failure(() => {
      codec.encode(made, 0, { ...value, porty: 1 });
    }).message,
  ).toBe(
    'encode struct endpoint.porty: number: expected one of sid, paths, port, pathCount, local, last, weight, flowLabel, packets, gateway6, level',
  );
  expect(
    failure(() => {
      codec.encode(made, 0, { ...value, port: 65536 });
    }).message,
  ).toContain('expected an integer from 0 to 65535, not 65536');
  expect(failure(() => codecOf(object.btf, 'absent')).code).toBe('LIBBPF_BTF');
});

test("typedMap() derives its types from the map's definition", () => {
  const object = load('test/maps');
  const endpoints = object.typedMap('prefixes');
  endpoints.set({ prefixLen: 24, tenant: 0, address: Buffer.alloc(16) }, 7);
  expect([...endpoints.values()]).toEqual([7]);
  expect(object.perCpuMap('totals').get(0)).toEqual(
    Array.from({ length: possibleCpus() }, () => ({ packets: 0n, bytes: 0n })),
  );
  expect(failure(() => object.typedMap('totals')).code).toBe('LIBBPF_ARGUMENT');
  expect(failure(() => object.typedMap('events')).code).toBe('LIBBPF_BTF');
});

test('PerCpuMap has one value per CPU', () => {
  const map = BpfMap.create({ type: 'percpu_hash', keySize: 4, valueSize: 8, maxEntries: 8, name: 'by_cpu' });
  onTestFinished(() => {
    map.close();
  });
  const typed = new PerCpuMap(map, U32, U64);
  const values = Array.from({ length: possibleCpus() }, (_, cpu) => BigInt(cpu + 1));
  typed.set(7, values);
  expect(typed.get(7)).toEqual(values);
  expect(typed.setMany([[8, values]])).toBe(1);
  expect([...typed].sort(([a], [b]) => a - b)).toEqual([
    [7, values],
    [8, values],
  ]);
  expect([typed.has(7), typed.delete(7), typed.get(7)]).toEqual([true, true, undefined]);
  expect(
    failure(() => {
      typed.set(9, [...values, 0n]);
    }).code,
  ).toBe('LIBBPF_SIZE');
  expect(failure(() => new TypedMap(map, U32, U64)).message).toBe(
    'map by_cpu: use with codecs: it is a percpu_hash: expected a PerCpuMap',
  );
});

test('maps have the methods of Map', () => {
  const map = BpfMap.create({ type: 'hash', keySize: 4, valueSize: 4, maxEntries: 8, name: 'words' });
  onTestFinished(() => {
    map.close();
  });
  map.set(u32(1), u32(10)).set(u32(2), u32(20));
  expect([map.has(u32(1)), map.has(u32(3)), map.get(u32(2))?.readUInt32LE()]).toEqual([true, false, 20]);
  expect([...map].map(([key, value]) => [key.readUInt32LE(), value.readUInt32LE()]).sort()).toEqual([
    [1, 10],
    [2, 20],
  ]);
  expect([...map.values()].map((value) => value.readUInt32LE()).sort()).toEqual([10, 20]);
  const typed = new TypedMap(map, U32, U32);
  expect([...typed].sort()).toEqual([
    [1, 10],
    [2, 20],
  ]);
  expect([...typed.keys()].sort()).toEqual([1, 2]);
});

const directory = join(ROOT, 'build/skeleton-test');

/** Writes and compiles programs beside the skeleton of an object, against the built package. */
function compile(programs: Record<string, string>): string {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  for (const object of ['maps', 'attach']) {
    const argv = [
      join(ROOT, 'src/libbpf/bin/libbpf-ts'),
      'gen',
      objectPath(`test/${object}`),
      '--struct',
      object === 'maps' ? 'event' : 'pair',
    ];
    const { stdout, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8' });
    expect(stderr).toBe('');
    writeFileSync(join(directory, `${object}.ts`), stdout);
  }
  for (const [name, text] of Object.entries(programs)) writeFileSync(join(directory, `${name}.ts`), text);
  const options = { noEmit: false, customConditions: [], rootDir: '../..', outDir: 'out' };
  const config = { extends: '../../tsconfig.json', compilerOptions: options, include: ['*.ts'] };
  writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify(config));
  return spawnSync(join(ROOT, 'node_modules/.bin/tsc'), ['-p', directory], { encoding: 'utf8' }).stdout;
}

test('gen writes a skeleton that runs, and in which a wrong name does not compile', { timeout: 600_000 }, () => {
  const good = `
    import { load } from './maps.js';
    const object = load(process.argv[2] ?? '', { variables: { verdict: ${XDP_ACTIONS.drop}, increment: 10n }, maps: { endpoints: { maxEntries: 9 } } });
    const { verdict } = object.program('xdp_count').testRun({ data: Buffer.alloc(64), repeat: 100 });
    const packets = object.map('totals').get(0)?.map((counters) => counters.packets) ?? [];
    console.log(verdict, packets.reduce((a, b) => a + b), object.get('counting'), object.map('events').info.type);
    object.close();`;
  expect(compile({ good })).toBe('');
  const argv = [join(directory, 'out/build/skeleton-test/good.js'), objectPath('test/maps')];
  const { stdout, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(stdout).toBe(`${XDP_ACTIONS.drop} 1000n true ringbuf\n`);
  const wrong = `
    import { load } from './attach.js';
    const object = load('', { variables: { presets: 1 } });
    object.program('on_syscal');
    object.map('pears');
    object.set('preset', 'seven');
    object.map('pairs').set(1, [{ first: 1 }]);`;
  const errors = [...compile({ wrong }).matchAll(/wrong\.ts\((\d+),/g)].map(([, line]) => Number(line));
  expect([...new Set(errors)]).toEqual([3, 4, 5, 6, 7]);
});

test('gen refuses invalid arguments', () => {
  const gen = (...argv: string[]): [number | null, string] => {
    const { status, stderr } = spawnSync(process.execPath, [join(ROOT, 'src/libbpf/bin/libbpf-ts'), ...argv], {
      encoding: 'utf8',
    });
    return [status, stderr.split('\n')[0] ?? ''];
  };
  expect(gen()[0]).toBe(2);
  expect(gen('gen', '/absent.o')).toEqual([1, expect.stringContaining('libbpf-ts: object /absent.o: open: ENOENT')]);
  expect(gen('gen', objectPath('test/maps'), '--struct', 'nothing')).toEqual([
    1,
    'libbpf-ts: generate struct nothing: not in the object: is it used by a program or a map?',
  ]);
});
