/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* DHCPv4 (RFC 2131): turns a request of the port's VM into the reply. */
#pragma once
#include "dhcp/options4.h"
#include "dhcp/reply.h"
#include "dhcp/server.h"

#define DHCP4_CLIENT_PORT bpf_htons(68)
#define DHCP4_BOOTREQUEST 1
#define DHCP4_NAK_BYTES DHCP4_TIMES_AT
#define DHCP4_TTL 64
#define BOOTP_YIADDR_AT 16
#define BOOTP_SIADDR_AT 20
#define BOOTP_FILE_AT 108

/* BOOTP's fields up to ciaddr. */
struct bootp_head {
	__u8 op;
	__u8 htype;
	__u8 hlen;
	__u8 hops;
	__be32 xid;
	__be16 secs;
	__be16 flags;
	__be32 ciaddr;
};

/* A request's headers. `unused` aligns the IPv4 header. */
struct dhcp4_headers {
	__u8 unused[2];
	struct ethhdr eth;
	struct iphdr ip;
	struct udphdr udp;
};

#define DHCP4_HEADERS_BYTES (sizeof(struct dhcp4_headers) - 2)
#define DHCP4_OPTIONS_AT (DHCP4_HEADERS_BYTES + DHCP4_FIXED_BYTES)

/* Whether a request is whole, by the lengths in its headers. Padding behind the packet is not read. */
static __always_inline bool dhcp4_headers_valid(struct __sk_buff *skb, const struct dhcp4_headers *headers)
{
	__u32 udp_bytes = bpf_ntohs(headers->udp.len), ip_bytes = bpf_ntohs(headers->ip.tot_len);

	return headers->ip.version == 4 && headers->ip.ihl == 5 && headers->ip.protocol == IPPROTO_UDP &&
	       !(headers->ip.frag_off & IP_OFFSET_OR_MORE) && headers->udp.dest == DHCP4_SERVER && ip_bytes + ETH_HLEN <= skb->len &&
	       udp_bytes + sizeof(headers->ip) <= ip_bytes && udp_bytes > sizeof(headers->udp) + DHCP4_FIXED_BYTES;
}

/*
 * Whether the VM asks for itself. Requests of relays (giaddr) and of other clients (chaddr) get no reply. An IP source that the VM no longer has is
 * accepted if it is also in ciaddr: the reply tells the VM that it has another address.
 */
static __always_inline bool dhcp4_client_valid(struct __sk_buff *skb, const struct bootp_head *head, __be32 source, const struct port *port,
					       const struct dhcp4_lease *lease)
{
	struct {
		__be32 giaddr;
		__u8 chaddr[ETH_ALEN];
		__u8 unused[2];
	} client;

	if (head->op != DHCP4_BOOTREQUEST || head->htype != 1 || head->hlen != ETH_ALEN)
		return false;
	if (bpf_skb_load_bytes(skb, DHCP4_HEADERS_BYTES + 24, &client, sizeof(client) - 2))
		return false;
	return !client.giaddr && same_mac(client.chaddr, port->vm_mac) && (!source || source == lease->address || source == head->ciaddr);
}

/* The type of the reply (RFC 2131 section 4.3); 0: none. */
static __always_inline __u32 dhcp4_reply_type(const struct dhcp4_request *request, __be32 ciaddr, const struct dhcp4_lease *lease)
{
	__be32 wanted = request->requested ? request->requested : ciaddr;

	/* The client has accepted another server's offer. */
	if (request->server && request->server != lease->server)
		return 0;
	switch (request->type) {
	case DHCP4_DISCOVER:
		return DHCP4_OFFER;
	case DHCP4_REQUEST:
		if (!wanted)
			return 0;
		return wanted == lease->address ? DHCP4_ACK : DHCP4_NAK;
	case DHCP4_INFORM:
		return ciaddr == lease->address ? DHCP4_ACK : 0;
	}
	return 0;
}

