/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Options of a DHCPv4 request (RFC 2132): those that the reply depends on. */
#pragma once
#include "dhcp/reply.h"

enum dhcp4_type {
	DHCP4_DISCOVER = 1,
	DHCP4_OFFER,
	DHCP4_REQUEST,
	DHCP4_DECLINE,
	DHCP4_ACK,
	DHCP4_NAK,
	DHCP4_RELEASE,
	DHCP4_INFORM,
};

enum option4 {
	OPTION4_PAD = 0,
	OPTION4_REQUESTED_ADDRESS = 50,
	OPTION4_TYPE = 53,
	OPTION4_SERVER = 54,
	OPTION4_PARAMETERS = 55,
	OPTION4_VENDOR_CLASS = 60,
	OPTION4_CLIENT_ID = 61,
	OPTION4_USER_CLASS = 77,
	OPTION4_ARCHITECTURE = 93, /* RFC 4578 */
	OPTION4_MS_ROUTES = 249,
	OPTION4_END = 255,
};

#define DHCP4_COOKIE bpf_htonl(0x63825363)
/* Code, length and value. */
#define DHCP4_OPTION_MAX (2 + 255)
/* Most options (with pads) of a request that are parsed, and most codes of its parameter request list. */
#define DHCP4_MAX_OPTIONS 160
#define DHCP4_MAX_PARAMETERS 64

struct dhcp4_walk {
	struct __sk_buff *skb;
	struct dhcp4_request *request;
	__u32 at;
	__u32 end; /* of the message in the frame */
	__u32 boot_rank; /* of the option that has set request->boot: the highest decides */
	__u32 is_whole;
};

enum { RANK_NONE, RANK_VENDOR, RANK_ARCHITECTURE, RANK_HTTP, RANK_USER };

static __always_inline void note_boot(struct dhcp4_walk *walk, __u32 rank, __u32 boot)
{
	if (rank <= walk->boot_rank)
		return;
	walk->boot_rank = rank;
	walk->request->boot = boot;
}

/* The first eight characters of an option's value, as a number. */
static __always_inline __u64 option_text(struct __sk_buff *skb, __u32 at)
{
	__u64 text = 0;

	if (bpf_skb_load_bytes(skb, at, &text, sizeof(text)))
		return 0;
	return bpf_be64_to_cpu(text);
}

static __always_inline void note_vendor(struct dhcp4_walk *walk, __u32 at, __u32 bytes)
{
	__u64 text;

	if (bytes < 8)
		return;
	text = option_text(walk->skb, at);
	if (text == 0x505845436c69656eULL) /* PXEClien[t] */
		note_boot(walk, RANK_VENDOR, BOOT_BIOS);
	else if (text == 0x48545450436c6965ULL) /* HTTPClie[nt] */
		note_boot(walk, RANK_HTTP, BOOT_HTTP);
	else if (text >> 32 == 0x4d534654) /* MSFT */
		walk->request->wants_ms_routes = 1;
}

static __always_inline bool is_ipxe(struct __sk_buff *skb, __u32 at)
{
	__be32 text;

	return !bpf_skb_load_bytes(skb, at, &text, sizeof(text)) && text == bpf_htonl(0x69505845);
}

/* In RFC 3004 a length precedes each class; iPXE and many others send only the text. */
static __always_inline void note_user_class(struct dhcp4_walk *walk, __u32 at, __u32 bytes)
{
	if ((bytes >= 4 && is_ipxe(walk->skb, at)) || (bytes >= 5 && is_ipxe(walk->skb, at + 1)))
		note_boot(walk, RANK_USER, BOOT_IPXE);
}

static __always_inline void note_architecture(struct dhcp4_walk *walk, __u32 at, __u32 bytes)
{
	__be16 architecture;

	if (bytes < 2 || bpf_skb_load_bytes(walk->skb, at, &architecture, sizeof(architecture)))
		return;
	note_boot(walk, RANK_ARCHITECTURE, architecture ? BOOT_UEFI : BOOT_BIOS);
}

/* Notes whether the client asks for Microsoft's option of classless routes. */
static __always_inline void note_parameters(struct dhcp4_walk *walk, __u32 at, __u32 bytes)
{
	__u32 index;

	for (index = 0; index < DHCP4_MAX_PARAMETERS; index++) {
		__u8 code;

		if (index >= bytes || bpf_skb_load_bytes(walk->skb, at + index, &code, 1))
			return;
		if (code == OPTION4_MS_ROUTES) {
			walk->request->wants_ms_routes = 1;
			return;
		}
	}
}

static long note_option4(__u64 index, struct dhcp4_walk *walk)
{
	struct dhcp4_request *request = walk->request;
	__u8 code, bytes;
	__u32 at = walk->at;

	if (at >= walk->end) {
		/* Some clients omit the end option. */
		walk->is_whole = at == walk->end;
		return 1;
	}
	if (bpf_skb_load_bytes(walk->skb, at, &code, 1))
		return 1;
	if (code == OPTION4_END) {
		walk->is_whole = 1;
		return 1;
	}
	if (code == OPTION4_PAD) {
		walk->at = at + 1;
		return 0;
	}
	if (bpf_skb_load_bytes(walk->skb, at + 1, &bytes, 1) || at + 2 + bytes > walk->end)
		return 1;
	walk->at = at + 2 + bytes;
	at += 2;
	switch (code) {
	case OPTION4_TYPE:
		request->type = 0;
		if (bytes == 1)
			bpf_skb_load_bytes(walk->skb, at, &request->type, 1);
		break;
	case OPTION4_REQUESTED_ADDRESS:
		if (bytes == 4)
			bpf_skb_load_bytes(walk->skb, at, &request->requested, 4);
		break;
	case OPTION4_SERVER:
		if (bytes == 4)
			bpf_skb_load_bytes(walk->skb, at, &request->server, 4);
		break;
	case OPTION4_PARAMETERS:
		note_parameters(walk, at, bytes);
		break;
	case OPTION4_VENDOR_CLASS:
		note_vendor(walk, at, bytes);
		break;
	case OPTION4_CLIENT_ID:
		request->id_at = at - 2;
		request->id_bytes = bytes + 2;
		break;
	case OPTION4_USER_CLASS:
		note_user_class(walk, at, bytes);
		break;
	case OPTION4_ARCHITECTURE:
		note_architecture(walk, at, bytes);
		break;
	}
	return 0;
}

/* Parses the options of a message that ends at `end` of the frame. Returns false if they are malformed. */
static __always_inline bool parse_dhcp4_options(struct __sk_buff *skb, __u32 at, __u32 end, struct dhcp4_request *request)
{
	struct dhcp4_walk walk = { .skb = skb, .request = request, .at = at, .end = end };
	__be32 cookie;

	if (bpf_skb_load_bytes(skb, at - sizeof(cookie), &cookie, sizeof(cookie)) || cookie != DHCP4_COOKIE)
		return false;
	request->boot = BOOT_CLIENTS;
	bpf_loop(DHCP4_MAX_OPTIONS, note_option4, &walk, 0);
	return walk.is_whole;
}
