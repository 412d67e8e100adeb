/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* TCP and UDP between VMs and services: which ports, and which side opens connections. */
#pragma once
#include <bpf/bpf_helpers.h>
#include "net/proto.h"
#include "service/address.h"

#define TCP_BYTES 20
#define UDP_BYTES 8
#define TCP_CHECKSUM 16
#define UDP_CHECKSUM 6

struct service_tcp {
	__be16 source;
	__be16 dest;
	__be32 numbers[2];
	__u8 offset;
	__u8 flags;
};

struct service_udp {
	__be16 source;
	__be16 dest;
};

/* Whether a kind of service has a protocol: metadata TCP, DNS TCP and UDP. */
static __always_inline bool has_protocol(__u32 kind, __u8 protocol)
{
	return protocol == IPPROTO_TCP || (protocol == IPPROTO_UDP && is_dns(kind));
}

static __always_inline __be16 service_port(__u32 kind)
{
	return is_dns(kind) ? DNS_PORT : METADATA_PORT;
}

/* The fewest bytes of a packet of a protocol, behind its IP header. */
static __always_inline __u32 protocol_bytes(__u8 protocol)
{
	return protocol == IPPROTO_UDP ? UDP_BYTES : TCP_BYTES;
}

/* Whether a packet is for the port of a service. at: offset of the TCP or UDP header in the frame */
static __always_inline bool is_for_service(struct __sk_buff *skb, __u32 at, __u32 kind)
{
	struct service_udp ports;

	return !bpf_skb_load_bytes(skb, at, &ports, sizeof(ports)) && ports.dest == service_port(kind);
}

/* Whether a packet is from a service, for TCP in a connection that a VM opened. */
static __always_inline bool is_from_service(struct __sk_buff *skb, __u32 at, __u32 kind, __u8 protocol)
{
	struct service_udp ports;
	struct service_tcp tcp;

	if (protocol == IPPROTO_UDP)
		return !bpf_skb_load_bytes(skb, at, &ports, sizeof(ports)) && ports.source == service_port(kind);
	return !bpf_skb_load_bytes(skb, at, &tcp, sizeof(tcp)) && tcp.source == service_port(kind) && (tcp.flags & (TCP_SYN | TCP_ACK)) != TCP_SYN;
}

/*
 * Replaces the addresses in a checksum of TCP or UDP. A UDP checksum of zero, which IPv4 allows, stays zero: the services' sockets accept it.
 * at: offset of the TCP or UDP header in the frame
 */
static __always_inline bool replace_addresses(struct __sk_buff *skb, __u32 at, __u8 protocol, __s64 difference)
{
	if (protocol == IPPROTO_UDP)
		return !bpf_l4_csum_replace(skb, at + UDP_CHECKSUM, 0, difference, BPF_F_PSEUDO_HDR | BPF_F_MARK_MANGLED_0);
	return !bpf_l4_csum_replace(skb, at + TCP_CHECKSUM, 0, difference, BPF_F_PSEUDO_HDR);
}
