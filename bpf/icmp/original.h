/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The original datagram of an ICMP error (RFC 792; RFC 4443's "invoking packet"): whether an error may be sent, how much it quotes, the checksum. */
#pragma once
#include "maps/icmp_maps.h"
#include "maps/reply_scratch.h"
#include "net/csum.h"
#include "net/parse.h"
#include "port/reply.h"

#define SUM_PART_BYTES sizeof(((struct reply_buf *)0)->part)
#define MAX_SUM_PARTS 5
#define TCP_CHECKSUM_AT 16
#define UDP_CHECKSUM_AT 6
/* Largest offset of a datagram in the frame: more than outer headers take. */
#define ORIG_OFFSET_MAX 512
/* One's complement sums of 16-bit words are numbers modulo this. */
#define CSUM_MOD 0xffff

struct orig_dgram {
	struct inner inner; /* family, addresses, length, protocol, header_bytes */
	__u32 at; /* offset of its IP header in the frame */
	__u32 bytes;
	__u64 sum;
	struct in6_addr icmp_src; /* source address of the error; IPv4 in the first four bytes */
};

/* A struct orig_dgram in the work space, all zero. */
static __always_inline struct orig_dgram *init_orig_dgram(struct reply_buf *space)
{
	_Static_assert(sizeof(struct orig_dgram) <= sizeof(space->orig), "the space has room for a quote");
	__builtin_memset(space->orig, 0, sizeof(struct orig_dgram));
	return (struct orig_dgram *)space->orig;
}

/* Whether an ICMP error may be sent for the datagram at the cursor, of the family in orig->inner. Parsed like any other packet. */
static __always_inline bool parse_orig_dgram_at(struct __sk_buff *skb, struct orig_dgram *orig, struct cursor *cursor)
{
	struct inner *inner = &orig->inner;
	struct ext_chain chain;
	struct iphdr *ip;

	if (inner->family == FAMILY_INET) {
		ip = cursor->at;
		if (!parse_ipv4_header(inner, cursor) || ip->frag_off & bpf_htons(FRAGMENT_OFFSET))
			return false;
	} else {
		if (!parse_ipv6_header(inner, cursor) || parse_ipv6_chain(skb, inner, &chain, cursor, orig->at) != REASON_FORWARDED)
			return false;
		if (chain.type == PACKET_LATER_FRAGMENT)
			return false;
	}
	/* An ICMP message that ends before its type may be an error. */
	if (!parse_l4(inner, cursor) && (inner->protocol == IPPROTO_ICMP || inner->protocol == IPPROTO_ICMPV6))
		return false;
	return !forbids_icmp_error(inner->protocol, inner->icmp_type);
}

/*
 * Parses the packet at orig->at, of the family in orig->inner. Returns false if no ICMP error may be sent (RFC 1122 section 3.2.2, RFC 4443
 * section 2.4 (e)). The anti-spoofing check has seen that source and destination are unicast.
 */
static __noinline bool parse_orig_dgram(struct __sk_buff *skb, struct orig_dgram *orig)
{
	__u32 at = orig->at, bytes = at + ORIG_DGRAM6_MAX;
	struct cursor cursor;

	if (at > ORIG_OFFSET_MAX)
		return false;
	/* Linearizes as much as may be quoted. If memory is short, the linear part decides. */
	bpf_skb_pull_data(skb, skb->len < bytes ? skb->len : bytes);
	cursor.at = (void *)(long)skb->data + at;
	cursor.end = (void *)(long)skb->data_end;
	return parse_orig_dgram_at(skb, orig, &cursor);
}

/* Sum of a part of the frame, as far as it can be loaded. */
static __noinline __u64 csum_frame(struct __sk_buff *skb, __u32 at, __u32 bytes)
{
	struct reply_buf *space = reply_buf();
	__u64 sum = 0;
	__u32 i, j;

	if (!space)
		return 0;
	for (i = 0; i < MAX_SUM_PARTS; i++) {
		__u32 length = bytes - i * SUM_PART_BYTES;

		if (i * SUM_PART_BYTES >= bytes)
			break;
		if (length < SUM_PART_BYTES) {
			for (j = 0; j < SUM_PART_BYTES / 8; j++)
				space->part[j] = 0;
		} else {
			length = SUM_PART_BYTES;
		}
		/* Two more checks for the verifier: that of Linux 6.12 does not see that a part is never empty. */
		if (!length)
			break;
		barrier_var(length);
		if (length > SUM_PART_BYTES)
			break;
		if (bpf_skb_load_bytes(skb, at + i * SUM_PART_BYTES, space->part, length))
			break;
		sum += csum_bytes(space->part, SUM_PART_BYTES);
	}
	return sum;
}

/*
 * In a packet with CHECKSUM_PARTIAL the checksum field holds the sum of the pseudo header, and the device that sends the error would complete it:
 * over the quote, and after the error's own checksum was computed, which would then be wrong. bpf_skb_change_tail() keeps CHECKSUM_PARTIAL. So the
 * field gets the one value that the computation does not change: the checksum of all bytes from the transport header on, the field included,
 * equals the field. Nobody verifies the checksum of an original datagram, which is truncated.
 *
 * rest: sum of those bytes. Returns their sum with the new field.
 */
static __always_inline __u64 fix_partial_csum(struct __sk_buff *skb, const struct orig_dgram *orig, __u64 rest)
{
	const struct inner *inner = &orig->inner;
	__u32 at = inner->protocol == IPPROTO_TCP ? TCP_CHECKSUM_AT : UDP_CHECKSUM_AT;
	__u32 others, value;
	__u64 pseudo;
	__u16 field;

	if (inner->protocol != IPPROTO_TCP && inner->protocol != IPPROTO_UDP)
		return rest;
	at += inner->header_bytes;
	if (at + sizeof(field) > orig->bytes || bpf_skb_load_bytes(skb, orig->at + at, &field, sizeof(field)))
		return rest;
	pseudo = csum_bytes((void *)&inner->source, sizeof(inner->source)) + csum_bytes((void *)&inner->dest, sizeof(inner->dest));
	pseudo += bpf_htonl(inner->length - inner->header_bytes) + (__u64)bpf_htonl(inner->protocol);
	if (field != (__u16)~csum_fold(pseudo))
		return rest;
	others = ((__u16)~csum_fold(rest) + CSUM_MOD - field) % CSUM_MOD;
	/* value = -(others + value) modulo CSUM_MOD, where 0x8000 is the inverse of 2. */
	value = (CSUM_MOD - others) * 0x8000U % CSUM_MOD;
	field = value ? value : CSUM_MOD;
	if (bpf_skb_store_bytes(skb, orig->at + at, &field, sizeof(field), 0))
		return rest;
	return (__u64)others + field;
}

/* Most bytes that one bpf_skb_adjust_room() removes (net/core/filter.c allows twelve bits), and the calls that a super-packet needs. */
#define TRIM_MAX 0xfff
#define TRIM_STEPS (0x10000 / TRIM_MAX + 1)
/* More bytes than precede csum_start in any packet: once csum_start is cut off, the kernel gives up CHECKSUM_PARTIAL (skb_postpull_rcsum). */
#define TRIM_MIN 256

/*
 * Shortens a frame that bpf_skb_change_tail() refuses: one that came encapsulated from a namespace of this machine, or that GRO merged. Removes
 * bytes at the front instead, and writes the datagram back.
 */
static __noinline bool relocate_orig_dgram(struct __sk_buff *skb, const struct orig_dgram *orig)
{
	__u32 zero = 0, bytes = orig->bytes, excess = skb->len - orig->at - bytes, left, i;
	struct orig_dgram_buf *space = bpf_map_lookup_elem(&sg_orig_buf, &zero);

	left = excess < TRIM_MIN ? TRIM_MIN : excess;
	if (!space || !bytes)
		return false;
	barrier_var(bytes);
	if (bytes > sizeof(space->bytes) || bpf_skb_load_bytes(skb, orig->at, space->bytes, bytes))
		return false;
	if (excess < TRIM_MIN)
		excess = TRIM_MIN - excess;
	else
		excess = 0;
	for (i = 0; i < TRIM_STEPS && left; i++) {
		__u32 part = left > TRIM_MAX ? TRIM_MAX : left;

		if (bpf_skb_adjust_room(skb, -(__s32)part, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_FIXED_GSO))
			return false;
		left -= part;
	}
	if (excess && bpf_skb_adjust_room(skb, excess, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_FIXED_GSO))
		return false;
	return !bpf_skb_store_bytes(skb, orig->at, space->bytes, bytes, BPF_F_RECOMPUTE_CSUM);
}

/* Trims the frame to the quoted part and sums it. Returns false if the kernel refuses. */
static __noinline bool trim_orig_dgram(struct __sk_buff *skb, struct orig_dgram *orig)
{
	__u32 bytes = orig->inner.family == FAMILY_INET ? ORIG_DGRAM_MAX : ORIG_DGRAM6_MAX;
	__u32 header = orig->inner.header_bytes;

	if (bytes > orig->inner.length)
		bytes = orig->inner.length;
	orig->bytes = bytes;
	if (header > bytes)
		return false;
	/* Also makes one packet of a super-packet (__bpf_skb_change_tail, net/core/filter.c). */
	if ((skb->len != orig->at + bytes || skb->gso_size) && bpf_skb_change_tail(skb, orig->at + bytes, 0) && !relocate_orig_dgram(skb, orig))
		return false;
	orig->sum = csum_frame(skb, orig->at, header);
	orig->sum += fix_partial_csum(skb, orig, csum_frame(skb, orig->at + header, bytes - header));
	return true;
}
