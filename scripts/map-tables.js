// Writes the shared maps as TypeScript: a table for each set, from the definitions in bpf/maps and the programs that use them.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { BpfObject, MAP_TYPE_NAMES, mapTypes } from 'libbpf-ts';

/** linux/bpf.h */
const BPF_F_RDONLY_PROG = 1 << 7;
/** elf.h */
const SHT_REL = 9;
const SHF_EXECINSTR = 4;
/** A variable in its own section is also a map, with one entry. */
const DATA_SECTION = /^\.data\.(sg_\w+)$/;
const U32_BYTES = 4;
/**
 * Sets of maps that are created and pinned together (MAP_SET() of bpf/maps/map_defs.h; `own` is none), with the program whose object file the agent
 * uses to create them: src/ebpf/fastpath.ts, src/gateway/gateway-maps.ts, src/gateway/steering-maps.ts.
 */
const MAKERS = { fastpath: 'port_tc', gateway: 'port_tc', nn: 'nn_uplink_xdp' };
const SETS = Object.keys(MAKERS);

const HEAD = `
/** A map that programs share, as bpf/maps defines it. */
export interface SharedMap {
  readonly type: string;
  /** Bytes of key and value. */
  readonly sizes: readonly [key: number, value: number];
  readonly entries: number;
  /** So many entries are those for one CPU. */
  readonly perCpu?: true;
  /** Programs write it; the verifier has them only read the others. */
  readonly written?: true;
  /** A program of kernel mode uses it. */
  readonly kernelMode?: true;
}`;

/**
 * @param {readonly string[]} objects paths of object files of all programs
 * @param {readonly string[]} kernelMode paths of those that kernel mode loads
 * @returns {string}
 */
export function mapTables(objects, kernelMode) {
  const maps = new Map();
  const made = new Set();
  const used = new Set(kernelMode.flatMap((path) => usedSymbols(readFileSync(path))));
  for (const path of objects) {
    for (const { name, set, ...map } of mapsOf(path)) {
      if (set === undefined)
        throw new Error(`${path}: map ${name}: expected a macro of bpf/maps/map_defs.h, or MAP_SET()`);
      if (set === 'own') continue;
      if (!SETS.includes(set)) {
        throw new Error(`${path}: map ${name}: set ${set}, expected ${SETS.join(', ')} or own`);
      }
      // Only a ring buffer has neither keys nor values.
      if (map.entries === undefined || (map.type !== 'ringbuf' && map.sizes.includes(0))) {
        throw new Error(`${path}: map ${name}: expected types of key and value, and max_entries`);
      }
      const text = JSON.stringify({ ...map, ...(used.has(name) && { kernelMode: true }) });
      const known = maps.get(name) ?? { set, text };
      if (known.set !== set || known.text !== text) {
        throw new Error(`${path}: map ${name}: ${set} ${text}, in another object ${known.set} ${known.text}`);
      }
      maps.set(name, known);
      if (basename(path, '.o') === MAKERS[set]) made.add(name);
    }
  }
  for (const [name, { set }] of maps) {
    if (made.has(name)) continue;
    throw new Error(
      `map ${name}: not in ${MAKERS[set]}, which the maps of set ${set} are made from: include its header there`,
    );
  }
  const tables = SETS.map((set) => {
    const lines = [...maps].flatMap(([name, map]) => (map.set === set ? [`${name}: ${map.text},`] : [])).sort();
    return `export const ${set.toUpperCase()}_MAPS = {\n${lines.join('\n')}\n} as const satisfies Record<string, SharedMap>;`;
  });
  return ['// Generated from bpf/maps by `make gen`: do not edit, change the C.', HEAD, ...tables].join('\n\n');
}

/** The maps that an object declares, in order. */
function mapsOf(path) {
  const object = BpfObject.open(path);
  const { btf } = object;
  object.close();
  const declared = mapTypes(btf).map(({ name, key, value, type, maxEntries, flags, tags }) => {
    const typeName = MAP_TYPE_NAMES.get(type);
    // The values of a map of maps are ids.
    const valueBytes = typeName?.endsWith('_of_maps') ? U32_BYTES : sizeOf(btf, value);
    return {
      name,
      set: tags.find((tag) => tag.startsWith('set:'))?.slice('set:'.length),
      type: typeName,
      sizes: [sizeOf(btf, key), valueBytes],
      entries: maxEntries,
      ...(tags.includes('entries:per_cpu') && { perCpu: true }),
      ...((flags & BPF_F_RDONLY_PROG) === 0 && { written: true }),
    };
  });
  const variables = btf.types.flatMap(({ kind, name, variables: [variable] = [] }) => {
    const map = kind === 'datasec' ? DATA_SECTION.exec(name)?.[1] : undefined;
    if (map === undefined) return [];
    const sizes = [U32_BYTES, variable.size];
    return [{ name: map, set: 'fastpath', type: 'array', sizes, entries: 1, written: true }];
  });
  return [...declared, ...variables];
}

function sizeOf(btf, type) {
  return type === undefined ? 0 : btf.size(type);
}

/** Names to which the instructions of an object refer (ELF64, little-endian). */
function usedSymbols(elf) {
  const at = Number(elf.readBigUInt64LE(40));
  const [bytes, count] = [elf.readUInt16LE(58), elf.readUInt16LE(60)];
  const sections = Array.from({ length: count }, (_, index) => {
    const header = elf.subarray(at + index * bytes, at + (index + 1) * bytes);
    return {
      type: header.readUInt32LE(4),
      flags: Number(header.readBigUInt64LE(8)),
      body: elf.subarray(
        Number(header.readBigUInt64LE(24)),
        Number(header.readBigUInt64LE(24) + header.readBigUInt64LE(32)),
      ),
      link: header.readUInt32LE(40),
      info: header.readUInt32LE(44),
    };
  });
  return sections.flatMap(({ type, body, link, info }) => {
    if (type !== SHT_REL || ((sections[info]?.flags ?? 0) & SHF_EXECINSTR) === 0) return [];
    const symbols = sections[link];
    const names = sections[symbols.link].body;
    return Array.from({ length: body.length / 16 }, (_, index) => {
      const symbol = body.readUInt32LE(index * 16 + 12);
      const name = symbols.body.readUInt32LE(symbol * 24);
      return names.toString('latin1', name, names.indexOf(0, name));
    });
  });
}
