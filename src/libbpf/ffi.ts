/**
 * libbpf and what it takes of libc, through koffi. Every argument that repeats is a number or a Buffer: objects as structs
 * cost forty times as much. koffi truncates numbers silently and passes on any pointer: callers check first.
 */
import koffi, { type LibraryHandle } from 'koffi';
import { LibbpfError } from './errors.js';

/** An address in this process, or bytes of ours; null is NULL. */
export type Pointer = bigint | Uint8Array | null;

type CType = 'int' | 'uint32' | 'uint64' | 'size_t' | 'bool' | 'str' | 'void *' | 'void';
type Argument<T> = T extends 'void *'
  ? Pointer
  : T extends 'str'
    ? string
    : T extends 'bool'
      ? boolean
      : number | bigint;
type Result<T> = T extends 'void *'
  ? bigint | null
  : T extends 'str'
    ? string | null
    : T extends 'bool'
      ? boolean
      : T extends 'void'
        ? undefined
        : number;
type Signature = readonly [result: CType, ...parameters: CType[]];
type Arguments<P> = P extends readonly [infer First, ...infer Rest] ? [Argument<First>, ...Arguments<Rest>] : [];
type Functions<S> = {
  readonly [K in keyof S]: S[K] extends readonly [infer R, ...infer P] ? (...args: Arguments<P>) => Result<R> : never;
};

// libbpf 1.3's bpf/libbpf.h and bpf/bpf.h; enums are ints, file descriptors are ints.
const LIBBPF = {
  libbpf_set_print: ['void *', 'void *'],
  libbpf_num_possible_cpus: ['int'],
  bpf_object__open_file: ['void *', 'str', 'void *'],
  bpf_object__open_mem: ['void *', 'void *', 'size_t', 'void *'],
  bpf_object__load: ['int', 'void *'],
  bpf_object__close: ['void', 'void *'],
  bpf_object__name: ['str', 'void *'],
  bpf_object__btf: ['void *', 'void *'],
  btf__raw_data: ['void *', 'void *', 'void *'],
  bpf_object__next_map: ['void *', 'void *', 'void *'],
  bpf_object__next_program: ['void *', 'void *', 'void *'],
  bpf_map__name: ['str', 'void *'],
  bpf_map__fd: ['int', 'void *'],
  bpf_map__initial_value: ['void *', 'void *', 'void *'],
  bpf_map__set_max_entries: ['int', 'void *', 'uint32'],
  bpf_map__set_value_size: ['int', 'void *', 'uint32'],
  bpf_map__set_type: ['int', 'void *', 'int'],
  bpf_map__set_map_flags: ['int', 'void *', 'uint32'],
  bpf_map__set_pin_path: ['int', 'void *', 'str'],
  bpf_map__set_autocreate: ['int', 'void *', 'bool'],
  bpf_map__set_inner_map_fd: ['int', 'void *', 'int'],
  bpf_map__reuse_fd: ['int', 'void *', 'int'],
  bpf_program__name: ['str', 'void *'],
  bpf_program__section_name: ['str', 'void *'],
  bpf_program__fd: ['int', 'void *'],
  bpf_program__attach: ['void *', 'void *'],
  bpf_program__expected_attach_type: ['int', 'void *'],
  bpf_program__set_autoload: ['int', 'void *', 'bool'],
  bpf_program__set_type: ['int', 'void *', 'int'],
  bpf_program__set_expected_attach_type: ['int', 'void *', 'int'],
  bpf_map_create: ['int', 'int', 'str', 'uint32', 'uint32', 'uint32', 'void *'],
  bpf_map_lookup_elem: ['int', 'int', 'void *', 'void *'],
  bpf_map_update_elem: ['int', 'int', 'void *', 'void *', 'uint64'],
  bpf_map_delete_elem: ['int', 'int', 'void *'],
  bpf_map_lookup_and_delete_elem: ['int', 'int', 'void *', 'void *'],
  bpf_map_get_next_key: ['int', 'int', 'void *', 'void *'],
  bpf_map_lookup_batch: ['int', 'int', 'void *', 'void *', 'void *', 'void *', 'void *', 'void *'],
  bpf_map_lookup_and_delete_batch: ['int', 'int', 'void *', 'void *', 'void *', 'void *', 'void *', 'void *'],
  bpf_map_update_batch: ['int', 'int', 'void *', 'void *', 'void *', 'void *'],
  bpf_map_delete_batch: ['int', 'int', 'void *', 'void *', 'void *'],
  bpf_map_freeze: ['int', 'int'],
  bpf_map_get_info_by_fd: ['int', 'int', 'void *', 'void *'],
  bpf_prog_get_info_by_fd: ['int', 'int', 'void *', 'void *'],
  bpf_link_get_info_by_fd: ['int', 'int', 'void *', 'void *'],
  bpf_map_get_fd_by_id: ['int', 'uint32'],
  bpf_prog_get_fd_by_id: ['int', 'uint32'],
  bpf_link_get_fd_by_id: ['int', 'uint32'],
  bpf_map_get_next_id: ['int', 'uint32', 'void *'],
  bpf_prog_get_next_id: ['int', 'uint32', 'void *'],
  bpf_link_get_next_id: ['int', 'uint32', 'void *'],
  bpf_obj_pin: ['int', 'int', 'str'],
  bpf_obj_get: ['int', 'str'],
  bpf_prog_load: ['int', 'int', 'str', 'str', 'void *', 'size_t', 'void *'],
  bpf_prog_test_run_opts: ['int', 'int', 'void *'],
  bpf_link_create: ['int', 'int', 'int', 'int', 'void *'],
  bpf_link_update: ['int', 'int', 'int', 'void *'],
  bpf_link_detach: ['int', 'int'],
  bpf_link__fd: ['int', 'void *'],
  bpf_link__disconnect: ['void', 'void *'],
  bpf_link__destroy: ['int', 'void *'],
  bpf_prog_query_opts: ['int', 'int', 'int', 'void *'],
  bpf_xdp_query_id: ['int', 'int', 'int', 'void *'],
  bpf_enable_stats: ['int', 'int'],
  libbpf_probe_bpf_prog_type: ['int', 'int', 'void *'],
  libbpf_probe_bpf_map_type: ['int', 'int', 'void *'],
} as const satisfies Record<string, Signature>;

