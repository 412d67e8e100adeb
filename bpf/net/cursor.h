/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Where a packet is read, and where its memory ends. Each header is taken from the front, with its bound checked. */
#pragma once
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <linux/types.h>

struct cursor {
	void *at;
	void *end;
};

/* Are there so many bytes? A header of a length of its own is looked at before it is taken. */
static __always_inline bool cursor_has(const struct cursor *cursor, __u32 bytes)
{
	return cursor->at + bytes <= cursor->end;
}

/*
 * Takes the next header, of so many bytes; false: the packet ends before. The header is where the cursor was. (No pointer is returned: clang would
 * compare it with NULL in 32 bits, after which the verifier does not know it any more.)
 */
static __always_inline bool cursor_take(struct cursor *cursor, __u32 bytes)
{
	if (!cursor_has(cursor, bytes))
		return false;
	cursor->at += bytes;
	return true;
}
