/** Handmade BTF for the parser: what clang writes, and what it never would. */
const KINDS = {
  int: 1,
  ptr: 2,
  array: 3,
  struct: 4,
  union: 5,
  enum: 6,
  fwd: 7,
  typedef: 8,
  volatile: 9,
  const: 10,
  func: 12,
  func_proto: 13,
  var: 14,
  datasec: 15,
  float: 16,
  decl_tag: 17,
  enum64: 19,
} as const;

export interface MemberSpec {
  name: string;
  type: number;
  /** bits */
  at: number;
  /** bits of a bitfield */
  width?: number;
}

export class BtfWriter {
  readonly #types: Buffer[] = [];
  #strings = '\0';
  #count = 0;

  /** Adds a type; its id. */
  #add(
    kind: keyof typeof KINDS,
    name: string,
    sizeOrType: number,
    vlen: number,
    flag: boolean,
    ...words: number[]
  ): number {
    const info = ((flag ? 1 << 31 : 0) | (KINDS[kind] << 24) | vlen) >>> 0;
    const bytes = Buffer.alloc(12 + 4 * words.length);
    for (const [index, word] of [this.#string(name), info, sizeOrType, ...words].entries()) {
      bytes.writeUInt32LE(word >>> 0, 4 * index);
    }
    this.#types.push(bytes);
    return ++this.#count;
  }

  #string(name: string): number {
    if (name === '') return 0;
    const offset = this.#strings.length;
    this.#strings += `${name}\0`;
    return offset;
  }

  int(name: string, size: number, encoding = 0, bits = 8 * size): number {
    return this.#add('int', name, size, 0, false, (encoding << 24) | bits);
  }

  reference(kind: 'ptr' | 'typedef' | 'volatile' | 'const' | 'func', name: string, type: number): number {
    return this.#add(kind, name, type, 0, false);
  }

  array(type: number, length: number): number {
    return this.#add('array', '', 0, 0, false, type, 1, length);
  }

  struct(kind: 'struct' | 'union', name: string, size: number, members: readonly MemberSpec[]): number {
    const bitfields = members.some(({ width }) => width !== undefined);
    const words = members.flatMap(({ name: member, type, at, width = 0 }) => [
      this.#string(member),
      type,
      bitfields ? (width << 24) | at : at,
    ]);
    return this.#add(kind, name, size, members.length, bitfields, ...words);
  }

  enum(name: string, values: Readonly<Record<string, number>>, signed = false): number {
    const words = Object.entries(values).flatMap(([key, value]) => [this.#string(key), value]);
    return this.#add('enum', name, 4, words.length / 2, signed, ...words);
  }

  enum64(name: string, values: Readonly<Record<string, bigint>>, signed = false): number {
    const words = Object.entries(values).flatMap(([key, value]) => {
      const bits = BigInt.asUintN(64, value);
      return [this.#string(key), Number(bits & 0xffffffffn), Number(bits >> 32n)];
    });
    return this.#add('enum64', name, 8, words.length / 3, signed, ...words);
  }

  other(kind: 'fwd' | 'float' | 'func_proto', name: string, size: number): number {
    return this.#add(kind, name, size, 0, false);
  }

  variable(name: string, type: number): number {
    return this.#add('var', name, type, 0, false, 1);
  }

  declTag(name: string, type: number): number {
    return this.#add('decl_tag', name, type, 0, false, -1);
  }

  section(name: string, size: number, variables: readonly { type: number; offset: number; size: number }[]): number {
    const words = variables.flatMap(({ type, offset, size: bytes }) => [type, offset, bytes]);
    return this.#add('datasec', name, size, variables.length, false, ...words);
  }

  /** A type of any kind number, as no compiler writes it. */
  raw(...words: number[]): number {
    const bytes = Buffer.alloc(4 * words.length);
    for (const [index, word] of words.entries()) bytes.writeUInt32LE(word >>> 0, 4 * index);
    this.#types.push(bytes);
    return ++this.#count;
  }

  bytes(): Buffer {
    const types = Buffer.concat(this.#types);
    const strings = Buffer.from(this.#strings);
    const header = Buffer.alloc(24);
    header.writeUInt16LE(0xeb9f, 0);
    header[2] = 1;
    for (const [index, word] of [24, 0, types.length, types.length, strings.length].entries()) {
      header.writeUInt32LE(word, 4 + 4 * index);
    }
    return Buffer.concat([header, types, strings]);
  }
}
