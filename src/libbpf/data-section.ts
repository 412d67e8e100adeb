/** Sections of global data (.data, .bss, .rodata) of a loaded object, mapped: libbpf maps them by itself only for generated C skeletons. */
import { LibbpfError } from './errors.js';
import { lastErrno, libc } from './ffi.js';

const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;
const MAP_FAILED = 2n ** 64n - 1n;

export interface Memory {
  address: bigint;
  bytes: number;
}

export class DataSections {
  readonly #mapped = new Map<string, Memory & { mappedBytes: number }>();

  /**
   * The bytes of a section's map, shared with the programs.
   * @param fd of the map; @param bytes of its one value
   * @throws LibbpfError LIBBPF_EPERM of a map that cannot be mapped
   */
  map(section: string, fd: number, bytes: number, operation: string): Memory {
    const known = this.#mapped.get(section);
    if (known !== undefined) return known;
    const page = libc().getpagesize();
    const mappedBytes = Math.ceil(bytes / page) * page;
    // Constants are frozen: the kernel refuses to map them for writing.
    const protection = section.startsWith('.rodata') ? PROT_READ : PROT_READ | PROT_WRITE;
    const address = libc().mmap(null, mappedBytes, protection, MAP_SHARED, fd, 0);
    if (address === null || address === MAP_FAILED) {
      throw new LibbpfError({ operation: `${operation}: map section ${section}`, errno: lastErrno() });
    }
    const memory = { address, bytes, mappedBytes };
    this.#mapped.set(section, memory);
    return memory;
  }

  close(): void {
    for (const { address, mappedBytes } of this.#mapped.values()) libc().munmap(address, mappedBytes);
    this.#mapped.clear();
  }
}
