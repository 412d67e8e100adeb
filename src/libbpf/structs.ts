/** Structs that go to libbpf and the kernel as bytes, and the infos that come back. Offsets: bpf/bpf.h, bpf/libbpf.h, linux/bpf.h. */
import { address } from './ffi.js';

/**
 * A libbpf options struct: its size first, zero where nothing is set. Pointers that are stored stay referenced as long as it is.
 */
export class Options {
  readonly bytes: Buffer;
  readonly #kept: Uint8Array[] = [];

  constructor(size: number) {
    this.bytes = Buffer.alloc(size);
    this.bytes.writeBigUInt64LE(BigInt(size), 0);
  }

  u32(offset: number, value: number): this {
    this.bytes.writeUInt32LE(value, offset);
    return this;
  }

  i32(offset: number, value: number): this {
    this.bytes.writeInt32LE(value, offset);
    return this;
  }

  u64(offset: number, value: bigint): this {
    this.bytes.writeBigUInt64LE(value, offset);
    return this;
  }

  pointer(offset: number, bytes: Uint8Array): this {
    this.#kept.push(bytes);
    return this.u64(offset, address(bytes));
  }

  /** A C string of its own. */
  string(offset: number, text: string): this {
    return this.pointer(offset, Buffer.from(`${text}\0`));
  }
}

/** struct bpf_object_open_opts up to kernel_log_level */
export const OPEN_OPTS = {
  size: 80,
  object_name: 8,
  pin_root_path: 24,
  kernel_log_buf: 56,
  kernel_log_size: 64,
  kernel_log_level: 72,
} as const;
/** struct bpf_map_create_opts up to map_ifindex */
export const MAP_CREATE_OPTS = { size: 48, inner_map_fd: 24, map_flags: 28, map_extra: 32, numa_node: 40 } as const;
/** struct bpf_prog_load_opts up to log_true_size */
export const PROG_LOAD_OPTS = { size: 112, log_level: 88, log_size: 92, log_buf: 96 } as const;
/** struct bpf_test_run_opts */
export const TEST_RUN_OPTS = {
  size: 80,
  data_in: 8,
  data_out: 16,
  data_size_in: 24,
  data_size_out: 28,
  ctx_in: 32,
  ctx_out: 40,
  ctx_size_in: 48,
  ctx_size_out: 52,
  retval: 56,
  repeat: 60,
  duration: 64,
  flags: 68,
  cpu: 72,
  batch_size: 76,
} as const;
/** struct bpf_link_create_opts up to tcx.expected_revision */
export const LINK_CREATE_OPTS = {
  size: 48,
  flags: 8,
  relative_fd: 32,
  relative_id: 36,
  expected_revision: 40,
} as const;
/** struct bpf_link_update_opts */
export const LINK_UPDATE_OPTS = { size: 24, flags: 8, old_prog_fd: 12 } as const;
/** struct bpf_prog_query_opts up to revision */
export const PROG_QUERY_OPTS = {
  size: 64,
  query_flags: 8,
  attach_flags: 12,
  prog_ids: 16,
  count: 24,
  link_ids: 40,
  revision: 56,
} as const;

/** struct bpf_map_info (linux/bpf.h) */
export const MAP_INFO = {
  size: 88,
  type: 0,
  id: 4,
  key_size: 8,
  value_size: 12,
  max_entries: 16,
  map_flags: 20,
  name: 24,
  ifindex: 40,
  btf_id: 64,
  map_extra: 80,
} as const;
/** struct bpf_prog_info (linux/bpf.h) */
export const PROG_INFO = {
  size: 232,
  type: 0,
  id: 4,
  tag: 8,
  jited_prog_len: 16,
  xlated_prog_len: 20,
  load_time: 40,
  created_by_uid: 48,
  nr_map_ids: 52,
  map_ids: 56,
  name: 64,
  ifindex: 80,
  btf_id: 128,
  run_time_ns: 192,
  run_cnt: 200,
  recursion_misses: 208,
  verified_insns: 216,
} as const;
/** struct bpf_link_info (linux/bpf.h), with the members of its union that are used here */
export const LINK_INFO = { size: 64, type: 0, id: 4, prog_id: 8, ifindex: 16, attach_type: 20 } as const;

/** A fixed-size, NUL-padded name. */
export function fixedString(bytes: Buffer, offset: number, length: number): string {
  const end = bytes.indexOf(0, offset);
  return bytes.toString('utf8', offset, end < 0 || end > offset + length ? offset + length : end);
}

/** BPF_OBJ_NAME_LEN */
export const OBJECT_NAME_BYTES = 16;
