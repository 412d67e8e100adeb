/** BTF, the type information clang leaves in object files and the kernel in /sys/kernel/btf (Documentation/bpf/btf.rst). */
import { LibbpfError } from './errors.js';

export interface BtfMember {
  name: string;
  /** id of its type */
  type: number;
  /** bits from the start of the struct */
  bitOffset: number;
  /** bits of a bitfield; 0 for an ordinary member */
  bitSize: number;
}

export interface BtfEnumerator {
  name: string;
  value: bigint;
}

/** A type; ids count from 1, 0 is void. */
export type BtfType =
  | { kind: 'void'; name: '' }
  | { kind: 'int'; name: string; size: number; signed: boolean; bool: boolean; bits: number; bitOffset: number }
  | { kind: 'float'; name: string; size: number }
  | { kind: 'ptr'; name: ''; type: number }
  | { kind: 'array'; name: ''; type: number; index: number; length: number }
  | { kind: 'struct' | 'union'; name: string; size: number; members: BtfMember[] }
  | { kind: 'enum'; name: string; size: number; signed: boolean; values: BtfEnumerator[] }
  | { kind: 'fwd'; name: string; union: boolean }
  | { kind: 'typedef' | 'volatile' | 'const' | 'restrict' | 'type_tag'; name: string; type: number }
  | { kind: 'func'; name: string; type: number }
  | { kind: 'func_proto'; name: ''; type: number }
  | { kind: 'var'; name: string; type: number }
  | { kind: 'datasec'; name: string; size: number; variables: { type: number; offset: number; size: number }[] }
  | { kind: 'decl_tag'; name: string; type: number; member: number };

const MAGIC = 0xeb9f;
const VERSION = 1;
const HEADER_BYTES = 24;
const TYPE_BYTES = 12;
/** Chains of typedefs and qualifiers, and nesting; the kernel's own limit is 32 (MAX_RESOLVE_DEPTH). */
const DEPTH_MAX = 32;
const QUALIFIERS = new Set<BtfType['kind']>(['volatile', 'const', 'restrict', 'type_tag']);

function bad(reason: string): never {
  throw new LibbpfError({ code: 'LIBBPF_BTF', operation: 'parse BTF', reason });
}

/** Type information of one object, parsed. */
export class Btf {
  /** by id; 0 is void */
  readonly types: readonly BtfType[];
  #byName: Map<string, number> | undefined;

  /** @param bytes the section .BTF, or /sys/kernel/btf/vmlinux. @throws LibbpfError LIBBPF_BTF */
  constructor(bytes: Uint8Array) {
    try {
      this.types = new Parser(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)).types();
    } catch (error) {
      if (error instanceof RangeError) bad('it ends in the middle of a type');
      throw error;
    }
  }

  /** @throws LibbpfError LIBBPF_BTF */
  type(id: number): BtfType {
    return this.types[id] ?? bad(`there is no type ${id} among ${this.types.length}`);
  }

  /** Id of the first type of that kind and name; undefined when there is none. */
  find(kind: BtfType['kind'], name: string): number | undefined {
    if (!this.#byName) {
      this.#byName = new Map();
      for (const [id, type] of this.types.entries()) {
        const key = `${type.kind} ${type.name}`;
        if (!this.#byName.has(key)) this.#byName.set(key, id);
      }
    }
    return this.#byName.get(`${kind} ${name}`);
  }

  /** The type behind typedefs and qualifiers, with the names of the typedefs passed on the way. */
  resolve(id: number): { id: number; type: BtfType; typedefs: string[] } {
    const typedefs: string[] = [];
    let at = id;
    for (let depth = 0; depth < DEPTH_MAX; depth++) {
      const type = this.type(at);
      if (type.kind === 'typedef') typedefs.push(type.name);
      else if (!QUALIFIERS.has(type.kind) || !('type' in type)) return { id: at, type, typedefs };
      at = type.type;
    }
    return bad(`type ${id} refers to itself`);
  }

  /** sizeof of a type, bytes. @throws LibbpfError LIBBPF_BTF for what has no size (void, functions, incomplete types) */
  size(id: number, depth = 0): number {
    if (depth > DEPTH_MAX) bad(`type ${id} contains itself`);
    const { type } = this.resolve(id);
    if ('size' in type) return type.size;
    if (type.kind === 'ptr') return 8;
    if (type.kind === 'array') return type.length * this.size(type.type, depth + 1);
    return bad(`type ${id} (${type.kind} ${type.name}) has no size`);
  }
}

class Parser {
  readonly #bytes: Buffer;
  readonly #strings: Buffer;
  #at: number;
  readonly #end: number;

