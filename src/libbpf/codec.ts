/** Building blocks of generated codecs. */
import { checkBytes, LibbpfError } from './errors.js';

/** Bytes of a C type and values of a TypeScript type, one into the other. */
export interface Codec<T> {
  /** as in C: "struct endpoint" */
  readonly NAME: string;
  /** bytes */
  readonly SIZE: number;
  /** Writes SIZE bytes, padding as zeros. @throws RangeError for a number out of range; LibbpfError LIBBPF_SIZE for bytes of another length */
  encode(into: Buffer, offset: number, value: T): void;
  /** The value; what it holds is a copy. */
  decode(from: Buffer, offset: number): T;
}

/** Writes bytes that must have exactly the length of their field. */
export function putBytes(into: Buffer, offset: number, value: Uint8Array, size: number, field: string): void {
  checkBytes(value, size, `encode ${field}`, 'the value');
  into.set(value, offset);
}

const LOOP_BYTES_MAX = 32;

/** A copy of a field's bytes. */
export function getBytes(from: Buffer, offset: number, size: number): Buffer {
  if (!(offset >= 0 && offset + size <= from.length))
    throw new RangeError(`${size} bytes at ${offset} of ${from.length}`);
  const bytes = Buffer.allocUnsafe(size);
  // Addresses are short: a call into C++ costs more than they do.
  if (size > LOOP_BYTES_MAX) from.copy(bytes, 0, offset, offset + size);
  else for (let at = 0; at < size; at++) bytes[at] = from[offset + at] ?? 0;
  return bytes;
}

/** Refuses an array of another length than C's. */
export function checkLength(value: readonly unknown[], length: number, field: string): void {
  if (value.length === length) return;
  throw new LibbpfError({
    code: 'LIBBPF_SIZE',
    operation: `encode ${field}`,
    reason: `${value.length} elements, expected ${length}`,
  });
}

type NumberAccess = 'Int8' | 'UInt8' | `${'' | 'U'}Int${16 | 32}${'LE' | 'BE'}`;
type BigAccess = `Big${'' | 'U'}Int64${'LE' | 'BE'}`;

function numberCodec(NAME: string, SIZE: number, access: NumberAccess): Codec<number> {
  return {
    NAME,
    SIZE,
    encode: (into, offset, value) => void into[`write${access}`](value, offset),
    decode: (from, offset) => from[`read${access}`](offset),
  };
}

function bigintCodec(NAME: string, access: BigAccess): Codec<bigint> {
  return {
    NAME,
    SIZE: 8,
    encode: (into, offset, value) => void into[`write${access}`](value, offset),
    decode: (from, offset) => from[`read${access}`](offset),
  };
}

export const U8 = numberCodec('__u8', 1, 'UInt8');
export const U16 = numberCodec('__u16', 2, 'UInt16LE');
/** The key of arrays and devmaps, in the machine's order. */
export const U32 = numberCodec('__u32', 4, 'UInt32LE');
export const U64 = bigintCodec('__u64', 'BigUInt64LE');
export const S8 = numberCodec('__s8', 1, 'Int8');
export const S16 = numberCodec('__s16', 2, 'Int16LE');
export const S32 = numberCodec('__s32', 4, 'Int32LE');
export const S64 = bigintCodec('__s64', 'BigInt64LE');
/** Most significant byte first. */
export const BE16 = numberCodec('__be16', 2, 'UInt16BE');
export const BE32 = numberCodec('__be32', 4, 'UInt32BE');
export const BE64 = bigintCodec('__be64', 'BigUInt64BE');

export const BOOL: Codec<boolean> = {
  NAME: 'bool',
  SIZE: 1,
  encode: (into, offset, value) => void into.writeUInt8(value ? 1 : 0, offset),
  decode: (from, offset) => from.readUInt8(offset) !== 0,
};

/** Bytes without a reading: exactly so many. */
export function bytesCodec(size: number): Codec<Uint8Array> {
  return {
    NAME: `${size} bytes`,
    SIZE: size,
    encode(into, offset, value) {
      putBytes(into, offset, value, size, `${size} bytes`);
    },
    decode: (from, offset) => getBytes(from, offset, size),
  };
}

export function arrayCodec<T>(element: Codec<T>, length: number): Codec<T[]> {
  const NAME = `${element.NAME}[${length}]`;
  return {
    NAME,
    SIZE: length * element.SIZE,
    encode(into, offset, value) {
      checkLength(value, length, NAME);
      for (const [index, one] of value.entries()) element.encode(into, offset + index * element.SIZE, one);
    },
    decode: (from, offset) => Array.from({ length }, (_, index) => element.decode(from, offset + index * element.SIZE)),
  };
}
