/** Codecs made at run time from BTF: for tools that meet an object they were not compiled with. Generated codecs are some ten times as fast. */
import type { Btf } from './btf.js';
import { type Codec, getBytes, putBytes, checkLength } from './codec.js';
import { LibbpfError } from './errors.js';
import { fieldName } from './generate.js';
import { type Layout, layoutOf, type StructLayout } from './layout.js';

/** The TypeScript value of a C type: a number (a bigint of 64 bits), a boolean, bytes, an array, or an object with a struct's fields. */
export type BtfValue = number | bigint | boolean | Uint8Array | BtfValue[] | { [field: string]: BtfValue };

type Integer = Extract<Layout, { kind: 'int' | 'enum' }>;

function wrong(name: string, value: unknown, expected: string): never {
  throw new LibbpfError({
    code: 'LIBBPF_ARGUMENT',
    operation: `encode ${name}`,
    reason: `${value === null ? 'null' : typeof value}: expected ${expected}`,
  });
}

function integerCodec(layout: Integer, name: string): Codec<BtfValue> {
  const { size, signed } = layout;
  const big = layout.kind === 'int' && layout.networkOrder;
  const isBool = layout.kind === 'int' && layout.bool;
  const bits = BigInt(8 * size);
  const [low, high] = signed ? [-(1n << (bits - 1n)), (1n << (bits - 1n)) - 1n] : [0n, (1n << bits) - 1n];
  return {
    NAME: name,
    SIZE: size,
    encode(into, offset, value) {
      if (typeof value === 'boolean' ? !isBool : typeof value !== 'number' && typeof value !== 'bigint') {
        wrong(name, value, isBool ? 'a boolean' : 'an integer');
      }
      if (typeof value === 'number' && !Number.isSafeInteger(value)) wrong(name, value, `an integer, not ${value}`);
      const integer = BigInt(value as number | bigint | boolean);
      if (integer < low || integer > high) wrong(name, value, `an integer from ${low} to ${high}, not ${integer}`);
      let rest = BigInt.asUintN(8 * size, integer);
      for (let at = 0; at < size; at++) {
        into[offset + (big ? size - 1 - at : at)] = Number(rest & 0xffn);
        rest >>= 8n;
      }
    },
    decode(from, offset) {
      if (size === 8) {
        if (big) return signed ? from.readBigInt64BE(offset) : from.readBigUInt64BE(offset);
        return signed ? from.readBigInt64LE(offset) : from.readBigUInt64LE(offset);
      }
      const value = big
        ? signed
          ? from.readIntBE(offset, size)
          : from.readUIntBE(offset, size)
        : signed
          ? from.readIntLE(offset, size)
          : from.readUIntLE(offset, size);
      return isBool ? value !== 0 : value;
    },
  };
}

function structCodec(layout: StructLayout): Codec<BtfValue> {
  const name = `struct ${layout.name}`;
  const fields = layout.fields.map((field) => ({
    name: fieldName(field.name),
    offset: field.offset,
    codec: codecOfLayout(field.layout, `${layout.name}.${field.name}`),
  }));
  const known = new Set(fields.map((field) => field.name));
  return {
    NAME: name,
    SIZE: layout.size,
    encode(into, offset, value) {
      if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Uint8Array) {
        wrong(name, value, `an object of ${[...known].join(', ')}`);
      }
      const unknown = Object.keys(value).find((key) => !known.has(key));
      if (unknown !== undefined) wrong(`${name}.${unknown}`, value[unknown], `one of ${[...known].join(', ')}`);
      into.fill(0, offset, offset + layout.size);
      for (const field of fields) {
        const given = value[field.name];
        if (given === undefined) wrong(field.codec.NAME, given, 'a value');
        field.codec.encode(into, offset + field.offset, given);
      }
    },
    decode: (from, offset) =>
      Object.fromEntries(fields.map((field) => [field.name, field.codec.decode(from, offset + field.offset)])),
  };
}

/** A codec of a layout. */
function codecOfLayout(layout: Layout, name: string): Codec<BtfValue> {
  switch (layout.kind) {
    case 'int':
    case 'enum':
      return integerCodec(layout, name);
    case 'bytes':
      return {
        NAME: name,
        SIZE: layout.size,
        encode(into, offset, value) {
          if (!(value instanceof Uint8Array)) wrong(name, value, `${layout.size} bytes`);
          putBytes(into, offset, value, layout.size, name);
        },
        decode: (from, offset) => getBytes(from, offset, layout.size),
      };
    case 'array': {
      const element = codecOfLayout(layout.element, name);
      return {
        NAME: name,
        SIZE: layout.size,
        encode(into, offset, value) {
          if (!Array.isArray(value)) wrong(name, value, `an array of ${layout.length}`);
          checkLength(value, layout.length, name);
          for (const [at, one] of value.entries()) element.encode(into, offset + at * element.SIZE, one);
        },
        decode: (from, offset) =>
          Array.from({ length: layout.length }, (_, at) => element.decode(from, offset + at * element.SIZE)),
      };
    }
    case 'struct':
      return structCodec(layout);
  }
}

/**
 * A codec of a type, by id or by the name of a struct, an enum or a typedef.
 * @throws LibbpfError LIBBPF_BTF when there is none, or none can be made (bitfields, floats)
 */
export function codecOf(btf: Btf, type: number | string): Codec<BtfValue> {
  if (typeof type === 'number') return codecOfLayout(layoutOf(btf, type), nameOf(btf, type));
  const id = btf.find('struct', type) ?? btf.find('enum', type) ?? btf.find('typedef', type) ?? btf.find('int', type);
  if (id !== undefined) return codecOfLayout(layoutOf(btf, id), type);
  throw new LibbpfError({ code: 'LIBBPF_BTF', operation: `codec of ${type}`, reason: 'there is no such type' });
}

function nameOf(btf: Btf, id: number): string {
  const { type, typedefs } = btf.resolve(id);
  return typedefs[0] ?? (type.name || type.kind);
}
