/** Errors of this library. A message says what was done to which object, and why that failed. */
import { constants } from 'node:os';
import { missingCapabilities } from './capabilities.js';

const NAMES = new Map<number, string>(Object.entries(constants.errno).map(([name, number]) => [number, name]));
// EWOULDBLOCK and EOPNOTSUPP share their numbers with EAGAIN and ENOTSUP; these are the names the kernel's sources use.
NAMES.set(constants.errno.EAGAIN, 'EAGAIN');
NAMES.set(constants.errno.EOPNOTSUPP, 'EOPNOTSUPP');
// Not among Node's constants (asm-generic/errno.h, linux/errno.h).
NAMES.set(117, 'EUCLEAN').set(524, 'ENOTSUPP');

/** enum libbpf_errno (bpf/libbpf_legacy.h) from 4000 on: what libbpf itself found wrong */
const LIBBPF_ERRNO =
  'LIBELF FORMAT KVERSION ENDIAN INTERNAL RELOC LOAD VERIFY PROG2BIG KVER PROGTYPE WRNGPID INVSEQ NLPARSE';
const LIBBPF_ERRNO_START = 4000;

/** 'ENOENT' for 2, 'FORMAT' for libbpf's 4001; 'E<number>' for a number without name. */
function errnoName(errno: number): string {
  return LIBBPF_ERRNO.split(' ')[errno - LIBBPF_ERRNO_START] ?? NAMES.get(errno) ?? `E${errno}`;
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
  /** the whole output of libbpf and the verifier */
  log?: string;
  cause?: unknown;
}

/** Codes that are no errno, each with what it says. */
export const ERROR_CODES = {
  LIBBPF_MISSING: 'libbpf is missing or too old',
  LIBBPF_CLOSED: 'the handle was closed',
  LIBBPF_SIZE: 'a buffer of the wrong size: it never reached the kernel',
  LIBBPF_ARGUMENT: 'a value out of range, of the wrong type, or an unexpected word',
  LIBBPF_NAME: 'no such map, program, variable or interface',
  LIBBPF_STATE: 'a call before load() that is valid only after it, or the reverse',
  LIBBPF_VERIFIER: 'the verifier refused a program: its own reason in one line, its whole log in `log`',
  LIBBPF_BTF: 'type information that is broken, missing or unsuitable',
  LIBBPF_PIN: 'a path where a pin would not persist',
  LIBBPF_NETNS: 'a network namespace that does not exist, or cannot be entered',
  LIBBPF_ITERATION: 'a map that changed too much while it was read',
  LIBBPF_NOT_SUPPORTED: 'a probe found that this kernel does not have it',
} as const;

/** ERROR_CODES, or LIBBPF_ and the errno's name: the kernel's ("ENOENT"), or libbpf's own ("FORMAT"). */
export type LibbpfErrorCode =
  | keyof typeof ERROR_CODES
  | `LIBBPF_E${string}`
  | `LIBBPF_${'LIBELF' | 'FORMAT' | 'KVERSION' | 'INTERNAL' | 'RELOC' | 'LOAD' | 'VERIFY' | 'PROG2BIG' | 'KVER' | 'PROGTYPE' | 'WRNGPID' | 'INVSEQ' | 'NLPARSE'}`;

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
    // libbpf's first warning speaks of RLIMIT_MEMLOCK then, the kernel says nothing.
    const lacking = errno === constants.errno.EPERM ? missingCapabilities() : undefined;
    const reason = lacking ?? detail.reason;
    super(
      oneLine([detail.operation, name || undefined, reason].filter((part) => part !== undefined).join(': ')),
      detail.cause === undefined ? undefined : { cause: detail.cause },
    );
    this.name = 'LibbpfError';
    this.errno = errno;
    this.errnoName = name;
    this.code = detail.code ?? (`LIBBPF_${name}` as LibbpfErrorCode);
    this.operation = detail.operation;
    this.reason = reason;
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

/** A value that libbpf would silently take modulo 2^32. */
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

/**
 * The number a word stands for.
 * @throws LibbpfError LIBBPF_ARGUMENT, which names the words there are
 */
export function numberOf<K extends string, V extends number | bigint>(
  table: Readonly<Record<K, V>>,
  word: K,
  operation: string,
  what: string,
): V {
  if (Object.hasOwn(table, word)) return table[word];
  throw new LibbpfError({
    code: 'LIBBPF_ARGUMENT',
    operation,
    reason: `${what} ${typeof word === 'string' ? JSON.stringify(word) : String(word)}: expected ${Object.keys(table).join(', ')}`,
  });
}
