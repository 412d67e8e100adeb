/** libbpf's log output. It is kept for the message of an error, and never printed. */
import { libbpf, libc, registerPrint, view } from './ffi.js';

/** enum libbpf_print_level */
const LIBBPF_DEBUG = 2;
/** Larger than x86-64's va_list (24 bytes) and AArch64's (32 bytes); both are passed by address. */
const VA_LIST_BYTES = 32;
/** The verifier's log in libbpf is at most UINT32_MAX >> 8 bytes. */
const MESSAGE_BYTES_MAX = 16 * 1024 * 1024;
const COLLECTED_BYTES_MAX = 64 * 1024 * 1024;

let callback: bigint | undefined;
let lines: string[] = [];
let collected = 0;

/** libbpf_print_fn_t: an exception must not travel through libbpf's C frames. */
function onPrint(level: number, format: bigint, args: bigint): number {
  try {
    if (level === LIBBPF_DEBUG || collected > COLLECTED_BYTES_MAX) return 0;
    // vsnprintf consumes the va_list: one copy to measure, one to print.
    const measure = Buffer.from(Buffer.from(view(args, VA_LIST_BYTES)));
    const print = Buffer.from(measure);
    const length = Math.min(libc().vsnprintf(null, 0, format, measure), MESSAGE_BYTES_MAX);
    if (length <= 0) return 0;
    const text = Buffer.alloc(length + 1);
    libc().vsnprintf(text, text.length, format, print);
    lines.push(text.toString('utf8', 0, length));
    collected += length;
  } catch (error) {
    lines.push(`libbpf: a message was lost: ${String(error)}\n`);
  }
  return 0;
}

/**
 * Runs fn and gives what libbpf printed meanwhile, the verifier's log of a failed load included. libbpf has one print
 * function a process: it is set for the time of fn alone, so a second thread that loads at the same time may lose messages.
 */
export function collectLog<T>(fn: () => T): { result: T; log: string } {
  const lib = libbpf();
  callback ??= registerPrint(onPrint);
  lines = [];
  collected = 0;
  const before = lib.libbpf_set_print(callback);
  try {
    const result = fn();
    return { result, log: lines.join('') };
  } finally {
    lib.libbpf_set_print(before);
    lines = [];
  }
}
