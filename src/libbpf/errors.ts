/** What goes wrong with eBPF objects, in words an engineer can act on. */
import { errnoName as kernelErrnoName } from '../netlink/error.js';

/** enum libbpf_errno (bpf/libbpf_legacy.h) from 4000 on: what libbpf itself found wrong */
const LIBBPF_ERRNO =
  'LIBELF FORMAT KVERSION ENDIAN INTERNAL RELOC LOAD VERIFY PROG2BIG KVER PROGTYPE WRNGPID INVSEQ NLPARSE';
const LIBBPF_ERRNO_START = 4000;

/** 'ENOENT' for 2, 'FORMAT' for libbpf's 4001; 'E<number>' for a number without name. */
export function errnoName(errno: number): string {
  return LIBBPF_ERRNO.split(' ')[errno - LIBBPF_ERRNO_START] ?? kernelErrnoName(errno);
}

export interface LibbpfErrorDetail {
  /** what was being done to which object: "map sids: update key 0a000001" */
  operation: string;
  /** positive errno; absent when neither libbpf nor the kernel was asked */
  errno?: number;
  /** overrides the code that follows from errno */
  code?: LibbpfErrorCode;
  /** the kernel's or the verifier's words, or what was expected */
  reason?: string;
  /** all that libbpf and the verifier said, for whoever asks */
  log?: string;
  cause?: unknown;
}

/**
 * Codes without an errno of their own:
 * LIBBPF_MISSING (no libbpf, or too old), LIBBPF_CLOSED (the handle was closed), LIBBPF_SIZE (a buffer of the wrong size),
 * LIBBPF_ARGUMENT (a value out of range), LIBBPF_NAME (no such map, program, variable or interface), LIBBPF_STATE (before load what needs
 * it after, or the reverse), LIBBPF_VERIFIER (the verifier refused a program), LIBBPF_BTF (type information that is broken or
 * unsuitable), LIBBPF_PIN (a path where nothing can be pinned), LIBBPF_ITERATION (a map that changed too much while it was read),
 * LIBBPF_NOT_SUPPORTED (a probe's verdict).
 */
export type LibbpfErrorCode = `LIBBPF_${string}`;

const MESSAGE_MAX = 2000;

/** Names and values may come from anywhere: no line feeds or other control characters, no pages. */
function oneLine(text: string): string {
  const shown = text.length > MESSAGE_MAX ? `${text.slice(0, MESSAGE_MAX)}…` : text;
  return shown.replace(/\p{Cc}/gu, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/** An eBPF operation that failed. The message is one line; `code` is stable: LIBBPF_<errno name>, or one of the above. */
export class LibbpfError extends Error {
  readonly code: LibbpfErrorCode;
  /** positive errno, 0 when there is none */
  readonly errno: number;
  readonly errnoName: string;
  readonly operation: string;
  readonly reason: string | undefined;
  /** libbpf's messages and the verifier's full log, '' when there are none */
  readonly log: string;

  constructor(detail: LibbpfErrorDetail) {
    const errno = detail.errno ?? 0;
    const name = errno === 0 ? '' : errnoName(errno);
    super(
      oneLine([detail.operation, name || undefined, detail.reason].filter((part) => part !== undefined).join(': ')),
      detail.cause === undefined ? undefined : { cause: detail.cause },
    );
    this.name = 'LibbpfError';
    this.errno = errno;
    this.errnoName = name;
    this.code = detail.code ?? `LIBBPF_${name}`;
    this.operation = detail.operation;
    this.reason = detail.reason;
    this.log = detail.log ?? '';
  }
}

/** Is it a LibbpfError with one of these errno names? */
export function isLibbpfError(error: unknown, ...errnoNames: string[]): error is LibbpfError {
  return error instanceof LibbpfError && (errnoNames.length === 0 || errnoNames.includes(error.errnoName));
}

/** The result of a libbpf call (libbpf 1.x returns -errno), or LibbpfError when it is negative. */
export function check(result: number, operation: string, reason?: string): number {
  if (result >= 0) return result;
  throw new LibbpfError({ operation, errno: -result, ...(reason === undefined ? {} : { reason }) });
}

/** A value that libbpf would take modulo 2^32 without a word. */
export function u32(value: number, operation: string, what: string): number {
  if (Number.isInteger(value) && value >= 0 && value <= 0xffffffff) return value;
  throw new LibbpfError({
    code: 'LIBBPF_ARGUMENT',
    operation,
    reason: `${what} ${String(value)}: expected an integer from 0 to 4294967295`,
  });
}

const HEX_BYTES_MAX = 40;

/** Bytes as hex for messages, shortened. */
export function hex(bytes: Uint8Array): string {
  const shown = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, HEX_BYTES_MAX)).toString('hex');
  return bytes.length > HEX_BYTES_MAX ? `${shown}… (${bytes.length} bytes)` : shown;
}

/** A buffer the kernel will read or write `size` bytes of: a shorter one would be memory corruption. */
export function checkBytes(bytes: Uint8Array, size: number, operation: string, what: string): void {
  if (bytes instanceof Uint8Array && bytes.length === size) return;
  const got = bytes instanceof Uint8Array ? `${bytes.length} bytes` : typeof bytes;
  throw new LibbpfError({
    code: 'LIBBPF_SIZE',
    operation,
    reason: `${what} is ${got}, expected ${size} bytes`,
  });
}
