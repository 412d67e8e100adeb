/** The BTF parser, layouts, codecs and global variables, on handmade BTF. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Btf } from '../../../src/libbpf/btf.js';
import { LibbpfError } from '../../../src/libbpf/errors.js';
import { layoutOf, mapTypes } from '../../../src/libbpf/layout.js';
import { encodeVariable, type VariableValue, variablesOf } from '../../../src/libbpf/variables.js';
import { BtfWriter } from './btf-writer.js';

const SIGNED = 1;
const BOOL = 4;

function message(fn: () => unknown): string {
  try {
    fn();
  } catch (error) {
    if (error instanceof LibbpfError) return `${error.code} ${error.message}`;
    throw error;
  }
  return 'nothing thrown';
}

describe('the parser', () => {
  it('reads every sort of type', () => {
    const w = new BtfWriter();
    const int = w.int('int', 4, SIGNED);
    const pointer = w.reference('ptr', '', int);
    const array = w.array(int, 7);
    const union = w.struct('union', 'u', 8, [{ name: 'p', type: pointer, at: 0 }]);
    const bits = w.struct('struct', 's', 8, [
      { name: 'a', type: int, at: 0, width: 3 },
      { name: 'b', type: int, at: 32, width: 0 },
    ]);
    const plain = w.enum('e', { A: 0, B: 0xffffffff });
    const negative = w.enum('n', { MINUS: -1 }, true);
    const large = w.enum64('l', { BIG: 2n ** 40n, LOW: -2n }, true);
    const alias = w.reference('typedef', 'alias', w.reference('const', '', w.reference('volatile', '', int)));
    const variable = w.variable('v', alias);
    const section = w.section('.rodata', 4, [{ type: variable, offset: 0, size: 4 }]);
    w.other('fwd', 'f', 0);
    w.other('float', 'double', 8);
    const btf = new Btf(w.bytes());
    expect(btf.type(int)).toEqual({
      kind: 'int',
      name: 'int',
      size: 4,
      signed: true,
      bool: false,
      bits: 32,
      bitOffset: 0,
    });
    expect(btf.type(array)).toEqual({ kind: 'array', name: '', type: int, index: 1, length: 7 });
    expect(btf.type(union)).toMatchObject({
      kind: 'union',
      members: [{ name: 'p', type: pointer, bitOffset: 0, bitSize: 0 }],
    });
    expect(btf.type(bits)).toMatchObject({
      members: [
        { bitOffset: 0, bitSize: 3 },
        { bitOffset: 32, bitSize: 0 },
      ],
    });
    expect(btf.type(plain)).toMatchObject({
      signed: false,
      values: [
        { name: 'A', value: 0n },
        { name: 'B', value: 0xffffffffn },
      ],
    });
    expect(btf.type(negative)).toMatchObject({ values: [{ name: 'MINUS', value: -1n }] });
    expect(btf.type(large)).toMatchObject({ values: [{ value: 2n ** 40n }, { value: -2n }] });
    expect(btf.resolve(variable)).toMatchObject({ type: { kind: 'var' } });
    expect(btf.resolve(alias)).toEqual({ id: int, type: btf.type(int), typedefs: ['alias'] });
    expect(btf.type(section)).toMatchObject({ kind: 'datasec', variables: [{ type: variable, offset: 0, size: 4 }] });
    expect([btf.size(array), btf.size(pointer), btf.size(alias), btf.size(union)]).toEqual([28, 8, 4, 8]);
    expect(btf.find('struct', 's')).toBe(bits);
    expect(btf.find('struct', 'none')).toBeUndefined();
  });

  it('refuses invalid BTF with a reason', () => {
    const good = new BtfWriter();
    good.int('int', 4);
    const bytes = good.bytes();
    expect(message(() => new Btf(Buffer.alloc(3)))).toBe('LIBBPF_BTF parse BTF: 3 bytes, expected at least 24');
    expect(message(() => new Btf(Buffer.alloc(24)))).toContain('magic 0x0, expected 0xeb9f');
    expect(message(() => new Btf(bytes.subarray(0, bytes.length - 1)))).toContain('sections beyond its end');
    const unknown = new BtfWriter();
    unknown.raw(0, 30 << 24, 0);
    expect(message(() => new Btf(unknown.bytes()))).toContain('kind 30 is unknown');
    const short = new BtfWriter();
    short.raw(0, (4 << 24) | 5, 0);
    expect(message(() => new Btf(short.bytes()))).toMatch(/LIBBPF_BTF parse BTF: (it ends|a name|sections)/);
    const loop = new BtfWriter();
    loop.reference('typedef', 'a', 2);
    loop.reference('typedef', 'b', 1);
    expect(message(() => new Btf(loop.bytes()).resolve(1))).toContain('type 1 refers to itself');
    const nested = new BtfWriter();
    nested.array(1, 2);
    expect(message(() => new Btf(nested.bytes()).size(1))).toContain('contains itself');
    expect(message(() => new Btf(bytes).type(9))).toContain('there is no type 9 among 2');
    expect(message(() => new Btf(bytes).size(0))).toContain('has no size');
  });

  it('throws only its own errors, whatever the bytes', () => {
    const w = new BtfWriter();
    const int = w.int('int', 4);
    w.struct('struct', 's', 8, [{ name: 'a', type: int, at: 0 }]);
    const bytes = w.bytes();
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { maxLength: 6 }), (changes) => {
        const changed = Buffer.from(bytes);
        for (const [at, byte] of changes) changed[at] = byte;
        expect(message(() => new Btf(changed))).toMatch(/^(LIBBPF_BTF|nothing thrown)/);
      }),
    );
  });
});

describe('a layout', () => {
  it('handles network order, nesting, padding and anonymous members', () => {
    const w = new BtfWriter();
    const u8 = w.int('unsigned char', 1);
    const u16 = w.int('unsigned short', 2);
    const u32 = w.int('unsigned int', 4);
    const be16 = w.reference('typedef', '__be16', w.reference('typedef', '__u16', u16));
    const bool = w.int('_Bool', 1, BOOL);
    const in6 = w.struct('struct', 'in6_addr', 16, []);
    const inner = w.struct('struct', '', 4, [
      { name: 'x', type: u8, at: 0 },
      { name: 'y', type: be16, at: 16 },
    ]);
    const choice = w.struct('union', '', 16, [
      { name: 'v4', type: u32, at: 0 },
      { name: 'v6', type: in6, at: 0 },
    ]);
    const id = w.struct('struct', 'outer', 32, [
      { name: 'mac', type: w.array(u8, 6), at: 0 },
      { name: '', type: inner, at: 64 },
      { name: '', type: choice, at: 96 },
      { name: 'ok', type: bool, at: 224 },
    ]);
    const btf = new Btf(w.bytes());
    expect(layoutOf(btf, id)).toEqual({
      kind: 'struct',
      name: 'outer',
      size: 32,
      fields: [
        { name: 'mac', offset: 0, layout: { kind: 'bytes', size: 6 } },
        { name: 'x', offset: 8, layout: { kind: 'int', size: 1, signed: false, bool: false, networkOrder: false } },
        { name: 'y', offset: 10, layout: { kind: 'int', size: 2, signed: false, bool: false, networkOrder: true } },
        // Of the union what covers all of it.
        { name: 'v6', offset: 12, layout: { kind: 'bytes', size: 16 } },
        { name: 'ok', offset: 28, layout: { kind: 'int', size: 1, signed: false, bool: true, networkOrder: false } },
      ],
      padding: [
        { offset: 6, size: 2 },
        { offset: 9, size: 1 },
        { offset: 29, size: 3 },
      ],
    });
  });

  it('refuses types without a codec, by name', () => {
    const w = new BtfWriter();
    const int = w.int('int', 4);
    const bits = w.struct('struct', 'flags', 4, [{ name: 'low', type: int, at: 0, width: 3 }]);
    const float = w.other('float', 'double', 8);
    const incomplete = w.other('fwd', 'later', 0);
    const loop = w.struct('struct', 'self', 8, [{ name: 'me', type: 5, at: 0 }]);
    const btf = new Btf(w.bytes());
    expect(message(() => layoutOf(btf, bits))).toBe('LIBBPF_BTF layout of struct flags: low: bitfields have no codec');
    expect(message(() => layoutOf(btf, float))).toContain('layout of float double: it has no codec');
    expect(message(() => layoutOf(btf, incomplete))).toContain('it has no codec');
    expect(message(() => layoutOf(btf, loop))).toContain('levels');
  });

  it('includes what maps declare: types of key and value, sizes, tags', () => {
    const w = new BtfWriter();
    const u32 = w.int('unsigned int', 4);
    const key = w.reference('ptr', '', u32);
    const type = w.reference('ptr', '', w.array(u32, 1));
    const entries = w.reference('ptr', '', w.array(u32, 512));
    const anonymous = w.struct('struct', '', 24, [
      { name: 'type', type, at: 0 },
      { name: 'key', type: key, at: 64 },
      { name: 'max_entries', type: entries, at: 128 },
    ]);
    const variable = w.variable('things', anonymous);
    w.declTag('set:one', variable);
    w.section('.maps', 24, [{ type: variable, offset: 0, size: 24 }]);
    expect(mapTypes(new Btf(w.bytes()))).toEqual([
      { name: 'things', key: u32, value: undefined, type: 1, maxEntries: 512, flags: 0, tags: ['set:one'] },
    ]);
  });
});

describe('constants of .rodata', () => {
  const w = new BtfWriter();
  const s8 = w.variable('small', w.reference('const', '', w.int('signed char', 1, SIGNED)));
  const u64 = w.variable('large', w.int('unsigned long', 8));
  w.section('.rodata', 16, [
    { type: s8, offset: 3, size: 1 },
    { type: u64, offset: 8, size: 8 },
  ]);
  const btf = new Btf(w.bytes());

  const encode = (name: string, value: VariableValue): { section: string; offset: number; bytes: Buffer } => {
    const variable = variablesOf(btf).find((one) => one.name === name);
    if (variable === undefined) throw new Error(`expected ${name}`);
    const { section, offset } = variable;
    return { section, offset, bytes: Buffer.from(encodeVariable(btf, variable, value, `set ${name}`)) };
  };

  it('are at the offsets of their section, little-endian and range-checked', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.integer({ min: -128, max: 127 }), (large, small) => {
        const one = encode('large', large);
        expect([one.section, one.offset, one.bytes.readBigUInt64LE()]).toEqual(['.rodata', 8, large]);
        const other = encode('small', small);
        expect([other.offset, other.bytes.readInt8()]).toEqual([3, small]);
      }),
    );
    expect(message(() => encode('small', 128))).toBe('LIBBPF_ARGUMENT set small: 128: expected -128 to 127');
  });
});
