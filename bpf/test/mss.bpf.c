// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Simulates a VM that ignores a smaller MTU: raises the MSS of a SYN or SYN-ACK to that of Ethernet's MTU. For tests only. */
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>

#define TCX_NEXT (-1)
#define ETHERNET_MTU 1500
#define OPTION_MSS 2

/* The first TCP option in SYNs of Linux. */
struct mss {
	__u8 kind;
	__u8 bytes;
	__be16 value;
};

SEC("tcx/ingress")
int ignore_mss(struct __sk_buff *skb)
{
	__u32 ip_bytes = skb->protocol == bpf_htons(ETH_P_IP) ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	__u32 protocol_at = ETH_HLEN + (skb->protocol == bpf_htons(ETH_P_IP) ? 9 : 6);
	__u32 at = ETH_HLEN + ip_bytes;
	struct tcphdr tcp;
	struct mss option;
	__u8 protocol;
	__be16 value;

	if (skb->protocol != bpf_htons(ETH_P_IP) && skb->protocol != bpf_htons(ETH_P_IPV6))
		return TCX_NEXT;
	if (bpf_skb_load_bytes(skb, protocol_at, &protocol, 1) || protocol != IPPROTO_TCP)
		return TCX_NEXT;
	if (bpf_skb_load_bytes(skb, at, &tcp, sizeof(tcp)) || !tcp.syn)
		return TCX_NEXT;
	if (bpf_skb_load_bytes(skb, at + sizeof(tcp), &option, sizeof(option)) || option.kind != OPTION_MSS)
		return TCX_NEXT;
	value = bpf_htons(ETHERNET_MTU - ip_bytes - sizeof(tcp));
	bpf_l4_csum_replace(skb, at + __builtin_offsetof(struct tcphdr, check), option.value, value, sizeof(value));
	bpf_skb_store_bytes(skb, at + sizeof(tcp) + 2, &value, sizeof(value), 0);
	return TCX_NEXT;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
