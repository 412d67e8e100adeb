/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* DHCPv6 (RFC 8415): turns a request of the port's VM into the reply. */
#pragma once
#include "dhcp/options6.h"
#include "dhcp/reply.h"
#include "dhcp/server.h"

#define DHCP6_CLIENT bpf_htons(546)
#define DHCP6_HOP_LIMIT 64
#define STATUS_NOT_ON_LINK 4
/* A status option without text: option code, length, status code. */
#define STATUS_BYTES (OPTION6_HEAD + 2)
#define RAPID_COMMIT_BYTES OPTION6_HEAD

/* A request's headers. `unused` aligns the IPv6 header. */
struct dhcp6_headers {
	__u8 unused[2];
	struct ethhdr eth;
	struct ipv6hdr ip6;
	struct udphdr udp;
	__u8 type;
	__u8 transaction[3];
};

#define DHCP6_HEADERS_BYTES (sizeof(struct dhcp6_headers) - 2)
#define DHCP6_UDP_AT (ETH_HLEN + sizeof(struct ipv6hdr))

/* The contents of a reply besides server identifier and general options. */
struct dhcp6_reply {
	__u32 type; /* 0: none */
	__u32 has_ias;
	__u32 has_status;
	__u32 status;
	__u32 rapid_commit;
};

/* Whether a request is whole, from a link-local address, and to all servers: clients may not send to the address of one (section 16). */
static __always_inline bool dhcp6_headers_valid(struct __sk_buff *skb, const struct dhcp6_headers *headers)
{
	const __u32 *to = headers->ip6.daddr.in6_u.u6_addr32;
	__u32 bytes = bpf_ntohs(headers->udp.len);

	return headers->ip6.version == 6 && headers->ip6.payload_len == headers->udp.len && bytes + DHCP6_UDP_AT <= skb->len &&
	       bytes >= DHCP6_HEADERS_BYTES - DHCP6_UDP_AT && is_link_local(&headers->ip6.saddr) && to[0] == bpf_htonl(0xff020000) &&
	       !(to[1] | to[2]) && to[3] == bpf_htonl(0x10002);
}

/* The reply to a message (sections 16 and 18.3). There is none to a message for another server, or without an identifier that it must have. */
static __always_inline struct dhcp6_reply dhcp6_reply_to(__u32 type, const struct dhcp6_request *request)
{
	struct dhcp6_reply reply = { .type = DHCP6_REPLY, .has_ias = 1 };

	if (request->has_server && !request->is_for_us)
		type = 0;
	if (!request->id_bytes && type != DHCP6_INFORMATION)
		type = 0;
	switch (type) {
	case DHCP6_SOLICIT:
		reply.rapid_commit = request->rapid_commit;
		if (!request->rapid_commit)
			reply.type = DHCP6_ADVERTISE;
		if (request->has_server)
			reply.type = 0;
		break;
	case DHCP6_REBIND:
		if (request->has_server)
			reply.type = 0;
		break;
	case DHCP6_REQUEST:
	case DHCP6_RENEW:
		if (!request->has_server)
			reply.type = 0;
		break;
	case DHCP6_CONFIRM:
		/* No reply to a Confirm without addresses (section 18.3.3). */
		if (request->has_server || !request->addresses)
			reply.type = 0;
		reply.has_ias = 0;
		reply.has_status = 1;
		reply.status = request->foreign ? STATUS_NOT_ON_LINK : 0;
		break;
	case DHCP6_RELEASE:
	case DHCP6_DECLINE:
		if (!request->has_server)
			reply.type = 0;
		reply.has_ias = 0;
		reply.has_status = 1;
		break;
	case DHCP6_INFORMATION:
		if (request->has_na || request->has_pd)
			reply.type = 0;
		reply.has_ias = 0;
		break;
	default:
		reply.type = 0;
	}
	return reply;
}

/* Copies the client identifier. Returns false if its length is invalid. */
static __always_inline bool copy_client_id(struct __sk_buff *skb, const struct dhcp6_request *request, struct dhcp_buf *space)
{
	__u32 bytes = request->id_bytes;

	if (!bytes)
		return true;
	if (bytes < OPTION6_HEAD + 1)
		return false;
	barrier_var(bytes);
	if (bytes > CLIENT_ID_MAX)
		return false;
	return !bpf_skb_load_bytes(skb, request->id_at, space->id, bytes);
}

