/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The packet that an ICMP error is about: whether it may be told of, how much of it is quoted, and its sum. */
#pragma once
#include "maps/icmp_maps.h"
#include "maps/reply_scratch.h"
#include "net/csum.h"
#include "net/ext_headers.h"
#include "net/parse.h"
#include "port/reply.h"

#define PART_BYTES sizeof(((struct reply_space *)0)->part)
#define MAX_PARTS 5
#define TCP_CHECKSUM_AT 16
#define UDP_CHECKSUM_AT 6
#define ICMP6_INFORMATIONAL 128
/* Sums of 16-bit words with the carry added again are numbers modulo this. */
#define ONES 0xffff

struct quote {
	struct inner inner; /* family, addresses, length, protocol, header_bytes */
	__u32 at;	    /* of its IP header in the frame */
	__u32 bytes;
	__u64 sum;
	struct in6_addr teller; /* where the error comes from; IPv4 in the first four bytes */
};

/* An empty one, for a packet at an offset of the frame. */
static __always_inline struct quote *new_quote(struct reply_space *space)
{
	_Static_assert(sizeof(struct quote) <= sizeof(space->quote), "the space has room for a quote");
	__builtin_memset(space->quote, 0, sizeof(struct quote));
	return (struct quote *)space->quote;
}

/* Destination Unreachable, Source Quench, Redirect, Time Exceeded, Parameter Problem */
static __always_inline bool is_icmp_error(__u8 type)
{
	return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}

/* RFC 4443 section 2.4 (e): errors, and redirects */
static __always_inline bool is_icmp6_error(__u8 type)
{
	return type < ICMP6_INFORMATIONAL || type == ICMP6_REDIRECT;
}

static __always_inline bool read_quote_inet(struct __sk_buff *skb, struct quote *quote)
{
	struct inner *inner = &quote->inner;
	struct iphdr ip;
	__u8 type;

	if (bpf_skb_load_bytes(skb, quote->at, &ip, sizeof(ip)) || ip.version != 4 || ip.ihl < 5)
		return false;
	inner->source.in6_u.u6_addr32[0] = ip.saddr;
	inner->dest.in6_u.u6_addr32[0] = ip.daddr;
	inner->length = bpf_ntohs(ip.tot_len);
	inner->protocol = ip.protocol;
	inner->header_bytes = ip.ihl * 4;
	if (inner->length < inner->header_bytes || ip.frag_off & IP_OFFSET)
		return false;
	if (ip.protocol != IPPROTO_ICMP)
		return true;
	return !bpf_skb_load_bytes(skb, quote->at + inner->header_bytes, &type, 1) && !is_icmp_error(type);
}

static __always_inline bool read_quote_inet6(struct __sk_buff *skb, struct quote *quote)
{
	struct inner *inner = &quote->inner;
	struct ipv6hdr ip6;
	__u8 next, type;
	__u32 at, i;

	if (bpf_skb_load_bytes(skb, quote->at, &ip6, sizeof(ip6)) || ip6.version != 6)
		return false;
	inner->source = ip6.saddr;
	inner->dest = ip6.daddr;
	inner->length = sizeof(ip6) + bpf_ntohs(ip6.payload_len);
	inner->protocol = ip6.nexthdr;
	inner->header_bytes = sizeof(ip6);
	next = ip6.nexthdr;
	at = quote->at + sizeof(ip6);
	for (i = 0; i < MAX_EXTENSIONS && is_extension(next); i++) {
		__u16 head[2];

		if (bpf_skb_load_bytes(skb, at, head, sizeof(head)))
			return false;
		if (next == IPPROTO_FRAGMENT && head[1] & IP6_OFFSET)
			return false;
		at += extension_bytes(next, head[0] >> 8);
		next = head[0];
	}
	if (is_extension(next))
		return false;
	if (next != IPPROTO_ICMPV6)
		return true;
	return !bpf_skb_load_bytes(skb, at, &type, 1) && !is_icmp6_error(type);
}

/*
 * Reads the packet at quote->at, of the family that quote->inner says. False: its sender may not be told (RFC 1122 section 3.2.2, RFC
 * 4443 section 2.4 (e)); that it is to one host and from one, the guard has seen to.
 */
static __noinline bool read_quote(struct __sk_buff *skb, struct quote *quote)
{
	return quote->inner.family == FAMILY_INET ? read_quote_inet(skb, quote) : read_quote_inet6(skb, quote);
}

/* Sum of a part of the frame; as far as it can be read. */
static __noinline __u64 sum_of_frame(struct __sk_buff *skb, __u32 at, __u32 bytes)
{
	struct reply_space *space = reply_space();
	__u64 sum = 0;
	__u32 i, j;

	if (!space)
		return 0;
	for (i = 0; i < MAX_PARTS; i++) {
		__u32 length = bytes - i * PART_BYTES;

		if (i * PART_BYTES >= bytes)
			break;
		if (length < PART_BYTES) {
			for (j = 0; j < PART_BYTES / 8; j++)
				space->part[j] = 0;
		} else {
			length = PART_BYTES;
		}
		/* Said once more, each by itself: Linux 6.12 does not see that a part is never empty. */
		if (!length)
			break;
		asm volatile("" : "+r"(length));
		if (length > PART_BYTES)
			break;
		if (bpf_skb_load_bytes(skb, at + i * PART_BYTES, space->part, length))
			break;
		sum += sum_of(space->part, PART_BYTES);
	}
	return sum;
}

