/**
 * The tables that `make gen` writes for maps come from the maps' definitions alone: a new map is one line in bpf/maps,
 * and a definition that cannot be read is refused.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { ROOT } from '../libbpf/harness.js';
import { compileAltered } from './mutants.js';

const { mapTables } = (await import(join(ROOT, 'scripts/map-tables.js'))) as {
  mapTables: (objects: readonly string[], kernelMode: readonly string[]) => string;
};

/** Behind it stands what is new. */
const BEFORE = 'HASH_RW(fastpath, sg_port_icmp, __u32, struct icmp_rate, 16384);\n';

/** The tables of two objects, the port's with more definitions, or those of another program with more. */
function tablesWith(definitions: string, program: 'port_tc' | 'nn_uplink_xdp' = 'port_tc'): string {
  const directory = mkdtempSync(join(tmpdir(), 'segue-maps-'));
  onTestFinished(() => {
    rmSync(directory, { recursive: true });
  });
  const alteration =
    program === 'port_tc'
      ? { file: 'maps/icmp_rate_maps.h', from: BEFORE, to: BEFORE + definitions }
      : { file: 'maps/nn_xdp_maps.h', from: '/* sg_uplink_prog[0]', to: `${definitions}/* sg_uplink_prog[0]` };
  compileAltered(directory, [program], [alteration]);
  const objects = ['port_tc', 'nn_uplink_xdp'].map((name) =>
    name === program ? join(directory, `${name}.o`) : join(ROOT, `build/bpf/${name}.o`),
  );
  return mapTables(objects, [objects[0] ?? '']);
}

it('sizes, entries and writer of a new map come from its definition', () => {
  const text = tablesWith(
    [
      'HASH(fastpath, sg_new_read, struct icmp_rate, __u64, 512);',
      'PERCPU_ARRAY_RW(gateway, sg_new_count, struct icmp_rate, 8);',
      'PERCPU_CACHE(fastpath, sg_new_cache, __u64, 4);',
      'SCRATCH(sg_new_buf, struct icmp_rate);\n',
    ].join('\n'),
  );
  expect(text).toContain('sg_new_read: {"type":"hash","sizes":[24,8],"entries":512},');
  const [fastpath, gateway] = text.split('GATEWAY_MAPS');
  expect(gateway).toContain('sg_new_count: {"type":"percpu_array","sizes":[4,24],"entries":8,"written":true},');
  expect(fastpath).toContain('sg_new_cache: {"type":"array","sizes":[4,8],"entries":16,"perCpu":true,"written":true},');
  expect(text).not.toContain('sg_new_buf');
});

it.each([
  {
    what: 'without a set',
    definitions:
      'struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 8); __type(key, __u32); } sg_new SEC(".maps");\n',
    message: /map sg_new: expected a macro of bpf\/maps\/map_defs\.h, or MAP_SET\(\)/,
  },
  {
    what: 'of an unknown set',
    definitions: 'HASH(fastpaht, sg_new, __u32, __u32, 8);\n',
    message: /map sg_new: set fastpaht, expected fastpath, gateway, nn or own/,
  },
  {
    what: 'without a value type',
    definitions:
      'struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 8); __type(key, __u32); } sg_new SEC(".maps") MAP_SET(fastpath);\n',
    message: /map sg_new: expected types of key and value, and max_entries/,
  },
  {
    what: 'without max_entries',
    definitions:
      'struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, __u32); __type(value, __u32); } sg_new SEC(".maps") MAP_SET(fastpath);\n',
    message: /map sg_new: expected types of key and value, and max_entries/,
  },
])('a map $what is refused', ({ definitions, message }) => {
  expect(() => tablesWith(definitions)).toThrow(message);
});

it('a map that is missing in the program of its set is refused', () => {
  expect(() => tablesWith('HASH(fastpath, sg_new, __u32, __u32, 8);\n', 'nn_uplink_xdp')).toThrow(
    /map sg_new: not in port_tc, which the maps of set fastpath are made from/,
  );
});

it.each(['nn', 'fastpath'])('a map that two programs define differently is refused, set %s', (set) => {
  const definition = `HASH_RW(${set}, sg_port_icmp, __u32, __u32, 8);\n`;
  expect(() => tablesWith(definition, 'nn_uplink_xdp')).toThrow(/map sg_port_icmp: .*, in another object fastpath /);
});
