/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Macros of map definitions. Maps are defined in the other headers of this folder only, a line each. `make gen` writes their sizes, writers and sets
 * to src/ebpf/generated/maps.ts. */
#pragma once
#include <bpf/bpf_helpers.h>
#include <linux/bpf.h>

/* SET: the maps that a map is created and pinned with: fastpath, gateway (if a tenant has one) or nn (a network node's); `own`: each program has its
 * own map, which is not pinned. Tags are in the object's BTF. */
#define MAP_SET(SET) __attribute__((btf_decl_tag("set:" #SET)))
/* max_entries is the number for one CPU. */
#define ENTRIES_PER_CPU __attribute__((btf_decl_tag("entries:per_cpu")))

#define MAP(SET, NAME, TYPE, KEY, VALUE, SIZE, FLAGS) \
	struct {                                      \
		__uint(type, TYPE);                   \
		__uint(map_flags, FLAGS);             \
		__uint(max_entries, SIZE);            \
		__type(key, KEY);                     \
		__type(value, VALUE);                 \
	} NAME SEC(".maps") MAP_SET(SET)

/* Written by the agent only: the verifier refuses a program that writes to one (BPF_F_RDONLY_PROG). */
#define HASH(SET, NAME, KEY, VALUE, SIZE) MAP(SET, NAME, BPF_MAP_TYPE_HASH, KEY, VALUE, SIZE, BPF_F_NO_PREALLOC | BPF_F_RDONLY_PROG)
#define TRIE(SET, NAME, KEY, VALUE, SIZE) MAP(SET, NAME, BPF_MAP_TYPE_LPM_TRIE, KEY, VALUE, SIZE, BPF_F_NO_PREALLOC | BPF_F_RDONLY_PROG)
#define ARRAY(SET, NAME, VALUE, SIZE) MAP(SET, NAME, BPF_MAP_TYPE_ARRAY, __u32, VALUE, SIZE, BPF_F_RDONLY_PROG)

/* Written by programs, too. */
#define HASH_RW(SET, NAME, KEY, VALUE, SIZE) MAP(SET, NAME, BPF_MAP_TYPE_HASH, KEY, VALUE, SIZE, BPF_F_NO_PREALLOC)
#define ARRAY_RW(SET, NAME, VALUE, SIZE) MAP(SET, NAME, BPF_MAP_TYPE_ARRAY, __u32, VALUE, SIZE, 0)
/* The first entry begins at a page. */
#define ARRAY_MMAP_RW(SET, NAME, VALUE, SIZE) MAP(SET, NAME, BPF_MAP_TYPE_ARRAY, __u32, VALUE, SIZE, BPF_F_MMAPABLE)
#define PERCPU_ARRAY_RW(SET, NAME, VALUE, SIZE) MAP(SET, NAME, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, VALUE, SIZE, 0)

/* Programs by number, for bpf_tail_call(). */
#define PROG_ARRAY(SET, NAME, SIZE) MAP(SET, NAME, BPF_MAP_TYPE_PROG_ARRAY, __u32, __u32, SIZE, 0)

/* Per-CPU work space, used within one packet. Each program has its own. */
#define SCRATCH(NAME, VALUE) PERCPU_ARRAY_RW(own, NAME, VALUE, 1)

/* An array with a part for each CPU, in the order of CPUs. The agent sizes it for the machine's CPUs; a CPU without a part caches nothing. No per-CPU
 * map: with so many entries one takes half a second to create, and a load more for each lookup. */
#define PERCPU_CACHE(SET, NAME, VALUE, BITS) ARRAY_MMAP_RW(SET, NAME, VALUE, 1 << BITS) ENTRIES_PER_CPU