/*
 * A checksum that is still to be computed (CHECKSUM_PARTIAL) has the sum of the pseudo header in its place, and whatever sends the error
 * would compute it: over the quote, after the error's own checksum was made, which would be wrong then. Nothing makes the kernel forget
 * that. So the quote gets the one value that computing puts there again: of all bytes from the transport header on with it, the
 * checksum is itself. Nobody verifies the checksum of a quote, which is cut.
 *
 * rest: sum of those bytes. Returns it as it is then.
 */
static __always_inline __u64 settle_checksum(struct __sk_buff *skb, const struct quote *quote, __u64 rest)
{
	const struct inner *inner = &quote->inner;
	__u32 at = inner->protocol == IPPROTO_TCP ? TCP_CHECKSUM_AT : UDP_CHECKSUM_AT;
	__u32 others, value;
	__u64 pseudo;
	__u16 field;

	if (inner->protocol != IPPROTO_TCP && inner->protocol != IPPROTO_UDP)
		return rest;
	at += inner->header_bytes;
	if (at + sizeof(field) > quote->bytes || bpf_skb_load_bytes(skb, quote->at + at, &field, sizeof(field)))
		return rest;
	pseudo = sum_of((void *)&inner->source, sizeof(inner->source)) + sum_of((void *)&inner->dest, sizeof(inner->dest));
	pseudo += bpf_htonl(inner->length - inner->header_bytes) + (__u64)bpf_htonl(inner->protocol);
	if (field != (__u16)~fold_sum(pseudo))
		return rest;
	others = ((__u16)~fold_sum(rest) + ONES - field) % ONES;
	/* value = -(others + value), and half of a number is 0x8000 times it. */
	value = (ONES - others) * 0x8000U % ONES;
	field = value ? value : ONES;
	if (bpf_skb_store_bytes(skb, quote->at + at, &field, sizeof(field), 0))
		return rest;
	return (__u64)others + field;
}

/* Most that bpf_skb_adjust_room() takes off (BPF_SKB_MAX_LEN's twelve bits), and what a super-packet takes of that. */
#define CUT_MAX 0xfff
#define CUTS (0x10000 / CUT_MAX + 1)
/* More than there is before where a checksum is to begin: once that is cut off, the kernel does not compute it (skb_postpull_rcsum). */
#define CUT_LEAST 256

/*
 * Cuts the frame to the same length from the front, and puts the quote back: what came encapsulated from a namespace of this machine, or
 * merged by GRO, bpf_skb_change_tail() refuses to shorten.
 */
static __noinline bool move_quote(struct __sk_buff *skb, const struct quote *quote)
{
	__u32 zero = 0, bytes = quote->bytes, excess = skb->len - quote->at - bytes, left, i;
	struct quote_space *space = bpf_map_lookup_elem(&quote_spaces, &zero);

	left = excess < CUT_LEAST ? CUT_LEAST : excess;
	if (!space || !bytes)
		return false;
	asm volatile("" : "+r"(bytes));
	if (bytes > sizeof(space->bytes) || bpf_skb_load_bytes(skb, quote->at, space->bytes, bytes))
		return false;
	if (excess < CUT_LEAST)
		excess = CUT_LEAST - excess;
	else
		excess = 0;
	for (i = 0; i < CUTS && left; i++) {
		__u32 part = left > CUT_MAX ? CUT_MAX : left;

		if (bpf_skb_adjust_room(skb, -(__s32)part, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_FIXED_GSO))
			return false;
		left -= part;
	}
	if (excess && bpf_skb_adjust_room(skb, excess, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_FIXED_GSO))
		return false;
	return !bpf_skb_store_bytes(skb, quote->at, space->bytes, bytes, BPF_F_RECOMPUTE_CSUM);
}

/* Cuts the frame where the quote ends, and sums that. False: it cannot be. */
static __noinline bool cut_quote(struct __sk_buff *skb, struct quote *quote)
{
	__u32 bytes = quote->inner.family == FAMILY_INET ? QUOTE_INET : QUOTE_INET6;
	__u32 header = quote->inner.header_bytes;

	if (bytes > quote->inner.length)
		bytes = quote->inner.length;
	quote->bytes = bytes;
	if (header > bytes)
		return false;
	/* Also makes one packet of a super-packet (__bpf_skb_change_tail, net/core/filter.c). */
	if ((skb->len != quote->at + bytes || skb->gso_size) && bpf_skb_change_tail(skb, quote->at + bytes, 0) && !move_quote(skb, quote))
		return false;
	quote->sum = sum_of_frame(skb, quote->at, header);
	quote->sum += settle_checksum(skb, quote, sum_of_frame(skb, quote->at + header, bytes - header));
	return true;
}
