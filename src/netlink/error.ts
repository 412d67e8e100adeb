/** Errors of this library. A message says what was requested for which object, and why the kernel refused it. */
import { constants } from 'node:os';

const NAMES = new Map<number, string>(Object.entries(constants.errno).map(([name, number]) => [number, name]));
// EWOULDBLOCK and EOPNOTSUPP share their numbers with EAGAIN and ENOTSUP; these are the names the kernel's sources use.
NAMES.set(constants.errno.EAGAIN, 'EAGAIN');
NAMES.set(constants.errno.EOPNOTSUPP, 'EOPNOTSUPP');
// Not among Node's constants, and netlink answers with them (asm-generic/errno.h, linux/errno.h).
for (const [name, number] of [
  ['EUCLEAN', 117],
  ['ENOTUNIQ', 76],
  ['ENOPKG', 65],
  ['ESHUTDOWN', 108],
  ['EPFNOSUPPORT', 96],
  ['ESOCKTNOSUPPORT', 94],
  ['EREMCHG', 78],
  ['ENOTSUPP', 524],
] as const) {
  if (!NAMES.has(number)) NAMES.set(number, name);
}

/** 'ENOENT' for 2; 'E<number>' for a number without name. */
export function errnoName(errno: number): string {
  return NAMES.get(errno) ?? `E${errno}`;
}

export interface NetlinkErrorDetail {
  /** what was being done to which object, in iproute2's words: "replace route 10.0.0.10/32 table 100" */
  operation: string;
  /** positive errno; 0 when the kernel was not asked */
  errno: number;
  /** overrides the code that follows from errno */
  code?: string;
  /** extended ACK text, or our own words where the kernel has none */
  kernelMessage?: string;
  /** offset in the request of the attribute the kernel blames */
  attributeOffset?: number;
  cause?: unknown;
}

/**
 * What this library throws: a request that the kernel refused or that could not be put to it, and (its subclasses) a system call
 * that failed and a network namespace that cannot be entered.
 * `code` is stable: NETLINK_<errno name>, or one of
 * NETLINK_ENCODE (the spec cannot be written as a message: nothing was sent),
 * NETLINK_ARGUMENT (an unknown key, a missing one, a value of the wrong type, a socket of the wrong protocol: nothing was sent),
 * NETLINK_LOST (the answer was lost for want of buffer: the request may or may not have been carried out),
 * NETLINK_DUMP_INTERRUPTED (the objects kept changing during the dump),
 * NETLINK_PROTOCOL (the kernel answered with what makes no sense here).
 */
export class NetlinkError extends Error {
  readonly code: string;
  readonly errno: number;
  readonly errnoName: string;
  readonly operation: string;
  readonly kernelMessage: string | undefined;
  readonly attributeOffset: number | undefined;

  constructor(detail: NetlinkErrorDetail) {
    const name = detail.errno === 0 ? '' : errnoName(detail.errno);
    super(
      [detail.operation, name || undefined, detail.kernelMessage].filter((part) => part !== undefined).join(': '),
      detail.cause === undefined ? undefined : { cause: detail.cause },
    );
    this.name = 'NetlinkError';
    this.errno = detail.errno;
    this.errnoName = name;
    this.code = detail.code ?? `NETLINK_${name}`;
    this.operation = detail.operation;
    this.kernelMessage = detail.kernelMessage;
    this.attributeOffset = detail.attributeOffset;
  }
}

/** A system call that failed; the code is the errno's name, as Node's own system errors have it: "EPERM". */
export class SystemCallError extends NetlinkError {
  readonly syscall: string;

  constructor(syscall: string, errno: number, what: string) {
    super({ operation: `${what}: ${syscall}`, errno, code: errnoName(errno) });
    this.name = 'SystemCallError';
    this.syscall = syscall;
  }
}

export type NetnsErrorCode = 'NETNS_ABSENT' | 'NETNS_NAME' | 'NETNS_ENTER' | 'NETNS_ASYNC';

/** A named network namespace that is not there, or could not be entered. */
export class NetnsError extends NetlinkError {
  declare readonly code: NetnsErrorCode;

  constructor(code: NetnsErrorCode, message: string, cause?: unknown) {
    super({ operation: message, errno: 0, code, ...(cause === undefined ? {} : { cause }) });
    this.name = 'NetnsError';
  }
}

/** Is it a NetlinkError with one of these errno names? */
export function isNetlinkError(error: unknown, ...errnoNames: string[]): error is NetlinkError {
  return error instanceof NetlinkError && (errnoNames.length === 0 || errnoNames.includes(error.errnoName));
}