const LIBC = {
  vsnprintf: ['int', 'void *', 'size_t', 'void *', 'void *'],
  memcpy: ['void *', 'void *', 'void *', 'size_t'],
  mmap: ['void *', 'void *', 'size_t', 'int', 'int', 'int', 'size_t'],
  munmap: ['int', 'void *', 'size_t'],
  if_nametoindex: ['uint32', 'str'],
  fcntl: ['int', 'int', 'int', 'int'],
  close: ['int', 'int'],
  setns: ['int', 'int', 'int'],
  getpagesize: ['int'],
} as const satisfies Record<string, Signature>;

export type Libbpf = Functions<typeof LIBBPF>;
export type Libc = Functions<typeof LIBC>;

/** koffi's functions are untyped: this is the one place that says what the signatures above mean in TypeScript. */
function bind<S extends Record<string, Signature>>(library: LibraryHandle, signatures: S): Functions<S> {
  const functions = Object.entries(signatures).map(([name, [result, ...parameters]]) => {
    const call = library.func(name, result, parameters) as (...args: unknown[]) => unknown;
    return [name, parameters.includes('str') ? withText(name, parameters, call) : call];
  });
  return Object.fromEntries(functions) as Functions<S>;
}

/** koffi takes a number where a string should be for an address, and reads there: the one argument that is checked here. */
function withText(name: string, parameters: readonly CType[], call: (...args: unknown[]) => unknown): typeof call {
  return (...args) => {
    for (const [index, type] of parameters.entries()) {
      const value = args[index];
      if (type !== 'str' || (typeof value === 'string' && !value.includes('\0'))) continue;
      throw new LibbpfError({
        code: 'LIBBPF_ARGUMENT',
        operation: name,
        reason: `${typeof value === 'string' ? JSON.stringify(value) : `a ${typeof value}`}: expected a string without NUL`,
      });
    }
    return call(...args);
  };
}

/**
 * A call on a thread of libuv's pool, while the event loop turns. The bytes it is given are the call's until then: whoever calls keeps
 * them referenced and lets them be.
 */
export function onThread<A extends unknown[]>(call: (...args: A) => number, ...args: A): Promise<number> {
  type Async = (...args: [...A, done: (error: Error | null, result: number) => void]) => void;
  const { async: start } = call as unknown as { async: Async };
  return new Promise((resolve, reject) => {
    start(...args, (error: Error | null, result: number) => {
      if (error) reject(error);
      else resolve(result);
    });
  });
}

const SONAME = 'libbpf.so.1';
const MINIMUM = { major: 1, minor: 3 };
const NEEDED = `libbpf >= ${MINIMUM.major}.${MINIMUM.minor} (Debian: apt install libbpf1, from backports on Debian 12)`;