/* Writes an IA of the template with the client's IAID. Returns the offset behind it, or 0. */
static __always_inline __u32 write_ia(struct __sk_buff *skb, __u32 at, const __u8 *ia, __u32 bytes, __be32 iaid)
{
	if (!write_part(skb, at, ia, bytes, DHCP6_IA_BYTES) || bpf_skb_store_bytes(skb, at + OPTION6_HEAD, &iaid, sizeof(iaid), 0))
		return 0;
	return at + bytes;
}

/* Adds an address with zero lifetimes to the IA_NA that ends at `at`: the client must give that address up (section 18.3.4). */
static __always_inline __u32 write_foreign_address(struct __sk_buff *skb, __u32 at, __u32 ia_bytes, const struct in6_addr *address)
{
	struct {
		__be16 code;
		__be16 bytes;
		struct in6_addr address;
		__be32 lifetimes[2];
	} option = { .code = bpf_htons(OPTION6_ADDRESS), .bytes = bpf_htons(IA_ADDRESS_BYTES), .address = *address };
	__be16 length = bpf_htons(ia_bytes - OPTION6_HEAD + sizeof(option));

	if (bpf_skb_store_bytes(skb, at, &option, sizeof(option), 0) || bpf_skb_store_bytes(skb, at - ia_bytes + 2, &length, sizeof(length), 0))
		return 0;
	return at + sizeof(option);
}

/* Writes a reply's options. Returns the end of the frame, or 0. */
static __always_inline __u32 write_dhcp6_options(struct __sk_buff *skb, const struct dhcp6_lease *lease, const struct dhcp6_request *request,
						 const struct dhcp6_reply *reply, struct dhcp_buf *space)
{
	__u32 at = DHCP6_HEADERS_BYTES, na = lease->na_bytes, pd = lease->pd_bytes, options = lease->options_bytes;

	if (reply->has_ias && request->has_na) {
		at = write_ia(skb, at, lease->na, na, request->na_iaid);
		if (at && request->foreign)
			at = write_foreign_address(skb, at, na, &request->foreign_address);
		if (!at)
			return 0;
	}
	if (reply->has_ias && request->has_pd) {
		at = write_ia(skb, at, lease->pd, pd, request->pd_iaid);
		if (!at)
			return 0;
	}
	if (!write_part(skb, at, lease->options, options, DHCP6_OPTIONS_BYTES))
		return 0;
	at += options;
	if (reply->has_status) {
		__be16 status[3] = { bpf_htons(OPTION6_STATUS), bpf_htons(2), bpf_htons(reply->status) };

		if (bpf_skb_store_bytes(skb, at, status, sizeof(status), 0))
			return 0;
		at += sizeof(status);
	}
	if (reply->rapid_commit) {
		__be16 rapid[2] = { bpf_htons(OPTION6_RAPID_COMMIT) };

		if (bpf_skb_store_bytes(skb, at, rapid, sizeof(rapid), 0))
			return 0;
		at += sizeof(rapid);
	}
	if (!write_part(skb, at, space->id, request->id_bytes, CLIENT_ID_MAX))
		return 0;
	return at + request->id_bytes;
}

/* Bytes of a reply's options, as write_dhcp6_options() will write them. */
static __always_inline __u32 dhcp6_option_bytes(const struct dhcp6_lease *lease, const struct dhcp6_request *request, const struct dhcp6_reply *reply)
{
	__u32 bytes = lease->options_bytes + request->id_bytes;

	if (reply->has_ias && request->has_na)
		bytes += lease->na_bytes + (request->foreign ? OPTION6_HEAD + IA_ADDRESS_BYTES : 0);
	if (reply->has_ias && request->has_pd)
		bytes += lease->pd_bytes;
	return bytes + (reply->has_status ? STATUS_BYTES : 0) + (reply->rapid_commit ? RAPID_COMMIT_BYTES : 0);
}

