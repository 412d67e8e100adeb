/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The position in a packet, and the end of its memory. Headers are taken one after the other, each with a bounds check. */
#pragma once
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <linux/types.h>

struct cursor {
	void *at;
	void *end;
};

/* Whether so many bytes are left. For a header that states its length: it is read before it is taken. */
static __always_inline bool cursor_has(const struct cursor *cursor, __u32 bytes)
{
	return cursor->at + bytes <= cursor->end;
}

/*
 * Takes the next header, which is where the cursor was. Returns false if the packet ends before the header does. (No pointer is returned: clang would
 * compare it with NULL in 32 bits, after which the verifier no longer tracks it as a pointer.)
 */
static __always_inline bool cursor_take(struct cursor *cursor, __u32 bytes)
{
	if (!cursor_has(cursor, bytes))
		return false;
	cursor->at += bytes;
	return true;
}
