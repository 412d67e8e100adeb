/** BTF types as layouts: where each field lies and how its bytes are to be read. */
import type { Btf, BtfEnumerator, BtfMember } from './btf.js';
import { LibbpfError } from './errors.js';

export interface IntLayout {
  kind: 'int';
  size: 1 | 2 | 4 | 8;
  signed: boolean;
  bool: boolean;
  /** declared __be16, __be32, __be64 or __sum16: most significant byte first */
  networkOrder: boolean;
}

export interface EnumLayout {
  kind: 'enum';
  size: 1 | 2 | 4 | 8;
  signed: boolean;
  name: string;
  values: BtfEnumerator[];
}

/** Bytes without a reading: arrays of __u8 or char, struct in6_addr, named unions, 128-bit integers. */
export interface BytesLayout {
  kind: 'bytes';
  size: number;
}

export interface ArrayLayout {
  kind: 'array';
  size: number;
  element: Layout;
  length: number;
}

export interface Field {
  /** as in C; members of an anonymous struct or of an anonymous union's first member are fields of the struct around it */
  name: string;
  /** bytes from the start of the outermost struct described */
  offset: number;
  layout: Layout;
}

export interface StructLayout {
  kind: 'struct';
  name: string;
  size: number;
  fields: Field[];
  /** bytes no field covers: always zero, or keys would differ that are the same */
  padding: { offset: number; size: number }[];
}

export type Layout = IntLayout | EnumLayout | BytesLayout | ArrayLayout | StructLayout;

const NETWORK_ORDER = new Set(['__be16', '__be32', '__be64', '__sum16']);
const DEPTH_MAX = 16;

function refuse(what: string, reason: string): never {
  throw new LibbpfError({ code: 'LIBBPF_BTF', operation: `layout of ${what}`, reason });
}

/** Anonymous types have the name '': then a typedef's counts, then what they were found as. */
function firstName(...names: string[]): string {
  return names.find((name) => name !== '') ?? '';
}

function integerSize(size: number, what: string): 1 | 2 | 4 | 8 {
  if (size === 1 || size === 2 || size === 4 || size === 8) return size;
  return refuse(what, `an integer of ${size} bytes`);
}

/**
 * Layout of a type.
 * @param name what anonymous types are called
 * @throws LibbpfError LIBBPF_BTF for bitfields, floats, incomplete types and what has no bytes
 */
export function layoutOf(btf: Btf, id: number, name = '', depth = 0): Layout {
  const { type, typedefs } = btf.resolve(id);
  const what = `${type.kind} ${type.name || name}`;
  if (depth > DEPTH_MAX) refuse(what, `more than ${DEPTH_MAX} levels`);
  switch (type.kind) {
    case 'int':
      if (type.size > 8) return { kind: 'bytes', size: type.size };
      if (type.bitOffset !== 0 || type.bits !== 8 * type.size) refuse(what, 'it does not fill its bytes');
      return {
        kind: 'int',
        size: integerSize(type.size, what),
        signed: type.signed,
        bool: type.bool,
        networkOrder: typedefs.some((typedef) => NETWORK_ORDER.has(typedef)),
      };
    case 'enum':
      return {
        kind: 'enum',
        size: integerSize(type.size, what),
        signed: type.signed,
        name: firstName(type.name, ...typedefs, name),
        values: type.values,
      };
    case 'ptr':
      return { kind: 'int', size: 8, signed: false, bool: false, networkOrder: false };
    case 'array': {
      const element = layoutOf(btf, type.type, name, depth + 1);
      const size = element.size * type.length;
      if (element.kind === 'int' && element.size === 1 && !element.bool) return { kind: 'bytes', size };
      return { kind: 'array', size, element, length: type.length };
    }
    case 'struct':
      // Its union of views is a matter of taste, its 16 bytes are not.
      if (type.name === 'in6_addr') return { kind: 'bytes', size: type.size };
      return structLayout(btf, firstName(type.name, ...typedefs, name), type.size, type.members, depth);
    case 'union':
      return { kind: 'bytes', size: type.size };
    case 'void':
    case 'float':
    case 'fwd':
    case 'typedef':
    case 'volatile':
    case 'const':
    case 'restrict':
    case 'type_tag':
    case 'func':
    case 'func_proto':
    case 'var':
    case 'datasec':
    case 'decl_tag':
      return refuse(what, 'it has no codec');
  }
}

