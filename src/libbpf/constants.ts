/** Numbers of linux/bpf.h and linux/if_link.h, under the names bpftool prints. */

/** enum bpf_map_type */
export const MAP_TYPES = {
  hash: 1,
  array: 2,
  prog_array: 3,
  perf_event_array: 4,
  percpu_hash: 5,
  percpu_array: 6,
  stack_trace: 7,
  cgroup_array: 8,
  lru_hash: 9,
  lru_percpu_hash: 10,
  lpm_trie: 11,
  array_of_maps: 12,
  hash_of_maps: 13,
  devmap: 14,
  sockmap: 15,
  cpumap: 16,
  xskmap: 17,
  sockhash: 18,
  cgroup_storage: 19,
  reuseport_sockarray: 20,
  percpu_cgroup_storage: 21,
  queue: 22,
  stack: 23,
  sk_storage: 24,
  devmap_hash: 25,
  struct_ops: 26,
  ringbuf: 27,
  inode_storage: 28,
  task_storage: 29,
  bloom_filter: 30,
  user_ringbuf: 31,
  cgrp_storage: 32,
  arena: 33,
} as const;
export type MapType = keyof typeof MAP_TYPES;

/** enum bpf_prog_type */
export const PROGRAM_TYPES = {
  socket_filter: 1,
  kprobe: 2,
  sched_cls: 3,
  sched_act: 4,
  tracepoint: 5,
  xdp: 6,
  perf_event: 7,
  cgroup_skb: 8,
  cgroup_sock: 9,
  lwt_in: 10,
  lwt_out: 11,
  lwt_xmit: 12,
  sock_ops: 13,
  sk_skb: 14,
  cgroup_device: 15,
  sk_msg: 16,
  raw_tracepoint: 17,
  cgroup_sock_addr: 18,
  lwt_seg6local: 19,
  lirc_mode2: 20,
  sk_reuseport: 21,
  flow_dissector: 22,
  cgroup_sysctl: 23,
  raw_tracepoint_writable: 24,
  cgroup_sockopt: 25,
  tracing: 26,
  struct_ops: 27,
  ext: 28,
  lsm: 29,
  sk_lookup: 30,
  syscall: 31,
  netfilter: 32,
} as const;
export type ProgramType = keyof typeof PROGRAM_TYPES;

/** enum bpf_attach_type, as far as links here use it */
export const ATTACH_TYPES = {
  cgroup_inet_ingress: 0,
  cgroup_inet_egress: 1,
  cgroup_inet_sock_create: 2,
  cgroup_sock_ops: 3,
  cgroup_device: 6,
  cgroup_inet4_bind: 8,
  cgroup_inet6_bind: 9,
  cgroup_inet4_connect: 10,
  cgroup_inet6_connect: 11,
  cgroup_inet4_post_bind: 12,
  cgroup_inet6_post_bind: 13,
  cgroup_udp4_sendmsg: 14,
  cgroup_udp6_sendmsg: 15,
  flow_dissector: 17,
  cgroup_sysctl: 18,
  cgroup_udp4_recvmsg: 19,
  cgroup_udp6_recvmsg: 20,
  cgroup_getsockopt: 21,
  cgroup_setsockopt: 22,
  cgroup_inet4_getpeername: 29,
  cgroup_inet6_getpeername: 30,
  cgroup_inet4_getsockname: 31,
  cgroup_inet6_getsockname: 32,
  cgroup_inet_sock_release: 34,
  sk_lookup: 36,
  xdp: 37,
  tcx_ingress: 46,
  tcx_egress: 47,
  netkit_primary: 54,
  netkit_peer: 55,
} as const;
export type AttachType = keyof typeof ATTACH_TYPES;
export type CgroupAttachType = Extract<AttachType, `cgroup_${string}`>;

/** enum bpf_link_type */
export const LINK_TYPES = {
  raw_tracepoint: 1,
  tracing: 2,
  cgroup: 3,
  iter: 4,
  netns: 5,
  xdp: 6,
  perf_event: 7,
  kprobe_multi: 8,
  struct_ops: 9,
  netfilter: 10,
  tcx: 11,
  uprobe_multi: 12,
  netkit: 13,
} as const;
export type LinkType = keyof typeof LINK_TYPES;

/** flags of BPF_MAP_CREATE */
export const MAP_FLAGS = {
  NO_PREALLOC: 1 << 0,
  NO_COMMON_LRU: 1 << 1,
  NUMA_NODE: 1 << 2,
  RDONLY: 1 << 3,
  WRONLY: 1 << 4,
  ZERO_SEED: 1 << 6,
  RDONLY_PROG: 1 << 7,
  WRONLY_PROG: 1 << 8,
  MMAPABLE: 1 << 10,
  INNER_MAP: 1 << 12,
} as const;

/** flags of BPF_MAP_UPDATE_ELEM */
export const UPDATE_FLAGS = { any: 0n, noexist: 1n, exist: 2n } as const;
export type UpdateMode = keyof typeof UPDATE_FLAGS;

/** flags of an attachment among others (BPF_F_BEFORE …) */
export const ATTACH_FLAGS = { REPLACE: 1 << 2, BEFORE: 1 << 3, AFTER: 1 << 4, ID: 1 << 5, LINK: 1 << 13 } as const;

/** XDP_FLAGS_*_MODE (linux/if_link.h); 0: the driver's where it has one, else the generic one */
export const XDP_MODES = { auto: 0, skb: 1 << 1, native: 1 << 2, offload: 1 << 3 } as const;
export type XdpMode = keyof typeof XDP_MODES;

/** enum xdp_action */
export const XDP_ACTIONS = { aborted: 0, drop: 1, pass: 2, tx: 3, redirect: 4 } as const;
/** enum tcx_action_base, and TC_ACT_REDIRECT */
export const TCX_ACTIONS = { next: -1, pass: 0, drop: 2, redirect: 7 } as const;

/** BPF_F_TEST_XDP_LIVE_FRAMES: frames of a test run are really sent */
export const TEST_XDP_LIVE_FRAMES = 1 << 1;

function reversed<K extends string>(table: Readonly<Record<K, number>>): ReadonlyMap<number, K> {
  return new Map((Object.entries(table) as [K, number][]).map(([name, number]) => [number, name]));
}

export const MAP_TYPE_NAMES = reversed(MAP_TYPES);
export const PROGRAM_TYPE_NAMES = reversed(PROGRAM_TYPES);
export const LINK_TYPE_NAMES = reversed(LINK_TYPES);
