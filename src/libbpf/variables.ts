/** Global variables of the programs: constants (`const volatile`, .rodata), .data and .bss, where BTF says they lie. */
import { type BtfValue, codecOf } from './btf-codec.js';
import type { Btf } from './btf.js';
import type { Codec } from './codec.js';
import { LibbpfError } from './errors.js';
import { libc } from './ffi.js';

/** Numbers and bigints for integers and enums, booleans for bool, bytes (exactly sizeof) for anything, values of its codec for the rest. */
export type VariableValue = BtfValue;

interface Variable {
  section: string;
  offset: number;
  size: number;
  type: number;
}

/** A variable as BTF has it. */
export interface VariableInfo {
  name: string;
  /** ".rodata", ".data", ".bss", ".data.name" */
  section: string;
  /** id of its type */
  type: number;
}

const SECTIONS = /^\.(rodata|data|bss)/;

/** The global variables of an object; one that no program uses is not kept by clang. */
export function variablesOf(btf: Btf): (VariableInfo & { offset: number; size: number })[] {
  return btf.types.flatMap((section) => {
    if (section.kind !== 'datasec' || !SECTIONS.test(section.name)) return [];
    return section.variables.flatMap(({ type: id, offset, size }) => {
      const variable = btf.type(id);
      // Clang keeps texts of bpf_printk() there, too, as variables that no one named.
      if (variable.kind !== 'var' || /^\.?str|^__const|\.____fmt/.test(variable.name)) return [];
      return [{ name: variable.name, section: section.name, offset, size, type: variable.type }];
    });
  });
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
 * The bytes of a variable's value.
 * @throws LibbpfError LIBBPF_ARGUMENT (out of range, wrong kind of value), LIBBPF_SIZE
 */
export function encodeVariable(
  btf: Btf,
  variable: { size: number; type: number },
  value: VariableValue,
  operation: string,
): Uint8Array {
  const { size } = variable;
  if (value instanceof Uint8Array) {
    if (value.length === size) return value;
    throw new LibbpfError({ code: 'LIBBPF_SIZE', operation, reason: `${value.length} bytes, expected ${size}` });
  }
  const { type } = btf.resolve(variable.type);
  if (typeof value === 'object' && (value as unknown) !== null && (type.kind === 'struct' || type.kind === 'array')) {
    const bytes = Buffer.alloc(size);
    codecOf(btf, variable.type).encode(bytes, 0, value);
    return bytes;
  }
  const isScalar = typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean';
  if (!isScalar || (type.kind !== 'int' && type.kind !== 'enum') || size > 8) {
    const expected = type.kind === 'int' || type.kind === 'enum' ? 'a number' : `${size} bytes`;
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
  return integerBytes(number, size, type.signed, operation);
}

/** The object whose variables they are, before and after load. */
export interface VariableOwner {
  /** "object maps" */
  label: string;
  btf: Btf;
  isLoaded(): boolean;
  /** Address and bytes of a section. @throws LibbpfError LIBBPF_CLOSED */
  memory(section: string): { address: bigint; bytes: number } | undefined;
}

export class Variables {
  readonly #owner: VariableOwner;
  readonly #variables: ReadonlyMap<string, Variable>;
  readonly #codecs = new Map<string, Codec<BtfValue>>();

  constructor(owner: VariableOwner) {
    this.#owner = owner;
    this.#variables = new Map(variablesOf(owner.btf).map(({ name, ...variable }) => [name, variable]));
  }

  /** Names, as in C; those of static variables in a function are "function.name". */
  names(): string[] {
    return [...this.#variables.keys()];
  }

  has(name: string): boolean {
    return this.#variables.has(name);
  }

  /** Cannot it be changed once the object is loaded? @throws LibbpfError LIBBPF_NAME */
  isConstant(name: string): boolean {
    return this.#find(name, 'look up').section.startsWith('.rodata');
  }

  /** The current value, which running programs may have changed. @throws LibbpfError LIBBPF_NAME, LIBBPF_BTF */
  get(name: string): BtfValue {
    const variable = this.#find(name, 'get');
    const { address } = this.#memory(name, variable, 'get');
    const bytes = Buffer.alloc(variable.size);
    libc().memcpy(bytes, address, bytes.length);
    return this.#codec(name, variable).decode(bytes, 0);
  }

  /**
   * Sets one: constants before load, where the verifier removes what they switch off; others at any time.
   * @throws LibbpfError LIBBPF_NAME, LIBBPF_ARGUMENT (out of range, wrong kind of value), LIBBPF_SIZE, LIBBPF_STATE (a constant after load)
   */
  set(name: string, value: VariableValue): void {
    const operation = `${this.#owner.label}: set ${name}`;
    const variable = this.#find(name, 'set');
    if (this.#owner.isLoaded() && variable.section.startsWith('.rodata')) {
      throw new LibbpfError({
        code: 'LIBBPF_STATE',
        operation,
        reason: 'it is a constant, and the object is loaded: set it before load()',
      });
    }
    const { address } = this.#memory(name, variable, 'set');
    const bytes = encodeVariable(this.#owner.btf, variable, value, operation);
    libc().memcpy(address, bytes, bytes.length);
  }

  #find(name: string, verb: string): Variable {
    const variable = this.#variables.get(name);
    if (variable !== undefined) return variable;
    throw new LibbpfError({
      code: 'LIBBPF_NAME',
      operation: `${this.#owner.label}: ${verb} ${String(name)}`,
      reason: `no such variable; there are: ${this.names().join(', ') || 'none'} (a variable that no program uses is removed)`,
    });
  }

  #memory(name: string, { section, offset, size }: Variable, verb: string): { address: bigint } {
    const memory = this.#owner.memory(section);
    if (memory !== undefined && offset + size <= memory.bytes) return { address: memory.address + BigInt(offset) };
    throw new LibbpfError({
      code: 'LIBBPF_BTF',
      operation: `${this.#owner.label}: ${verb} ${name}`,
      reason: `section ${section} holds no such bytes`,
    });
  }

  #codec(name: string, { type }: Variable): Codec<BtfValue> {
    let codec = this.#codecs.get(name);
    if (codec === undefined) this.#codecs.set(name, (codec = codecOf(this.#owner.btf, type)));
    return codec;
  }
}
