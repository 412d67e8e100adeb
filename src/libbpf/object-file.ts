/** An object in libbpf: its maps and programs by name, its type information, whether it is open and loaded. */
import { Btf } from './btf.js';
import { LibbpfError } from './errors.js';
import { lastErrno, libbpf, libc } from './ffi.js';
import { collectLog } from './log.js';
import type { OpenOptions } from './object-options.js';
import { OPEN_OPTS, Options } from './structs.js';
import { firstWarning, verifierFailure } from './verifier.js';

/** BPF_LOG_STATS (include/linux/bpf_verifier.h) */
const LOG_STATS = 4;
const OBJECT_BYTES_MAX = 256 * 1024 * 1024;

export class ObjectFile {
  readonly name: string;
  #object: bigint | null;
  #loaded = false;
  #btf: Btf | undefined;
  readonly #maps = new Map<string, bigint>();
  readonly #programs = new Map<string, bigint>();
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

  /** Reads an object from a file or from memory. @throws LibbpfError with libbpf's own reason */
  static open(source: string | Uint8Array, options: OpenOptions): ObjectFile {
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
    if (typeof result === 'bigint') return new ObjectFile(result, options.statistics);
    throw new LibbpfError({ operation, errno: -result, ...reasonOf(firstWarning(log)), log });
  }

  get isLoaded(): boolean {
    return this.#loaded;
  }

  get mapNames(): string[] {
    return [...this.#maps.keys()];
  }

  get programNames(): string[] {
    return [...this.#programs.keys()];
  }

  /** The object's type information. @throws LibbpfError LIBBPF_BTF when it was compiled without -g */
  get btf(): Btf {
    if (this.#btf) return this.#btf;
    const operation = `object ${this.name}: BTF`;
    const lib = libbpf();
    const btf = lib.bpf_object__btf(this.pointer('BTF'));
    const size = Buffer.alloc(4);
    const raw = btf === null ? null : lib.btf__raw_data(btf, size);
    if (raw === null) throw new LibbpfError({ code: 'LIBBPF_BTF', operation, reason: 'not found: compile with -g' });
    const bytes = Buffer.alloc(size.readUInt32LE(0));
    libc().memcpy(bytes, raw, bytes.length);
    return (this.#btf = new Btf(bytes));
  }

  /**
   * Creates the maps and loads the programs.
   * @throws LibbpfError; LIBBPF_VERIFIER with a one-line reason when a program was refused, the full log in `log`
   */
  load(): void {
    this.beforeLoad('load');
    const object = this.pointer('load');
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

  close(): void {
    if (this.#object === null) return;
    libbpf().bpf_object__close(this.#object);
    this.#object = null;
  }

  /** libbpf's struct bpf_object. @throws LibbpfError LIBBPF_CLOSED */
  pointer(operation: string): bigint {
    if (this.#object !== null) return this.#object;
    throw new LibbpfError({
      code: 'LIBBPF_CLOSED',
      operation: `object ${this.name}: ${operation}`,
      reason: 'it was closed',
    });
  }

  /** @throws LibbpfError LIBBPF_CLOSED, LIBBPF_STATE */
  beforeLoad(operation: string): void {
    this.pointer(operation);
    if (!this.#loaded) return;
    throw new LibbpfError({
      code: 'LIBBPF_STATE',
      operation: `object ${this.name}: ${operation}`,
      reason: 'it is loaded already: this comes before load()',
    });
  }

  /** @throws LibbpfError LIBBPF_STATE */
  afterLoad(operation: string): void {
    if (this.#loaded) return;
    throw new LibbpfError({
      code: 'LIBBPF_STATE',
      operation: `object ${this.name}: ${operation}`,
      reason: 'it is not loaded: call load() first',
    });
  }

  /** libbpf's struct bpf_map. @throws LibbpfError LIBBPF_CLOSED, LIBBPF_NAME */
  map(name: string, operation: string): bigint {
    return this.#find(this.#maps, 'map', name, operation);
  }

  /** The map that holds a section of global data: libbpf puts the object's name before the section's. */
  mapOfSection(section: string): bigint | undefined {
    this.pointer(section);
    return [...this.#maps].find(([name]) => name === section || name.endsWith(section))?.[1];
  }

  /** libbpf's struct bpf_program. @throws LibbpfError LIBBPF_CLOSED, LIBBPF_NAME */
  program(name: string, operation: string): bigint {
    return this.#find(this.#programs, 'program', name, operation);
  }

  #find(all: ReadonlyMap<string, bigint>, kind: string, name: string, operation: string): bigint {
    this.pointer(`${kind} ${name}: ${operation}`);
    const found = all.get(name);
    if (found !== undefined) return found;
    throw new LibbpfError({
      code: 'LIBBPF_NAME',
      operation: `object ${this.name}: ${kind} ${name}: ${operation}`,
      reason: `no such ${kind}; there are: ${[...all.keys()].join(', ') || 'none'}`,
    });
  }
}

/** The part of an error's detail that a reason is. */
export function reasonOf(reason: string | undefined): { reason?: string } {
  return reason === undefined ? {} : { reason };
}