let loaded: Libbpf | undefined;

/**
 * libbpf, loaded at the first call. The environment's LIBBPF_PATH names another file than the dynamic linker would find.
 * @throws LibbpfError LIBBPF_MISSING
 */
export function libbpf(): Libbpf {
  return (loaded ??= load(process.env.LIBBPF_PATH ?? SONAME));
}

let loadedVersion = '';

/** The version of the libbpf that is loaded, or would be: `1.4`. @throws LibbpfError LIBBPF_MISSING */
export function libbpfVersion(): string {
  libbpf();
  return loadedVersion;
}

function load(path: string): Libbpf {
  let library: LibraryHandle;
  try {
    library = koffi.load(path);
  } catch (error) {
    throw new LibbpfError({
      code: 'LIBBPF_MISSING',
      operation: `load ${path}`,
      reason: `${(error as Error).message}; expected ${NEEDED}`,
      cause: error,
    });
  }
  try {
    const version = bind(library, { libbpf_major_version: ['uint32'], libbpf_minor_version: ['uint32'] } as const);
    const [major, minor] = [version.libbpf_major_version(), version.libbpf_minor_version()];
    if (major < MINIMUM.major || (major === MINIMUM.major && minor < MINIMUM.minor)) {
      throw new Error(`version ${major}.${minor} is too old`);
    }
    loadedVersion = `${major}.${minor}`;
    const functions = bind(library, LIBBPF);
    // libbpf's messages become part of errors (log.ts); by default it prints them on standard error.
    functions.libbpf_set_print(null);
    return functions;
  } catch (error) {
    throw new LibbpfError({
      code: 'LIBBPF_MISSING',
      operation: `load ${path}`,
      reason: `${(error as Error).message}; expected ${NEEDED}`,
      cause: error,
    });
  }
}

let loadedLibc: Libc | undefined;

/** The few functions of libc that libbpf's interface makes necessary. */
export function libc(): Libc {
  return (loadedLibc ??= bind(koffi.load(null), LIBC));
}

/** errno of the last call that failed; ask at once. Only for functions that return a pointer: others return -errno. */
export function lastErrno(): number {
  return koffi.errno();
}

/** The address of bytes, for a pointer inside a struct. The caller keeps the bytes referenced until the call is over. */
export function address(bytes: Uint8Array): bigint {
  return koffi.address(bytes);
}

/** Memory that is not ours as an ArrayBuffer; it must outlive every use of the result. */
export function view(pointer: bigint, length: number): ArrayBuffer {
  return koffi.view(pointer, length);
}

const PrintFunction = koffi.pointer(koffi.proto('int libbpf_print_fn(int level, void *format, void *arguments)'));

/** A libbpf_print_fn_t, for as long as the process lives. It may not throw. */
export function registerPrint(callback: (level: number, format: bigint, args: bigint) => number): bigint {
  return koffi.register(callback, PrintFunction);
}

/** The part of koffi.node.PollHandle that is used. */
export interface PollHandle {
  close(): void;
  ref(): void;
  unref(): void;
}

/**
 * Calls back whenever the descriptor is readable (uv_poll; undocumented in koffi). The callback runs outside of Node's callback scope:
 * what it throws vanishes and promise jobs wait. A negative status means that polling has stopped.
 */
function pollReadable(fd: number, callback: (status: number) => void): PollHandle {
  type Poll = (fd: number, options: { readable: boolean }, callback: (status: number) => void) => PollHandle;
  return (koffi.node.poll as unknown as Poll)(fd, { readable: true }, callback);
}

/** Calls back every so many milliseconds, readable or not. */
function pollByTimer(callback: (status: number) => void, intervalMs: number): PollHandle {
  const timer = setInterval(callback, intervalMs, 0);
  return {
    close: () => {
      clearInterval(timer);
    },
    ref: () => void timer.ref(),
    unref: () => void timer.unref(),
  };
}

/** uv_poll ends Bun's process; a timer does everywhere. */
const HAS_UV_POLL = process.versions.bun === undefined && 'node' in koffi;
const DEFAULT_INTERVAL_MS = 5;

/** Calls back when there may be something to read: by the event loop's poll, or by a timer where it has none or when asked to. */
export function poll(fd: number, callback: (status: number) => void, intervalMs?: number): PollHandle {
  if (HAS_UV_POLL && intervalMs === undefined) return pollReadable(fd, callback);
  return pollByTimer(callback, intervalMs ?? DEFAULT_INTERVAL_MS);
}
