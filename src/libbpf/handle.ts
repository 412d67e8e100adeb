/** A kernel object held by a file descriptor. */
import { closeSync } from 'node:fs';
import { check, LibbpfError } from './errors.js';
import { libc } from './ffi.js';

const F_DUPFD_CLOEXEC = 1030;

/**
 * Base of maps, programs and links. The descriptor is owned: close() (or `using`) gives it back, twice does no harm, and every
 * use after it is an error of code LIBBPF_CLOSED. What is not closed lives until the process ends.
 */
export abstract class Handle {
  /** "map sids": how messages name it */
  readonly label: string;
  #fd: number;

  protected constructor(fd: number, label: string) {
    if (!Number.isInteger(fd) || fd < 0 || fd > 0x7fffffff) {
      throw new LibbpfError({
        code: 'LIBBPF_ARGUMENT',
        operation: label,
        reason: `file descriptor ${String(fd)}: expected an integer from 0 to 2147483647`,
      });
    }
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
    closeSync(fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** A second descriptor of the same kernel object, closed on exec. */
export function duplicate(fd: number, label: string): number {
  return check(libc().fcntl(fd, F_DUPFD_CLOEXEC, 3), `${label}: duplicate the descriptor`);
}