/* Copies the client identifier, which every reply returns (RFC 6842), and adds the end option. Returns the bytes of both, or 0. */
static __always_inline __u32 dhcp4_tail(struct __sk_buff *skb, const struct dhcp4_request *request, struct dhcp_buf *space)
{
	__u32 bytes = request->id_bytes;

	if (bytes) {
		if (bytes < 2)
			return 0;
		barrier_var(bytes);
		if (bytes > DHCP4_OPTION_MAX)
			return 0;
		if (bpf_skb_load_bytes(skb, request->id_at, space->id, bytes))
			return 0;
	}
	space->id[bytes & (DHCP_ID_SPACE - 1)] = OPTION4_END;
	return bytes + 1;
}

/* Writes Ethernet, IPv4 and UDP headers of a reply. Without CHECKSUM_PARTIAL the UDP checksum is zero, which IPv4 allows (RFC 768). */
static __always_inline bool write_dhcp4_headers(struct __sk_buff *skb, struct dhcp4_headers *headers, const struct port *port, __be32 server,
						__be32 to, __u32 message_bytes)
{
	struct iphdr *ip = &headers->ip;
	__u32 udp_bytes = sizeof(headers->udp) + message_bytes;
	bool partial = is_checksum_partial(headers->udp.check,
					   (__u64)ip->saddr + ip->daddr + bpf_htonl(IPPROTO_UDP) + bpf_htonl(bpf_ntohs(headers->udp.len)));

	set_reply_eth(&headers->eth, port, bpf_htons(ETH_P_IP));
	/* Once iPXE has an address, it ignores an IP broadcast in a frame to its own MAC address. */
	if (to == BROADCAST)
		__builtin_memset(headers->eth.h_dest, 0xff, ETH_ALEN);
	ip->tos = 0xc0;
	ip->tot_len = bpf_htons(sizeof(*ip) + udp_bytes);
	ip->id = 0;
	ip->frag_off = 0;
	ip->ttl = DHCP4_TTL;
	ip->saddr = server;
	ip->daddr = to;
	ip->check = 0;
	ip->check = csum_fold(csum_bytes(ip, sizeof(*ip)));
	headers->udp.source = DHCP4_SERVER;
	headers->udp.dest = DHCP4_CLIENT_PORT;
	headers->udp.len = bpf_htons(udp_bytes);
	headers->udp.check = partial ? (__u16)~csum_fold((__u64)server + to + bpf_htonl(IPPROTO_UDP) + bpf_htonl(udp_bytes)) : 0;
	return !bpf_skb_store_bytes(skb, 0, &headers->eth, DHCP4_HEADERS_BYTES, 0);
}

/* The boot file for a client's kind of firmware; NULL: none. */
static __always_inline const struct boot_file *boot_file_of(const struct boot_files *boot, const struct dhcp4_request *request)
{
	if (!boot || request->boot >= BOOT_CLIENTS)
		return NULL;
	return &boot->files[request->boot];
}

/* Writes the message: the template, options for this client, the client identifier. Returns its bytes, or 0. */
static __always_inline __u32 write_dhcp4_message(struct __sk_buff *skb, const struct dhcp4_lease *lease, const struct boot_files *boot,
						 const struct dhcp4_request *request, __u8 type, struct dhcp_buf *space)
{
	const struct boot_file *file = type == DHCP4_NAK ? NULL : boot_file_of(boot, request);
	__u32 message = lease->message_bytes, routes = 0, options = 0, tail, at = DHCP4_HEADERS_BYTES;

	if (type == DHCP4_NAK)
		message = DHCP4_NAK_BYTES;
	else if (request->wants_ms_routes)
		routes = lease->ms_routes_bytes;
	if (file)
		options = file->option_bytes;
	tail = dhcp4_tail(skb, request, space);
	if (!tail || message < DHCP4_NAK_BYTES || message > DHCP4_MESSAGE_BYTES || routes > DHCP4_OPTION_BYTES || options > DHCP4_OPTION_BYTES)
		return 0;
	if (bpf_skb_change_tail(skb, at + message + routes + options + tail, 0))
		return 0;
	if (!write_part(skb, at, lease->message, message, DHCP4_MESSAGE_BYTES))
		return 0;
	at += message;
	if (!write_part(skb, at, lease->ms_routes, routes, DHCP4_OPTION_BYTES))
		return 0;
	at += routes;
	if (file && options) {
		if (!write_part(skb, at, file->options, options, DHCP4_OPTION_BYTES))
			return 0;
		/* The subnet's mask: with a /32, older iPXE broadcasts all packets, and older EDK II takes no lease. The gateway answers ARP for the
		 * subnet. */
		if (bpf_skb_store_bytes(skb, DHCP4_HEADERS_BYTES + DHCP4_MASK_AT, &boot->mask, 4, 0) ||
		    bpf_skb_store_bytes(skb, DHCP4_HEADERS_BYTES + BOOTP_SIADDR_AT, &boot->server, 4, 0) ||
		    bpf_skb_store_bytes(skb, DHCP4_HEADERS_BYTES + BOOTP_FILE_AT, file->file, sizeof(file->file), 0))
			return 0;
		at += options;
	}
	if (!write_part(skb, at, space->id, tail, DHCP4_OPTION_MAX + 1))
		return 0;
	return message + routes + options + tail;
}

