/** Object files as clang compiles them: opened, configured, loaded; their maps and programs. */
import { codecOf, type BtfValue } from './btf-codec.js';
import type { Btf } from './btf.js';
import type { Codec } from './codec.js';
import { DataSections, type Memory } from './data-section.js';
import { check, LibbpfError } from './errors.js';
import { lastErrno, libbpf } from './ffi.js';
import { adopt, duplicate } from './handle.js';
import { mapTypes } from './layout.js';
import { collectLog } from './log.js';
import { BpfMap } from './map.js';
import { ObjectConfiguration } from './object-configure.js';
import { ObjectFile, reasonOf } from './object-file.js';
import type { LoadOptions, MapConfiguration, OpenOptions, ProgramConfiguration } from './object-options.js';
import { BpfProgram, type ProgramOrigin } from './program.js';
import { PerCpuMap, TypedMap } from './typed-map.js';
import { type VariableValue, Variables } from './variables.js';
import { firstWarning } from './verifier.js';

/**
 * An object file. Maps and programs got from it are closed with it: clone() those to keep. What is attached or pinned lives on.
 */
export class BpfObject {
  readonly #file: ObjectFile;
  readonly #configuration: ObjectConfiguration;
  readonly #mapHandles = new Map<string, BpfMap>();
  readonly #programHandles = new Map<string, BpfProgram>();
  readonly #sections = new DataSections();
  #variables: Variables | undefined;

  private constructor(file: ObjectFile) {
    this.#file = file;
    this.#configuration = new ObjectConfiguration(file);
  }

  /**
   * Reads an object from a file or from memory; nothing reaches the kernel yet.
   * @throws LibbpfError with libbpf's own reason
   */
  static open(source: string | Uint8Array, options: OpenOptions = {}): BpfObject {
    return new BpfObject(ObjectFile.open(source, options));
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

  get name(): string {
    return this.#file.name;
  }

  /** Names of all maps, those of global data (.rodata, .bss) included. */
  get mapNames(): string[] {
    return this.#file.mapNames;
  }

  /** Names of all programs, as the functions in C. */
  get programNames(): string[] {
    return this.#file.programNames;
  }

  /** Section a program is in, "xdp" or "tc/ingress". */
  sectionOf(program: string): string {
    return libbpf().bpf_program__section_name(this.#file.program(program, 'section')) ?? '';
  }

  /** The object's type information. @throws LibbpfError LIBBPF_BTF when it was compiled without -g */
  get btf(): Btf {
    return this.#file.btf;
  }

  /** The programs' global variables: get and set. @throws LibbpfError LIBBPF_BTF when it was compiled without -g */
  get variables(): Variables {
    return (this.#variables ??= new Variables({
      label: `object ${this.name}`,
      btf: this.btf,
      isLoaded: () => this.#file.isLoaded,
      memory: (section) => this.#memory(section),
    }));
  }

  /** A section's bytes: before load what libbpf is to load, after it the map itself. */
  #memory(section: string): Memory | undefined {
    const map = this.#file.mapOfSection(section);
    const size = Buffer.alloc(8);
    const address = map === undefined ? null : libbpf().bpf_map__initial_value(map, size);
    if (map === undefined || address === null) return undefined;
    const bytes = Number(size.readBigUInt64LE(0));
    if (!this.#file.isLoaded) return { address, bytes };
    return this.#sections.map(section, libbpf().bpf_map__fd(map), bytes, `object ${this.name}`);
  }

  /**
   * Sets constants of the programs (`const volatile`) before load: the verifier removes what they switch off.
   * @throws LibbpfError LIBBPF_NAME, LIBBPF_ARGUMENT, LIBBPF_SIZE, LIBBPF_STATE
   */
  setRodata(values: Record<string, VariableValue>): void {
    this.#file.beforeLoad('set rodata');
    for (const [name, value] of Object.entries(values)) {
      if (this.variables.has(name) && !this.variables.isConstant(name)) {
        throw new LibbpfError({
          code: 'LIBBPF_ARGUMENT',
          operation: `object ${this.name}: set ${name}`,
          reason: 'it is not a constant: expected it among variables',
        });
      }
      this.variables.set(name, value);
    }
  }

  /** Changes a map before load. @throws LibbpfError LIBBPF_STATE, LIBBPF_NAME, or libbpf's errno */
  configureMap(name: string, configuration: MapConfiguration): void {
    this.#configuration.map(name, configuration);
  }

  /** Changes a program before load. @throws LibbpfError LIBBPF_STATE, LIBBPF_NAME */
  configureProgram(name: string, configuration: ProgramConfiguration): void {
    this.#configuration.program(name, configuration);
  }

  /**
   * Creates the maps and loads the programs.
   * @throws LibbpfError; LIBBPF_VERIFIER with a one-line reason when a program was refused, the full log in `log`
   */
  load(): void {
    this.#file.beforeLoad('load');
    this.#configuration.makePinFolders();
    this.#file.load();
  }

  /** A map of the loaded object. @throws LibbpfError LIBBPF_NAME, LIBBPF_STATE */
  map(name: string): BpfMap {
    const known = this.#mapHandles.get(name);
    if (known && !known.closed) return known;
    const map = this.#file.map(name, 'use');
    this.#file.afterLoad(`map ${name}`);
    const fd = check(libbpf().bpf_map__fd(map), `object ${this.name}: map ${name}`, 'it was not created');
    const handle = adopt(duplicate(fd, `map ${name}`), (copy) => new BpfMap(copy, name));
    this.#mapHandles.set(name, handle);
    return handle;
  }

  /** A program of the loaded object. @throws LibbpfError LIBBPF_NAME, LIBBPF_STATE */
  program(name: string): BpfProgram {
    const known = this.#programHandles.get(name);
    if (known && !known.closed) return known;
    const program = this.#file.program(name, 'use');
    this.#file.afterLoad(`program ${name}`);
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
    const pointer = this.#file.program(name, 'use');
    const section = this.sectionOf(name);
    return {
      section,
      attachType: libbpf().bpf_program__expected_attach_type(pointer),
      attach: () => {
        const operation = `object ${this.name}: program ${name}: attach`;
        this.#file.pointer(`program ${name}: attach`);
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
    for (const handle of this.#mapHandles.values()) handle.close();
    for (const handle of this.#programHandles.values()) handle.close();
    this.#sections.close();
    this.#file.close();
    this.#configuration.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