/* Sum of the pseudo header (RFC 8200 section 8.1). */
static __always_inline __u64 dhcp6_pseudo(struct dhcp6_headers *headers)
{
	return csum_bytes(&headers->ip6.saddr, 2 * sizeof(struct in6_addr)) + bpf_htonl(bpf_ntohs(headers->udp.len)) + bpf_htonl(IPPROTO_UDP);
}

/* Writes the headers of a reply and its checksum. */
static __always_inline bool write_dhcp6_headers(struct __sk_buff *skb, struct dhcp6_headers *headers, const struct port *port, __u32 type, __u32 end)
{
	bool partial = is_checksum_partial(headers->udp.check, dhcp6_pseudo(headers));
	__u32 bytes = end - DHCP6_UDP_AT;
	__u64 sum;

	set_reply_eth(&headers->eth, port, bpf_htons(ETH_P_IPV6));
	*(__be32 *)&headers->ip6 = bpf_htonl(0x60000000);
	headers->ip6.payload_len = headers->udp.len = bpf_htons(bytes);
	headers->ip6.hop_limit = DHCP6_HOP_LIMIT;
	headers->ip6.daddr = headers->ip6.saddr;
	__builtin_memset(&headers->ip6.saddr, 0, sizeof(headers->ip6.saddr));
	headers->ip6.saddr.in6_u.u6_addr32[0] = bpf_htonl(0xfe800000);
	headers->ip6.saddr.in6_u.u6_addr32[3] = bpf_htonl(1);
	headers->udp.source = DHCP6_SERVER;
	headers->udp.dest = DHCP6_CLIENT;
	headers->udp.check = 0;
	headers->type = type;
	if (bpf_skb_store_bytes(skb, 0, &headers->eth, DHCP6_HEADERS_BYTES, 0))
		return false;
	sum = dhcp6_pseudo(headers);
	if (partial) {
		headers->udp.check = ~csum_fold(sum);
	} else {
		if (!sum_frame(skb, DHCP6_UDP_AT, bytes, &sum))
			return false;
		headers->udp.check = csum_fold(sum);
		if (!headers->udp.check)
			headers->udp.check = 0xffff;
	}
	return !bpf_skb_store_bytes(skb, DHCP6_UDP_AT + offsetof(struct udphdr, check), &headers->udp.check, 2, 0);
}

static __noinline enum reason reply_dhcp6(struct __sk_buff *skb, const struct port *port)
{
	__u32 ifindex = skb->ifindex, bytes, end;
	const struct dhcp6_lease *lease = bpf_map_lookup_elem(&sg_dhcp6, &ifindex);
	struct dhcp_buf *space = dhcp_buf();
	struct dhcp6_request *request;
	struct dhcp6_headers headers;
	struct dhcp6_reply reply;

	if (!lease || !space || !port)
		return PUNT_NOT_ROUTED;
	if (bpf_skb_load_bytes(skb, 0, &headers.eth, DHCP6_HEADERS_BYTES))
		return DROP_DHCP;
	if (!same_mac(headers.eth.h_source, port->vm_mac))
		return DROP_SOURCE_MAC;
	if (!dhcp6_headers_valid(skb, &headers))
		return DROP_DHCP;
	request = &space->request6;
	__builtin_memset(request, 0, sizeof(*request));
	if (!parse_dhcp6_options(skb, lease, DHCP6_HEADERS_BYTES, DHCP6_UDP_AT + bpf_ntohs(headers.udp.len), request))
		return DROP_DHCP;
	reply = dhcp6_reply_to(headers.type, request);
	if (!reply.type || !copy_client_id(skb, request, space))
		return DROP_DHCP;
	bytes = dhcp6_option_bytes(lease, request, &reply);
	if (bytes > DHCP_SUM_SPACE - 64 || bpf_skb_change_tail(skb, DHCP6_HEADERS_BYTES + bytes, 0))
		return DROP_NO_ROOM;
	end = write_dhcp6_options(skb, lease, request, &reply, space);
	if (end != DHCP6_HEADERS_BYTES + bytes || !write_dhcp6_headers(skb, &headers, port, reply.type, end))
		return DROP_NO_ROOM;
	return ANSWER_DHCPV6;
}
