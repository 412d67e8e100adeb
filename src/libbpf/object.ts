/** Object files as clang compiles them: opened, configured, loaded. */
import { mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { MAP_TYPES, PROGRAM_TYPES } from './constants.js';
import { Btf } from './btf.js';
import { check, LibbpfError, numberOf, u32 } from './errors.js';
import { lastErrno, libbpf, libc } from './ffi.js';
import { DataSections, type Memory } from './data-section.js';
import { adopt, duplicate } from './handle.js';
import type { Codec } from './codec.js';
import { collectLog } from './log.js';
import type { LoadOptions, MapConfiguration, OpenOptions, ProgramConfiguration } from './object-options.js';
import { BpfMap } from './map.js';
import { checkBpffs } from './pin.js';
import { BpfProgram, type ProgramOrigin } from './program.js';
import { OPEN_OPTS, Options } from './structs.js';
import { codecOf, type BtfValue } from './btf-codec.js';
import { mapTypes } from './layout.js';
import { PerCpuMap, TypedMap } from './typed-map.js';
import { type VariableValue, Variables } from './variables.js';
import { firstWarning, verifierFailure } from './verifier.js';

/** BPF_LOG_STATS (include/linux/bpf_verifier.h) */
const LOG_STATS = 4;
const OBJECT_BYTES_MAX = 256 * 1024 * 1024;

/**
 * An object file. Maps and programs got from it are closed with it: clone() those to keep. What is attached or pinned lives on.
 */
export class BpfObject {
  readonly name: string;
  #object: bigint | null;
  #loaded = false;
  readonly #maps = new Map<string, bigint>();
  readonly #programs = new Map<string, bigint>();
  readonly #mapHandles = new Map<string, BpfMap>();
  readonly #programHandles = new Map<string, BpfProgram>();
  /** to be closed with the object */
  readonly #descriptors: number[] = [];
  #btf: Btf | undefined;
  #variables: Variables | undefined;
  /** folders of pins, made at load */
  readonly #pinFolders = new Set<string>();
  readonly #sections = new DataSections();
  /** libbpf keeps their addresses until the load */
  readonly #kept: Buffer[] = [];

  private constructor(object: bigint, statistics: Buffer | undefined) {
    if (statistics !== undefined) this.#kept.push(statistics);
    const lib = libbpf();
    this.#object = object;
    this.name = lib.bpf_object__name(object) ?? '';
    for (let map = lib.bpf_object__next_map(object, null); map !== null; map = lib.bpf_object__next_map(object, map)) {
      this.#maps.set(lib.bpf_map__name(map) ?? '', map);
    }
    let program = lib.bpf_object__next_program(object, null);
    for (; program !== null; program = lib.bpf_object__next_program(object, program)) {
      this.#programs.set(lib.bpf_program__name(program) ?? '', program);
    }
  }

  /**
   * Reads an object from a file or from memory; nothing reaches the kernel yet.
   * @throws LibbpfError with libbpf's own reason
   */
  static open(source: string | Uint8Array, options: OpenOptions = {}): BpfObject {
    const what = typeof source === 'string' ? source : (options.name ?? `${source.length} bytes`);
    const operation = `object ${what}: open`;
    const lib = libbpf();
    const opts = new Options(OPEN_OPTS.size);
    if (options.name !== undefined) opts.string(OPEN_OPTS.object_name, options.name);
    if (options.pinRoot !== undefined) opts.string(OPEN_OPTS.pin_root_path, options.pinRoot);
    if (options.statistics !== undefined) {
      opts.pointer(OPEN_OPTS.kernel_log_buf, options.statistics);
      opts.u64(OPEN_OPTS.kernel_log_size, BigInt(options.statistics.length)).u32(OPEN_OPTS.kernel_log_level, LOG_STATS);
    }
    if (typeof source !== 'string' && !(source.length > 0 && source.length <= OBJECT_BYTES_MAX)) {
      throw new LibbpfError({
        code: 'LIBBPF_SIZE',
        operation,
        reason: `expected 1 to ${OBJECT_BYTES_MAX} bytes of ELF`,
      });
    }
    const { result, log } = collectLog(() => {
      const object =
        typeof source === 'string'
          ? lib.bpf_object__open_file(source, opts.bytes)
          : lib.bpf_object__open_mem(source, source.length, opts.bytes);
      return object ?? -lastErrno();
    });
    if (typeof result === 'bigint') return new BpfObject(result, options.statistics);
    throw new LibbpfError({ operation, errno: -result, ...reasonOf(firstWarning(log)), log });
  }

  /** open(), setRodata(), configure…() and load() in one; closed again when one of them fails. */
  static load(source: string | Uint8Array, options: LoadOptions = {}): BpfObject {
    const object = BpfObject.open(source, options);
    try {
      if (options.rodata) object.setRodata(options.rodata);
      for (const [name, value] of Object.entries(options.variables ?? {})) object.variables.set(name, value);
      for (const [name, map] of Object.entries(options.maps ?? {})) object.configureMap(name, map);
      for (const [name, program] of Object.entries(options.programs ?? {})) object.configureProgram(name, program);
      object.load();
    } catch (error) {
      object.close();
      throw error;
    }
    return object;
  }

  /** Names of all maps, those of global data (.rodata, .bss) included. */
  get mapNames(): string[] {
    return [...this.#maps.keys()];
  }

  /** Names of all programs, as the functions in C. */
  get programNames(): string[] {
    return [...this.#programs.keys()];
  }

  /** Section a program is in, "xdp" or "tc/ingress". */
  sectionOf(program: string): string {
    return libbpf().bpf_program__section_name(this.#program(program, 'section')) ?? '';
  }

  /** The object's type information. @throws LibbpfError LIBBPF_BTF when it was compiled without -g */
  get btf(): Btf {
    if (this.#btf) return this.#btf;
    const operation = `object ${this.name}: BTF`;
    const lib = libbpf();
    const btf = lib.bpf_object__btf(this.#open(operation));
    const size = Buffer.alloc(4);
    const raw = btf === null ? null : lib.btf__raw_data(btf, size);
    if (raw === null)
      throw new LibbpfError({ code: 'LIBBPF_BTF', operation, reason: 'there is none: compile with -g' });
    const bytes = Buffer.alloc(size.readUInt32LE(0));
    libc().memcpy(bytes, raw, bytes.length);
    return (this.#btf = new Btf(bytes));
  }

  /** The programs' global variables: get and set. @throws LibbpfError LIBBPF_BTF when it was compiled without -g */
  get variables(): Variables {
    return (this.#variables ??= new Variables({
      label: `object ${this.name}`,
      btf: this.btf,
      isLoaded: () => this.#loaded,
      memory: (section) => this.#memory(section),
    }));
  }

  /** A section's bytes: before load what libbpf is to load, after it the map itself. */
  #memory(section: string): Memory | undefined {
    this.#open(section);
    const map = [...this.#maps].find(([name]) => name === section || name.endsWith(section))?.[1];
    const size = Buffer.alloc(8);
    const address = map === undefined ? null : libbpf().bpf_map__initial_value(map, size);
    if (map === undefined || address === null) return undefined;
    const bytes = Number(size.readBigUInt64LE(0));
    if (!this.#loaded) return { address, bytes };
    return this.#sections.map(section, libbpf().bpf_map__fd(map), bytes, `object ${this.name}`);
  }

  /**
   * Sets constants of the programs (`const volatile`) before load: the verifier removes what they switch off.
   * @throws LibbpfError LIBBPF_NAME, LIBBPF_ARGUMENT, LIBBPF_SIZE, LIBBPF_STATE
   */
  setRodata(values: Record<string, VariableValue>): void {
    this.#beforeLoad('set rodata');
    for (const [name, value] of Object.entries(values)) {
      if (this.variables.has(name) && !this.variables.isConstant(name)) {
        throw new LibbpfError({
          code: 'LIBBPF_ARGUMENT',
          operation: `object ${this.name}: set ${name}`,
          reason: 'it is no constant: expected it among variables',
        });
      }
      this.variables.set(name, value);
    }
  }

  /** Changes a map before load. @throws LibbpfError LIBBPF_STATE, LIBBPF_NAME, or libbpf's errno */
  configureMap(name: string, configuration: MapConfiguration): void {
    const operation = `object ${this.name}: map ${name}: configure`;
    const map = this.#map(name, 'configure');
    this.#beforeLoad(`map ${name}: configure`);
    const lib = libbpf();
    const { type, maxEntries, valueSize, flags, pin, reuse, inner, create } = configuration;
    const shaped = type !== undefined || maxEntries !== undefined || valueSize !== undefined;
    if (shaped && lib.bpf_map__initial_value(map, Buffer.alloc(8)) !== null) {
      // libbpf unmaps as many bytes as it then believes to have mapped: memory of others.
      throw new LibbpfError({
        code: 'LIBBPF_ARGUMENT',
        operation,
        reason: 'the shape of global data is what the programs make it',
      });
    }
    const set = (result: number, what: string): number => check(result, operation, what);
    if (type !== undefined)
      set(lib.bpf_map__set_type(map, numberOf(MAP_TYPES, type, operation, 'type')), `type ${type}`);
    if (maxEntries !== undefined) {
      set(lib.bpf_map__set_max_entries(map, u32(maxEntries, operation, 'max_entries')), `max_entries ${maxEntries}`);
    }
    if (valueSize !== undefined) {
      set(lib.bpf_map__set_value_size(map, u32(valueSize, operation, 'value size')), `value size ${valueSize}`);
    }
    if (flags !== undefined) set(lib.bpf_map__set_map_flags(map, u32(flags, operation, 'flags')), `flags ${flags}`);
    if (pin !== undefined) {
      const folder = dirname(resolve(pin));
      checkBpffs(folder);
      this.#pinFolders.add(folder);
      set(lib.bpf_map__set_pin_path(map, pin), `pin ${pin}`);
    }
    if (inner !== undefined) {
      // libbpf reads it at load and does not own it.
      const fd = duplicate(inner.fd, inner.label);
      this.#descriptors.push(fd);
      set(lib.bpf_map__set_inner_map_fd(map, fd), inner.label);
    }
    if (reuse !== undefined) set(lib.bpf_map__reuse_fd(map, reuse.fd), `reuse ${reuse.label}`);
    if (create !== undefined) set(lib.bpf_map__set_autocreate(map, create), `create ${create}`);
  }

  /** Changes a program before load. @throws LibbpfError LIBBPF_STATE, LIBBPF_NAME */
  configureProgram(name: string, configuration: ProgramConfiguration): void {
    const operation = `object ${this.name}: program ${name}: configure`;
    const program = this.#program(name, 'configure');
    this.#beforeLoad(`program ${name}: configure`);
    const lib = libbpf();
    const { load, type, attachType } = configuration;
    if (load !== undefined) check(lib.bpf_program__set_autoload(program, load), operation);
    if (type !== undefined)
      check(lib.bpf_program__set_type(program, numberOf(PROGRAM_TYPES, type, operation, 'type')), operation);
    if (attachType !== undefined)
      check(lib.bpf_program__set_expected_attach_type(program, u32(attachType, operation, 'attach type')), operation);
  }

  /**
   * Creates the maps and loads the programs.
   * @throws LibbpfError; LIBBPF_VERIFIER with a one-line reason when a program was refused, the full log in `log`
   */
  load(): void {
    this.#beforeLoad('load');
    const object = this.#open('load');
    for (const folder of this.#pinFolders) mkdirSync(folder, { recursive: true, mode: 0o700 });
    const { result, log } = collectLog(() => libbpf().bpf_object__load(object));
    this.#kept.length = 0;
    if (result >= 0) {
      this.#loaded = true;
      return;
    }
    const errno = -result;
    const failure = verifierFailure(log);
    const program = failure.program === undefined ? '' : `program ${failure.program}: `;
    const source = failure.source === undefined ? '' : ` (${failure.source})`;
    throw new LibbpfError({
      operation: `object ${this.name}: ${program}load`,
      errno,
      ...(log.includes('BEGIN PROG LOAD LOG') ? { code: 'LIBBPF_VERIFIER' } : {}),
      ...reasonOf(failure.reason === undefined ? undefined : failure.reason + source),
      log,
    });
  }

  /** A map of the loaded object. @throws LibbpfError LIBBPF_NAME, LIBBPF_STATE */
  map(name: string): BpfMap {
    const known = this.#mapHandles.get(name);
    if (known && !known.closed) return known;
    const map = this.#map(name, 'use');
    this.#afterLoad(`map ${name}`);
    const fd = check(libbpf().bpf_map__fd(map), `object ${this.name}: map ${name}`, 'it was not created');
    const handle = adopt(duplicate(fd, `map ${name}`), (copy) => new BpfMap(copy, name));
    this.#mapHandles.set(name, handle);
    return handle;
  }

  /** A program of the loaded object. @throws LibbpfError LIBBPF_NAME, LIBBPF_STATE */
  program(name: string): BpfProgram {
    const known = this.#programHandles.get(name);
    if (known && !known.closed) return known;
    const program = this.#program(name, 'use');
    this.#afterLoad(`program ${name}`);
    const fd = check(libbpf().bpf_program__fd(program), `object ${this.name}: program ${name}`, 'it was not loaded');
    const handle = adopt(duplicate(fd, `program ${name}`), (copy) => new BpfProgram(copy, name, this.#origin(name)));
    this.#programHandles.set(name, handle);
    return handle;
  }

  /**
   * A map by the key and value types that its definition names, with codecs made at run time; generated ones (`libbpf-ts gen`) are faster.
   * @throws LibbpfError LIBBPF_BTF when the definition gives sizes alone, LIBBPF_ARGUMENT when it is per CPU
   */
  typedMap(name: string): TypedMap<BtfValue, BtfValue> {
    return new TypedMap(this.map(name), ...this.#codecs(name));
  }

  /** The same of a per-CPU map. */
  perCpuMap(name: string): PerCpuMap<BtfValue, BtfValue> {
    return new PerCpuMap(this.map(name), ...this.#codecs(name));
  }

  #codecs(name: string): [key: Codec<BtfValue>, value: Codec<BtfValue>] {
    const { key, value } = mapTypes(this.btf).find((types) => types.name === name) ?? {};
    if (key !== undefined && value !== undefined) return [codecOf(this.btf, key), codecOf(this.btf, value)];
    throw new LibbpfError({
      code: 'LIBBPF_BTF',
      operation: `object ${this.name}: map ${name}: use with codecs`,
      reason: 'its definition has no __type of key and value',
    });
  }

  #origin(name: string): ProgramOrigin {
    const pointer = this.#program(name, 'use');
    const section = this.sectionOf(name);
    return {
      section,
      attachType: libbpf().bpf_program__expected_attach_type(pointer),
      attach: () => {
        const operation = `object ${this.name}: program ${name}: attach`;
        this.#open(`program ${name}: attach`);
        const { result, log } = collectLog(() => libbpf().bpf_program__attach(pointer) ?? -lastErrno());
        if (typeof result === 'bigint') return result;
        throw new LibbpfError({
          operation,
          errno: -result,
          ...reasonOf(firstWarning(log) ?? `section "${section}"`),
          log,
        });
      },
    };
  }

  /** Frees it with the maps and programs got from it. Twice does no harm. */
  close(): void {
    if (this.#object === null) return;
    for (const handle of this.#mapHandles.values()) handle.close();
    for (const handle of this.#programHandles.values()) handle.close();
    this.#sections.close();
    libbpf().bpf_object__close(this.#object);
    this.#object = null;
    for (const fd of this.#descriptors.splice(0)) libc().close(fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #open(operation: string): bigint {
    if (this.#object !== null) return this.#object;
    throw new LibbpfError({
      code: 'LIBBPF_CLOSED',
      operation: `object ${this.name}: ${operation}`,
      reason: 'it was closed',
    });
  }

  #beforeLoad(operation: string): void {
    this.#open(operation);
    if (!this.#loaded) return;
    throw new LibbpfError({
      code: 'LIBBPF_STATE',
      operation: `object ${this.name}: ${operation}`,
      reason: 'it is loaded already: this comes before load()',
    });
  }

  #afterLoad(operation: string): void {
    if (this.#loaded) return;
    throw new LibbpfError({
      code: 'LIBBPF_STATE',
      operation: `object ${this.name}: ${operation}`,
      reason: 'it is not loaded: call load() first',
    });
  }

  #map(name: string, operation: string): bigint {
    return this.#find(this.#maps, 'map', name, operation);
  }

  #program(name: string, operation: string): bigint {
    return this.#find(this.#programs, 'program', name, operation);
  }

  #find(all: ReadonlyMap<string, bigint>, kind: string, name: string, operation: string): bigint {
    this.#open(`${kind} ${name}: ${operation}`);
    const found = all.get(name);
    if (found !== undefined) return found;
    throw new LibbpfError({
      code: 'LIBBPF_NAME',
      operation: `object ${this.name}: ${kind} ${name}: ${operation}`,
      reason: `no such ${kind}; there are: ${[...all.keys()].join(', ') || 'none'}`,
    });
  }
}

function reasonOf(reason: string | undefined): { reason?: string } {
  return reason === undefined ? {} : { reason };
}