  constructor(bytes: Buffer) {
    if (bytes.length < HEADER_BYTES) bad(`${bytes.length} bytes, expected at least ${HEADER_BYTES}`);
    const magic = bytes.readUInt16LE(0);
    if (magic !== MAGIC) bad(`magic 0x${magic.toString(16)}, expected 0x${MAGIC.toString(16)}, little-endian`);
    if (bytes[2] !== VERSION) bad(`version ${bytes[2]}, expected ${VERSION}`);
    const header = bytes.readUInt32LE(4);
    const types = header + bytes.readUInt32LE(8);
    const strings = header + bytes.readUInt32LE(16);
    this.#end = types + bytes.readUInt32LE(12);
    const stringsEnd = strings + bytes.readUInt32LE(20);
    if (header < HEADER_BYTES || this.#end > bytes.length || stringsEnd > bytes.length) bad('sections beyond its end');
    this.#bytes = bytes;
    this.#at = types;
    this.#strings = bytes.subarray(strings, stringsEnd);
  }

  types(): BtfType[] {
    const types: BtfType[] = [{ kind: 'void', name: '' }];
    while (this.#at < this.#end) types.push(this.#type());
    return types;
  }

  #u32(): number {
    const value = this.#bytes.readUInt32LE(this.#at);
    this.#at += 4;
    return value;
  }

  #string(offset: number): string {
    if (offset >= this.#strings.length) bad(`a name at ${offset} of ${this.#strings.length} bytes of names`);
    const end = this.#strings.indexOf(0, offset);
    return this.#strings.toString('utf8', offset, end < 0 ? this.#strings.length : end);
  }

  #list<T>(length: number, entry: () => T): T[] {
    const list: T[] = [];
    for (let index = 0; index < length; index++) list.push(entry());
    return list;
  }

  #type(): BtfType {
    if (this.#end - this.#at < TYPE_BYTES) bad('it ends in the middle of a type');
    const name = this.#string(this.#u32());
    const info = this.#u32();
    const sizeOrType = this.#u32();
    const length = info & 0xffff;
    const flag = info >>> 31 === 1;
    const kind = (info >>> 24) & 0x1f;
    switch (kind) {
      case 1:
        return this.#int(name, sizeOrType);
      case 2:
        return { kind: 'ptr', name: '', type: sizeOrType };
      case 3:
        return { kind: 'array', name: '', type: this.#u32(), index: this.#u32(), length: this.#u32() };
      case 4:
      case 5:
        return {
          kind: kind === 4 ? 'struct' : 'union',
          name,
          size: sizeOrType,
          members: this.#list(length, () => this.#member(flag)),
        };
      case 6:
        return {
          kind: 'enum',
          name,
          size: sizeOrType,
          signed: flag,
          values: this.#list(length, () => this.#enum(flag)),
        };
      case 7:
        return { kind: 'fwd', name, union: flag };
      case 8:
        return { kind: 'typedef', name, type: sizeOrType };
      case 9:
        return { kind: 'volatile', name, type: sizeOrType };
      case 10:
        return { kind: 'const', name, type: sizeOrType };
      case 11:
        return { kind: 'restrict', name, type: sizeOrType };
      case 12:
        return { kind: 'func', name, type: sizeOrType };
      case 13:
        this.#at += 8 * length;
        return { kind: 'func_proto', name: '', type: sizeOrType };
      case 14:
        this.#at += 4; // linkage
        return { kind: 'var', name, type: sizeOrType };
      case 15:
        return {
          kind: 'datasec',
          name,
          size: sizeOrType,
          variables: this.#list(length, () => ({ type: this.#u32(), offset: this.#u32(), size: this.#u32() })),
        };
      case 16:
        return { kind: 'float', name, size: sizeOrType };
      case 17:
        return { kind: 'decl_tag', name, type: sizeOrType, member: this.#u32() | 0 };
      case 18:
        return { kind: 'type_tag', name, type: sizeOrType };
      case 19:
        return {
          kind: 'enum',
          name,
          size: sizeOrType,
          signed: flag,
          values: this.#list(length, () => this.#enum64(flag)),
        };
      default:
        return bad(`kind ${kind} is unknown`);
    }
  }

  #int(name: string, size: number): BtfType {
    const data = this.#u32();
    const encoding = (data >>> 24) & 0x0f;
    return {
      kind: 'int',
      name,
      size,
      signed: (encoding & 1) !== 0,
      bool: (encoding & 4) !== 0,
      bits: data & 0xff,
      bitOffset: (data >>> 16) & 0xff,
    };
  }

  #member(bitfields: boolean): BtfMember {
    const name = this.#string(this.#u32());
    const type = this.#u32();
    const offset = this.#u32();
    if (!bitfields) return { name, type, bitOffset: offset, bitSize: 0 };
    return { name, type, bitOffset: offset & 0xffffff, bitSize: offset >>> 24 };
  }

  #enum(signed: boolean): BtfEnumerator {
    const name = this.#string(this.#u32());
    const value = this.#u32();
    return { name, value: BigInt(signed ? value | 0 : value) };
  }

  #enum64(signed: boolean): BtfEnumerator {
    const name = this.#string(this.#u32());
    const value = BigInt(this.#u32()) | (BigInt(this.#u32()) << 32n);
    return { name, value: signed ? BigInt.asIntN(64, value) : value };
  }
}
