/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The verdict on a parsed packet: classification, relaying, fragments, accounting of drops. */
#pragma once
#include "fib/endpoint.h"
#include "nn/accounting.h"
#include "nn/relay.h"
#include "nn/verdict.h"
#include "srv6/reencap.h"

/* Whether this node hosts VMs, too. Set before loading. */
const volatile bool is_hypervisor = true;

/* A function of its own, so that its keys are not on the callers' stacks, which are nearly full. */
static __noinline struct endpoint *nn_lookup_endpoint(__u32 zone, const struct inner *inner)
{
	return lookup_endpoint(zone, inner);
}

/* Whether the destination is a VM of this node in the packet's own tenant. */
static __always_inline bool is_local_endpoint(__u32 zone, const struct inner *inner)
{
	struct endpoint *endpoint;

	if (!is_hypervisor)
		return false;
	endpoint = nn_lookup_endpoint(zone, inner);
	return endpoint && endpoint->type == EP_LOCAL;
}

/*
 * Whether the source of an ICMP error belongs to its zone. Any router of the zone may send one, but the routes may cover only the addresses that
 * policies name: the zone's gateways and endpoints count, too.
 */
__noinline int icmp_error_is_from_zone(const struct packet *packet, const struct nn_verdict *verdict)
{
	const struct icmp_src *gateway;
	const struct endpoint *endpoint;
	struct prefix_key key = {};

	if (!packet || !verdict)
		return false;
	if (zone_has_address(&packet->inner.source, packet->inner.family, verdict->from.id, verdict->peer))
		return true;
	key.length = 64 + (packet->inner.family == FAMILY_INET ? 32 : 128);
	key.tenant = verdict->from.id;
	key.family = packet->inner.family;
	key.address = packet->inner.source;
	gateway = bpf_map_lookup_elem(&sg_icmp_src_lpm, &key);
	if (gateway && same_address(&gateway->address, &packet->inner.source))
		return true;
	endpoint = lookup_endpoint_of(key.tenant, key.family, &packet->inner.source);
	return endpoint && (endpoint->type == EP_LOCAL || endpoint->type == EP_REMOTE);
}

/*
 * Classifies a packet, and accounts for it if it is dropped. packets: segments of a super-packet, or 1. REASON_FORWARDED with `relay` set: the
 * packet goes to that network node with its hop limit unaltered; with NULL: to the endpoint of its destination in zone verdict->peer.
 */
static __always_inline enum reason nn_process(struct packet *packet, struct nn_verdict *verdict, const struct nn_config *state,
					      const struct reencap_ctx *arrived, void *data, void *data_end, __u32 hash, __u32 packets,
					      struct encap **relay)
{
	__u32 now = now_ticks(), sender, *id = NULL;
	__u64 policy_generation = state->policy_generation;
	enum reason reason;

	if (is_tcp(packet) && packet->type != PACKET_LATER_FRAGMENT && packet->type != PACKET_ERROR)
		parse_tcp(packet, data, data_end, ETH_HLEN + arrived->outer.bytes);
	reason = nn_classify(packet, verdict, policy_generation, now);
	if (reason == REASON_FORWARDED && packet->type == PACKET_ERROR && !icmp_error_is_from_zone(packet, verdict))
		reason = DROP_INNER_SOURCE;
	verdict->relay_count = 0;
	if ((verdict->relay_node != NO_NETWORK_NODE || verdict->may_relay) && verdict->from.id < EXTERNAL_ZONE) {
		sender = sender_of(data, data_end);
		verdict->relay_count = 1 + (sender == NO_NETWORK_NODE ? 0 : relays_of(arrived->outer.hop_limit));
		if (verdict->relay_node == NO_NETWORK_NODE)
			verdict->relay_node = select_relay_node(verdict->from.gateway, hash, state->self, sender);
		if (verdict->relay_count <= RELAYS_MAX)
			id = gw_encap_lookup(verdict->from.id, verdict->relay_node);
	}
	*relay = id ? bpf_map_lookup_elem(&sg_encaps, id) : NULL;
	if (*relay)
		reason = REASON_FORWARDED;
	else if (verdict->relay_node != NO_NETWORK_NODE && reason == REASON_FORWARDED)
		reason = DROP_NO_NETWORK_NODE;
	if (!*relay)
		verdict->relay_count = 0;
	if (packet->type == PACKET_FIRST_FRAGMENT)
		ct_frag_insert(packet, verdict, reason, policy_generation, now);
	if (reason != REASON_FORWARDED)
		account_packet(packet, verdict, reason, packets);
	return reason;
}
