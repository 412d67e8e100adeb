import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { FASTPATH_MAPS, GATEWAY_MAPS, NN_MAPS } from '../../../src/ebpf/generated/maps.js';
import { GENERATION, generationOf, LAYOUT } from '../../../src/ebpf/generation.js';
import { readOnlyOf, sizesOf, writtenOf } from '../../../src/ebpf/maps.js';
import { COMMON_PROGRAMS } from '../../../src/ebpf/programs.js';

const MAPS = new URL('../../../bpf/maps/', import.meta.url);
const BY_SET: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  fastpath: FASTPATH_MAPS,
  gateway: GATEWAY_MAPS,
  nn: NN_MAPS,
};

/** `<set> <map>` of each definition of bpf/maps, whether a program includes it or not. */
function defined(): string[] {
  const files = readdirSync(MAPS).filter((file) => file !== 'map_defs.h');
  return files.flatMap((file) => {
    const text = readFileSync(new URL(file, MAPS), 'utf8');
    return [
      ...[...text.matchAll(/^[A-Z_]+\((\w+), (sg_\w+),/gm)].map(([, set, name]) => `${set} ${name}`),
      ...[...text.matchAll(/^\} (sg_\w+) SEC\("\.maps"\) MAP_SET\((\w+)\)/gm)].map(([, name, set]) => `${set} ${name}`),
      ...[...text.matchAll(/SEC\("\.data\.(sg_\w+)"\)/g)].map(([, name]) => `fastpath ${name}`),
    ];
  });
}

describe('maps of bpf/maps', () => {
  it('each have a size in the tables of `make gen`, as some program includes them', () => {
    const shared = defined().filter((line) => !line.startsWith('own '));
    const generated = Object.entries(BY_SET).flatMap(([set, maps]) =>
      Object.keys(maps).map((name) => `${set} ${name}`),
    );
    expect(shared.toSorted()).toEqual(generated.toSorted());
  });

  it('are sized for kernel mode by the programs that it loads', () => {
    const text = readFileSync(new URL('../abi/codegen.json', MAPS), 'utf8');
    const named = (JSON.parse(text) as { kernelMode?: string[] }[]).flatMap(({ kernelMode = [] }) => kernelMode);
    expect(named.toSorted()).toEqual(['ndp_responder_tc', ...COMMON_PROGRAMS].map((name) => `prog/${name}`).toSorted());
  });
});

describe('a set of maps', () => {
  const set = {
    sg_b: { type: 'hash', sizes: [4, 8], entries: 16, written: true },
    sg_a: { type: 'array', sizes: [4, 24], entries: 1 },
    sg_c: { type: 'ringbuf', sizes: [0, 0], entries: 4096, written: true },
  } as const;

  it('derives sizes, writers and read-only maps from its definitions', () => {
    expect(sizesOf(set)).toEqual({ sg_a: [4, 24], sg_b: [4, 8], sg_c: [0, 0] });
    expect(writtenOf(set)).toEqual(['sg_b', 'sg_c']);
    expect(readOnlyOf(set, { sg_a: 1, sg_b: 2, sg_c: 3 })).toEqual({ sg_a: 1 });
  });
});

it('a newly written map changes the generation, since the verifier refuses writes to the pinned read-only one', () => {
  expect(LAYOUT.written).not.toContain('sg_node');
  expect(generationOf({ ...LAYOUT, written: [...LAYOUT.written, 'sg_node'].toSorted() })).not.toBe(GENERATION);
});
