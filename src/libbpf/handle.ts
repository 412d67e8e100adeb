/** A kernel object held by a file descriptor. */
import { readlinkSync } from 'node:fs';
import { constants } from 'node:os';
import { check, LibbpfError } from './errors.js';
import { libc } from './ffi.js';

const F_DUPFD_CLOEXEC = 1030;

/** How the kernel names the files of its objects (kernel/bpf/syscall.c): a link is bpf_link when new, bpf-link when opened again. */
const FILES = {
  map: /^anon_inode:bpf-map$/,
  program: /^anon_inode:bpf-prog$/,
  link: /^anon_inode:bpf[-_]link$/,
} as const;
export type Kind = keyof typeof FILES;

/**
 * The kernel's info call fills in whatever the descriptor is, and a program's hash read as a map's key size would be memory
 * corruption one call later.
 */
function checkKind(fd: number, kind: Kind, label: string): void {
  let file: string;
  try {
    file = readlinkSync(`/proc/self/fd/${fd}`);
  } catch (error) {
    throw new LibbpfError({ operation: label, errno: constants.errno.EBADF, reason: `descriptor ${fd}`, cause: error });
  }
  if (FILES[kind].test(file)) return;
  throw new LibbpfError({
    operation: label,
    errno: constants.errno.EINVAL,
    reason: `descriptor ${fd} is ${file}, expected a ${kind}`,
  });
}

/** A handle of a descriptor just opened, which is closed when it is not what it should be. */
export function adopt<T>(fd: number, make: (fd: number) => T): T {
  try {
    return make(fd);
  } catch (error) {
    libc().close(fd);
    throw error;
  }
}

/**
 * Base of maps, programs and links. The descriptor is owned: close() (or `using`) gives it back, twice does no harm, and every
 * use after it is an error of code LIBBPF_CLOSED. What is not closed lives until the process ends.
 */
export abstract class Handle {
  /** "map sids": how messages name it */
  label: string;
  #fd: number;

  /** Takes the descriptor over once it is known to be of that kind; else it stays the caller's. */
  protected constructor(fd: number, kind: Kind, label: string) {
    if (!Number.isInteger(fd) || fd < 0 || fd > 0x7fffffff) {
      throw new LibbpfError({
        code: 'LIBBPF_ARGUMENT',
        operation: label,
        reason: `file descriptor ${String(fd)}: expected an integer from 0 to 2147483647`,
      });
    }
    checkKind(fd, kind, label);
    this.#fd = fd;
    this.label = label;
  }

  /** The open descriptor. @throws LibbpfError LIBBPF_CLOSED */
  get fd(): number {
    if (this.#fd < 0) throw new LibbpfError({ code: 'LIBBPF_CLOSED', operation: this.label, reason: 'it was closed' });
    return this.#fd;
  }

  get closed(): boolean {
    return this.#fd < 0;
  }

  /** Gives the descriptor back. The kernel's object lives on while a pin, a link or another descriptor holds it. */
  close(): void {
    if (this.#fd < 0) return;
    const fd = this.#fd;
    this.#fd = -1;
    // Not fs.close: other runtimes keep a table of the descriptors that they opened themselves.
    libc().close(fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** A second descriptor of the same kernel object, closed on exec. */
export function duplicate(fd: number, label: string): number {
  return check(libc().fcntl(fd, F_DUPFD_CLOEXEC, 3), `${label}: duplicate the descriptor`);
}
