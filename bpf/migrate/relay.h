/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Relays packets for a VM from the node that it has left to the node where it is: the outer header gets another SID as destination, and a decremented
 * hop limit. The inner packet is unaltered, as the other node decapsulates it.
 */
#pragma once
#include "fib/nexthop.h"
#include "migrate/migration.h"
#include "net/mtu.h"
#include "srv6/decap.h"

/* The tenant's SID of an encapsulation: the last segment, which is Segment List[0] of the SRH. */
static __always_inline const struct in6_addr *last_segment(const struct encap *encap)
{
	return encap->srh_bytes ? (const struct in6_addr *)(encap->srh + 8) : &encap->first;
}

/* Rewrites the frame for `hop`, its next hop. Returns REASON_FORWARDED, REASON_COUNT if tcx must send the frame, else the reason to drop it. */
static __always_inline enum reason write_relay(struct CTX *ctx, const struct decap_ctx *decap, __u32 id, const struct nexthop **hop)
{
	void *data = (void *)(long)ctx->data, *data_end = (void *)(long)ctx->data_end;
	struct ipv6hdr *outer = data + ETH_HLEN;
	const struct encap *encap = bpf_map_lookup_elem(&sg_encaps, &id);

	if (!encap || (void *)(outer + 1) > data_end)
		return DROP_STANDBY;
	if (outer->hop_limit <= 1)
		return DROP_HOP_LIMIT;
	*hop = nexthop_of(encap, &decap->inner);
	if (!*hop)
		return DROP_UNRESOLVED;
	if (!ctx_may_transmit(((*hop)->flags & (NH_XDP_XMIT | NH_LOOPBACK)) == NH_XDP_XMIT))
		return REASON_COUNT;
	outer->hop_limit--;
	copy_address(&outer->daddr, last_segment(encap));
	write_macs((struct ethhdr *)data, (*hop)->dest_mac);
	return REASON_FORWARDED;
}
