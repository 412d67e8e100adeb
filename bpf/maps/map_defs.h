/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* How maps are defined: a line each, in the other headers of this folder and nowhere else. */
#pragma once
#include <bpf/bpf_helpers.h>
#include <linux/bpf.h>

#define HASH(NAME, KEY, VALUE, SIZE)                     \
	struct {                                         \
		__uint(type, BPF_MAP_TYPE_HASH);         \
		__uint(map_flags, BPF_F_NO_PREALLOC);    \
		__uint(max_entries, SIZE);               \
		__type(key, KEY);                        \
		__type(value, VALUE);                    \
	} NAME SEC(".maps")

#define TRIE(NAME, KEY, VALUE, SIZE)                     \
	struct {                                         \
		__uint(type, BPF_MAP_TYPE_LPM_TRIE);     \
		__uint(map_flags, BPF_F_NO_PREALLOC);    \
		__uint(max_entries, SIZE);               \
		__type(key, KEY);                        \
		__type(value, VALUE);                    \
	} NAME SEC(".maps")

#define ARRAY(NAME, TYPE, VALUE, SIZE)                   \
	struct {                                         \
		__uint(type, TYPE);                      \
		__uint(max_entries, SIZE);               \
		__type(key, __u32);                      \
		__type(value, VALUE);                    \
	} NAME SEC(".maps")

/* A part for each CPU, the first CPU's first: the agent makes them as large as the machine; a CPU without one remembers nothing. One piece of
 * memory: per-CPU maps of so many entries take half a second to make and a load more for each look-up. Mappable: entries begin with a page. */
#define MEMORY(NAME, VALUE, BITS)                        \
	struct {                                         \
		__uint(type, BPF_MAP_TYPE_ARRAY);        \
		__uint(map_flags, BPF_F_MMAPABLE);       \
		__uint(max_entries, 1 << BITS);          \
		__type(key, __u32);                      \
		__type(value, VALUE);                    \
	} NAME SEC(".maps")
