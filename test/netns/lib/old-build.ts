/** A fast path as a build with other layouts left it: another struct port, another list of reasons. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Reason } from '../../../src/ebpf/generated/layouts.js';
import { describeLayout, generationOf, LAYOUT } from '../../../src/ebpf/generation.js';
import { MAP_NAMES, mapOf, reusing } from '../../../src/ebpf/maps.js';
import { FUNCTIONS } from '../../../src/ebpf/programs.js';
import { BpfLink, type BpfMap, BpfObject, type BpfProgram } from 'libbpf-ts';
import { loadFileOver } from '../../../src/ebpf/load.js';
import { compileAltered } from '../../kernel/fastpath/mutants.js';
import type { LayoutDescription } from '../../../src/ebpf/generation.js';
import type { FastpathStore } from '../../../src/ebpf/fastpath.js';

/** Bytes that the old struct port has in front. */
const SPARE_BYTES = 8;

export const OLD_LAYOUT: LayoutDescription = {
  maps: { ...LAYOUT.maps, sg_ports: [4, (LAYOUT.maps.sg_ports?.[1] ?? 0) + SPARE_BYTES] },
  written: LAYOUT.written,
  offsets: {
    ...LAYOUT.offsets,
    'struct port': Object.fromEntries(
      Object.entries(LAYOUT.offsets['struct port'] ?? {}).map(([field, at]) => [field, at + SPARE_BYTES]),
    ),
  },
  reasons: Object.fromEntries(Object.entries(Reason).map(([name, number]) => [name, number === 0 ? 0 : number + 1])),
};

/** What the old build's sources say in the place of this build's. */
const ALTERATIONS = [
  { file: 'abi/types.h', from: 'struct port {\n', to: 'struct port {\n\t__u64 spare;\n' },
  { file: 'abi/reasons.h', from: 'REASON_FORWARDED,\n', to: 'REASON_FORWARDED,\n\tPUNT_SPARE,\n' },
];

/** Turns a running fast path into that of the old build, entries, counters and all. */
export function becomeOldBuild(fastpath: FastpathStore, runDirectory: string, directory: string): void {
  mkdirSync(directory, { recursive: true });
  compileAltered(directory, ['port_tc', 'uplink_tc'], ALTERATIONS);
  const { maps } = fastpath;
  if (maps === undefined) throw new Error('there is no fast path');
  const port = BpfObject.load(join(directory, 'port_tc.o'));
  const reuse = reusing(Object.fromEntries(MAP_NAMES.map((name) => [name, mapOf(port, name)])));
  const uplink = loadFileOver(join(directory, 'uplink_tc.o'), {}, reuse);
  for (const name of MAP_NAMES) copyEntries(name, maps[name], mapOf(port, name));
  const programs: Record<string, BpfProgram> = {
    port: port.program(FUNCTIONS.port_tc),
    uplink: uplink.program(FUNCTIONS.uplink_tc),
  };
  for (const { path } of fastpath.links()) {
    const link = BpfLink.openPinned(path);
    const current = attached(link, fastpath);
    const program = programs[current];
    if (program === undefined) throw new Error(`${path}: ${current}`);
    link.update(program);
    link.close();
  }
  for (const name of MAP_NAMES) {
    mapOf(port, name).pin(`${fastpath.pinDirectory}/maps_${generationOf(OLD_LAYOUT)}/${name}`);
  }
  describeLayout(runDirectory, OLD_LAYOUT);
  rmSync(`${fastpath.pinDirectory}/maps_${generationOf(LAYOUT)}`, { recursive: true });
  rmSync(`${fastpath.pinDirectory}/programs`, { recursive: true });
  uplink.close();
  port.close();
}

function attached(link: BpfLink, fastpath: FastpathStore): 'port' | 'uplink' {
  return link.info().programId === fastpath.program('uplink_tc')?.info().id ? 'uplink' : 'port';
}

function copyEntries(name: string, from: BpfMap, to: BpfMap): void {
  // Programs that are called: an array of them is read as ids and written as descriptors. Nobody asks for an address here.
  if (from.info.type === 'prog_array') return;
  // Per-CPU caches of lookup results: the next lookup fills them anew.
  if (name.endsWith('_cache')) return;
  for (const [key, value] of from.entries()) {
    if (name === 'sg_ports') {
      const spaced = Buffer.alloc(to.valueSize);
      value.copy(spaced, SPARE_BYTES);
      to.update(key, spaced);
    } else if (name === 'sg_verdicts' && key.readUInt32LE(0) > 0) {
      const shifted = Buffer.alloc(4);
      shifted.writeUInt32LE(key.readUInt32LE(0) + 1);
      to.update(shifted, value);
    } else {
      to.update(key, value);
    }
  }
}
