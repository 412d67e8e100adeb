/** Values of `const volatile` variables, as bytes where BTF says they lie. */
import type { Btf, BtfType } from './btf.js';
import { LibbpfError } from './errors.js';

/** Numbers and bigints for integers and enums, booleans for bool, bytes (exactly sizeof) for everything else. */
export type RodataValue = number | bigint | boolean | Uint8Array;

interface Variable {
  section: string;
  offset: number;
  size: number;
  type: BtfType;
}

function* variables(btf: Btf): Generator<[name: string, variable: Variable], void, undefined> {
  for (const section of btf.types) {
    if (section.kind !== 'datasec' || !section.name.startsWith('.rodata')) continue;
    for (const { type: id, offset, size } of section.variables) {
      const variable = btf.type(id);
      if (variable.kind !== 'var') continue;
      const { type } = btf.resolve(variable.type);
      yield [variable.name, { section: section.name, offset, size, type }];
    }
  }
}

function integerBytes(value: number | bigint, size: number, signed: boolean, operation: string): Buffer {
  const [low, high] = signed
    ? [-(1n << BigInt(8 * size - 1)), (1n << BigInt(8 * size - 1)) - 1n]
    : [0n, (1n << BigInt(8 * size)) - 1n];
  if (typeof value === 'number' && !Number.isSafeInteger(value)) {
    throw new LibbpfError({ code: 'LIBBPF_ARGUMENT', operation, reason: `${value}: expected an integer` });
  }
  const integer = BigInt(value);
  if (integer < low || integer > high) {
    throw new LibbpfError({ code: 'LIBBPF_ARGUMENT', operation, reason: `${integer}: expected ${low} to ${high}` });
  }
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, integer));
  return bytes.subarray(0, size);
}

/**
 * Where a variable of .rodata lies and the bytes of its value.
 * @throws LibbpfError LIBBPF_NAME, LIBBPF_ARGUMENT (out of range, wrong kind of value), LIBBPF_SIZE
 */
export function writeVariable(
  btf: Btf,
  name: string,
  value: RodataValue,
  operation: string,
): { section: string; offset: number; bytes: Uint8Array } {
  const all = new Map(variables(btf));
  const variable = all.get(name);
  if (!variable) {
    const known = [...all.keys()].join(', ') || 'none';
    throw new LibbpfError({
      code: 'LIBBPF_NAME',
      operation,
      reason: `no such variable in .rodata; there are: ${known} (one that no program uses is not kept)`,
    });
  }
  const { section, offset, size, type } = variable;
  if (value instanceof Uint8Array) {
    if (value.length === size) return { section, offset, bytes: value };
    throw new LibbpfError({ code: 'LIBBPF_SIZE', operation, reason: `${value.length} bytes, expected ${size}` });
  }
  const scalar = typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean';
  const expected = type.kind === 'int' || type.kind === 'enum' ? 'a number' : `${size} bytes`;
  if (!scalar || (type.kind !== 'int' && type.kind !== 'enum') || size > 8) {
    throw new LibbpfError({
      code: 'LIBBPF_ARGUMENT',
      operation,
      reason: `${typeof value} for a ${type.kind} ${type.name}: expected ${expected}`,
    });
  }
  const number = typeof value === 'boolean' ? (value ? 1 : 0) : value;
  if (type.kind === 'int' && type.bool && number !== 0 && number !== 1 && number !== 0n && number !== 1n) {
    throw new LibbpfError({ code: 'LIBBPF_ARGUMENT', operation, reason: `${number}: expected a boolean` });
  }
  return { section, offset, bytes: integerBytes(number, size, type.signed, operation) };
}
