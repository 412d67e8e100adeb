/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Shared by DHCPv4, DHCPv6 and router advertisements: the end of a packet, parts of a template, checksums. */
#pragma once
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include "ctx/skb.h"
#include "maps/dhcp_maps.h"
#include "maps/dhcp_scratch.h"
#include "metrics.h"
#include "net/addr.h"
#include "net/csum.h"
#include "net/proto.h"
#include "port/reply.h"
#include "trace/trace.h"

/* Ends a request: counts and reports its verdict, and sends a reply to the port. */
static __always_inline int finish_request(struct __sk_buff *skb, enum reason reason)
{
	__u32 ifindex = skb->ifindex;
	bool is_reply = is_reply_reason(reason);

	count_verdict(reason);
	trace_verdict(skb, reason, is_reply ? ifindex : 0, HOOK_PORT);
	if (is_reply)
		return bpf_redirect(ifindex, 0);
	return is_final(reason) ? TC_ACT_SHOT : TCX_NEXT;
}

/*
 * Writes `bytes` of a template's part. barrier_var() keeps clang from folding two comparisons into one of a difference, from which the verifier of
 * Linux 6.12 learns nothing.
 * most: upper bound of `bytes`, a constant
 */
static __always_inline bool write_part(struct __sk_buff *skb, __u32 at, const void *from, __u32 bytes, const __u32 most)
{
	if (bytes < 1)
		return true;
	barrier_var(bytes);
	if (bytes > most)
		return false;
	return !bpf_skb_store_bytes(skb, at, from, bytes, 0);
}

/* Adds the 16-bit words of a frame's part of at most 2048 bytes to `sum`. A last odd byte is the upper one of a word. */
static __always_inline bool sum_frame(struct __sk_buff *skb, __u32 at, __u32 bytes, __u64 *sum)
{
	struct dhcp_buf *space = dhcp_buf();
	__u32 words, part;

	if (!space || bytes < 1)
		return false;
	barrier_var(bytes);
	if (bytes > DHCP_SUM_SPACE)
		return false;
	/* Zeros behind the end complete the last word. */
	*(__u64 *)(space->sum + (bytes & (DHCP_SUM_SPACE - 1) & ~7U)) = 0;
	if (bpf_skb_load_bytes(skb, at, space->sum, bytes))
		return false;
	words = (bytes + 3) & ~3U;
	for (part = 0; part < DHCP_SUM_SPACE; part += 512) {
		__u32 length = words - part;

		if (words <= part)
			break;
		barrier_var(length);
		if (length > 512)
			length = 512;
		*sum += csum_bytes(space->sum + part, length);
	}
	return true;
}

/*
 * Whether the device fills the request's UDP checksum in (CHECKSUM_PARTIAL): the field then holds the sum of the pseudo header. The packet stays
 * CHECKSUM_PARTIAL, so the reply's field must hold the sum of its own.
 * pseudo: sum of the request's pseudo header
 */
static __always_inline bool is_checksum_partial(__sum16 check, __u64 pseudo)
{
	return check == (__u16)~csum_fold(pseudo);
}