/* Writes the fields that differ from the template's OFFER: type and transaction, and no lease for INFORM and NAK. */
static __always_inline bool finish_dhcp4_message(struct __sk_buff *skb, struct bootp_head *head, __u8 asked, __u8 type)
{
	const __u8 zeros[DHCP4_TIMES_BYTES] = {};

	head->op = 2;
	head->hops = 0;
	head->secs = 0;
	if (type == DHCP4_NAK || asked == DHCP4_DISCOVER)
		head->ciaddr = 0;
	if (bpf_skb_store_bytes(skb, DHCP4_HEADERS_BYTES, head, sizeof(*head), 0) ||
	    bpf_skb_store_bytes(skb, DHCP4_HEADERS_BYTES + DHCP4_TYPE_AT, &type, 1, 0))
		return false;
	if (type != DHCP4_NAK && asked != DHCP4_INFORM)
		return true;
	if (bpf_skb_store_bytes(skb, DHCP4_HEADERS_BYTES + BOOTP_YIADDR_AT, zeros, 4, 0))
		return false;
	/* Pad options replace the lease's times. */
	return type == DHCP4_NAK || !bpf_skb_store_bytes(skb, DHCP4_HEADERS_BYTES + DHCP4_TIMES_AT, zeros, sizeof(zeros), 0);
}

static __always_inline enum reason reply_dhcp4(struct __sk_buff *skb, const struct port *port, const struct dhcp4_lease *lease,
					       const struct boot_files *boot)
{
	struct dhcp_buf *space = dhcp_buf();
	struct dhcp4_request *request;
	struct dhcp4_headers headers;
	struct bootp_head head;
	__u32 bytes, type;
	__be32 to;

	if (!space || bpf_skb_load_bytes(skb, 0, &headers.eth, DHCP4_HEADERS_BYTES) ||
	    bpf_skb_load_bytes(skb, DHCP4_HEADERS_BYTES, &head, sizeof(head)))
		return DROP_DHCP;
	if (!same_mac(headers.eth.h_source, port->vm_mac))
		return DROP_SOURCE_MAC;
	if (!dhcp4_headers_valid(skb, &headers) || !dhcp4_client_valid(skb, &head, headers.ip.saddr, port, lease))
		return DROP_DHCP;
	request = &space->request4;
	__builtin_memset(request, 0, sizeof(*request));
	if (!parse_dhcp4_options(skb, DHCP4_OPTIONS_AT, ETH_HLEN + sizeof(headers.ip) + bpf_ntohs(headers.udp.len), request))
		return DROP_DHCP;
	if (request->type == DHCP4_RELEASE || request->type == DHCP4_DECLINE)
		return DROP_DHCP_RELEASE;
	type = dhcp4_reply_type(request, head.ciaddr, lease);
	if (!type)
		return DROP_DHCP;
	bytes = write_dhcp4_message(skb, lease, boot, request, type, space);
	/* A client that renews its lease gets the reply at its address; a client without one gets a broadcast. */
	to = head.ciaddr && type != DHCP4_NAK ? head.ciaddr : BROADCAST;
	if (!bytes || !finish_dhcp4_message(skb, &head, request->type, type) || !write_dhcp4_headers(skb, &headers, port, lease->server, to, bytes))
		return DROP_NO_ROOM;
	return type == DHCP4_NAK ? ANSWER_DHCP_NAK : ANSWER_DHCP;
}