function structLayout(btf: Btf, name: string, size: number, members: BtfMember[], depth: number): StructLayout {
  const fields: Field[] = [];
  for (const member of members) addMember(btf, fields, name, member, 0, depth);
  fields.sort((a, b) => a.offset - b.offset);
  const padding: StructLayout['padding'] = [];
  let end = 0;
  for (const field of fields) {
    if (field.offset < end) refuse(`struct ${name}`, `${field.name} overlaps the field before it`);
    if (field.offset > end) padding.push({ offset: end, size: field.offset - end });
    end = field.offset + field.layout.size;
  }
  if (end < size) padding.push({ offset: end, size: size - end });
  return { kind: 'struct', name, size, fields, padding };
}

function addMember(btf: Btf, fields: Field[], struct: string, member: BtfMember, base: number, depth: number): void {
  const what = `struct ${struct}: ${member.name || 'an anonymous member'}`;
  if (member.bitSize !== 0 || member.bitOffset % 8 !== 0) refuse(what, 'bitfields have no codec');
  const offset = base + member.bitOffset / 8;
  const { type } = btf.resolve(member.type);
  if (member.name === '' && (type.kind === 'struct' || type.kind === 'union')) {
    if (depth > DEPTH_MAX) refuse(what, `more than ${DEPTH_MAX} levels`);
    // Of an anonymous union the first member that is as large as the union stands for it, or the first.
    const largest = type.members.find((inner) => btf.size(inner.type) === type.size) ?? type.members[0];
    const inside = type.kind === 'struct' ? type.members : largest ? [largest] : [];
    for (const inner of inside) addMember(btf, fields, struct, inner, offset, depth + 1);
    return;
  }
  // What clang calls alignment: a member without a name and without a type of its own.
  if (member.name === '') return;
  fields.push({ name: member.name, offset, layout: layoutOf(btf, member.type, `${struct}_${member.name}`, depth + 1) });
}

/** A map as an object's section .maps defines it. */
export interface MapTypes {
  name: string;
  /** `__type(key, …)`; undefined where it gives sizes alone */
  key: number | undefined;
  value: number | undefined;
  /** enum bpf_map_type */
  type: number | undefined;
  /** `__uint(max_entries, …)` */
  maxEntries: number | undefined;
  /** `__uint(map_flags, …)` */
  flags: number;
  /** of `__attribute__((btf_decl_tag("…")))`, as they are written */
  tags: string[];
}

/** The maps an object declares. */
export function mapTypes(btf: Btf): MapTypes[] {
  const section = btf.types.find((type) => type.kind === 'datasec' && type.name === '.maps');
  if (section?.kind !== 'datasec') return [];
  return section.variables.flatMap(({ type: id }) => {
    const variable = btf.type(id);
    if (variable.kind !== 'var') return [];
    const { type } = btf.resolve(variable.type);
    if (type.kind !== 'struct') return [];
    const pointed = (name: string): number | undefined => {
      const member = type.members.find((one) => one.name === name);
      const pointer = member === undefined ? undefined : btf.resolve(member.type).type;
      return pointer?.kind === 'ptr' ? pointer.type : undefined;
    };
    // __uint(type, N) is a pointer to an array of N.
    const number = (name: string): number | undefined => {
      const array = pointed(name);
      const shape = array === undefined ? undefined : btf.resolve(array).type;
      return shape?.kind === 'array' ? shape.length : undefined;
    };
    const tags = btf.types.flatMap((tag) => (tag.kind === 'decl_tag' && tag.type === id ? [tag.name] : []));
    return [
      {
        name: variable.name,
        key: pointed('key'),
        value: pointed('value'),
        type: number('type'),
        maxEntries: number('max_entries'),
        flags: number('map_flags') ?? 0,
        tags,
      },
    ];
  });
}
