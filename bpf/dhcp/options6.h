/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Options of a DHCPv6 request (RFC 8415 section 21): those that the reply depends on. */
#pragma once
#include "dhcp/reply.h"

enum dhcp6_type {
	DHCP6_SOLICIT = 1,
	DHCP6_ADVERTISE,
	DHCP6_REQUEST,
	DHCP6_CONFIRM,
	DHCP6_RENEW,
	DHCP6_REBIND,
	DHCP6_REPLY,
	DHCP6_RELEASE,
	DHCP6_DECLINE,
	DHCP6_INFORMATION = 11,
};

enum option6 {
	OPTION6_CLIENT_ID = 1,
	OPTION6_SERVER_ID = 2,
	OPTION6_NA = 3,
	OPTION6_ADDRESS = 5,
	OPTION6_STATUS = 13,
	OPTION6_RAPID_COMMIT = 14,
	OPTION6_PD = 25,
};

/* Code and length. */
#define OPTION6_HEAD 4
/* IAID, T1, T2: the fixed part of an IA, before its options. */
#define IA_FIXED 12
/* Address and lifetimes. */
#define IA_ADDRESS_BYTES 24
/* A DUID has at most 128 bytes behind its type (RFC 8415 section 11.1); with code and length of the option. */
#define CLIENT_ID_MAX (OPTION6_HEAD + 2 + 128)
/* Most options of a request that are parsed, including those in IAs. */
#define DHCP6_MAX_OPTIONS 48

struct dhcp6_walk {
	struct __sk_buff *skb;
	const struct dhcp6_lease *lease;
	struct dhcp6_request *request;
	__u32 at;
	__u32 end; /* of the message in the frame */
	__u32 is_whole;
};

/*
 * Whether the lease has an address. Its addresses are in its IA_NA, each in an option of 28 bytes, with zeros behind the last one: so `::`, by which
 * clients ask for any address, counts as leased, too. Without branches, each of which the verifier would walk for each option.
 */
static __always_inline bool is_leased(const struct dhcp6_lease *lease, const struct in6_addr *address)
{
	const __u32 *word = address->in6_u.u6_addr32;
	__u32 index, found = 0;

#pragma unroll
	for (index = 0; index < DHCP6_ADDRESSES; index++) {
		const __u32 *own = (const __u32 *)(lease->na + OPTION6_HEAD + IA_FIXED + index * (OPTION6_HEAD + IA_ADDRESS_BYTES) + OPTION6_HEAD);
		__u64 differs = (own[0] ^ word[0]) | (own[1] ^ word[1]) | (own[2] ^ word[2]) | (own[3] ^ word[3]);

		found |= (differs - 1) >> 63;
	}
	return found;
}

static __always_inline void note_address(struct dhcp6_walk *walk, __u32 at)
{
	struct dhcp6_request *request = walk->request;
	struct in6_addr address;

	if (bpf_skb_load_bytes(walk->skb, at, &address, sizeof(address)))
		return;
	request->addresses++;
	if (is_leased(walk->lease, &address))
		return;
	if (!request->foreign)
		request->foreign_address = address;
	request->foreign++;
}

static __always_inline void note_server(struct dhcp6_walk *walk, __u32 at, __u32 bytes)
{
	__u8 id[DHCP6_SERVER_BYTES - OPTION6_HEAD];
	const __u8 *own = walk->lease->options + OPTION6_HEAD;
	__u32 index, differs = 0;

	walk->request->has_server = 1;
	if (bytes != sizeof(id) || bpf_skb_load_bytes(walk->skb, at, id, sizeof(id)))
		return;
#pragma unroll
	for (index = 0; index < sizeof(id); index++)
		differs |= id[index] ^ own[index];
	walk->request->is_for_us = !differs;
}

/* The options in an IA_NA are parsed like those beside it: only its fixed part is skipped. */
static long note_option6(__u64 index, struct dhcp6_walk *walk)
{
	struct dhcp6_request *request = walk->request;
	struct {
		__be16 code;
		__be16 bytes;
	} head;
	__u32 at = walk->at, bytes;

	if (at == walk->end) {
		walk->is_whole = 1;
		return 1;
	}
	if (at + OPTION6_HEAD > walk->end || bpf_skb_load_bytes(walk->skb, at, &head, sizeof(head)))
		return 1;
	at += OPTION6_HEAD;
	bytes = bpf_ntohs(head.bytes);
	if (at + bytes > walk->end)
		return 1;
	walk->at = at + bytes;
	switch (bpf_ntohs(head.code)) {
	case OPTION6_CLIENT_ID:
		request->id_at = at - OPTION6_HEAD;
		request->id_bytes = OPTION6_HEAD + bytes;
		break;
	case OPTION6_SERVER_ID:
		note_server(walk, at, bytes);
		break;
	case OPTION6_NA:
		if (bytes < IA_FIXED)
			return 1;
		if (!request->has_na)
			bpf_skb_load_bytes(walk->skb, at, &request->na_iaid, 4);
		request->has_na = 1;
		walk->at = at + IA_FIXED;
		break;
	case OPTION6_ADDRESS:
		if (bytes < IA_ADDRESS_BYTES)
			return 1;
		note_address(walk, at);
		break;
	case OPTION6_PD:
		if (bytes < IA_FIXED)
			return 1;
		if (!request->has_pd)
			bpf_skb_load_bytes(walk->skb, at, &request->pd_iaid, 4);
		request->has_pd = 1;
		break;
	case OPTION6_RAPID_COMMIT:
		request->rapid_commit = 1;
		break;
	}
	return 0;
}

/* Parses the options of a message that ends at `end` of the frame. Returns false if they are malformed. */
static __always_inline bool parse_dhcp6_options(struct __sk_buff *skb, const struct dhcp6_lease *lease, __u32 at, __u32 end,
						struct dhcp6_request *request)
{
	struct dhcp6_walk walk = { .skb = skb, .lease = lease, .request = request, .at = at, .end = end };

	bpf_loop(DHCP6_MAX_OPTIONS, note_option6, &walk, 0);
	return walk.is_whole;
}
