/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the programs of a network node's uplink have in common between reading a packet and sending it on. */
#pragma once
#include "fib/endpoint.h"
#include "nn/accounting.h"
#include "nn/relay.h"
#include "nn/verdict.h"
#include "srv6/reencap.h"

/* This node hosts VMs, too. Set before loading. */
const volatile bool is_hypervisor = true;

/* A function of its own: its keys are not on the stack of those who call it, where little is left. */
static __noinline struct target *steer_target(__u32 zone, const struct inner *inner)
{
	return find_target(zone, inner);
}

/* Is it within the tenant, for a VM of this node? */
static __always_inline bool is_own_member(__u32 zone, const struct inner *inner)
{
	struct target *target;

	if (!is_hypervisor)
		return false;
	target = steer_target(zone, inner);
	return target && target->kind == TARGET_LOCAL;
}

/*
 * Does an ICMP error come from its sender's zone? Any router of the zone may send one, policies may name only some of its addresses: a
 * member is looked for, and the zone's gateway.
 */
__noinline int is_error_of_zone(const struct packet *packet, const struct passage *passage)
{
	const struct zone_gateway *gateway;
	const struct target *target;
	struct prefix_key key = {};

	if (!packet || !passage)
		return false;
	if (is_of_zone(&packet->inner.source, packet->inner.family, passage->from.id, passage->peer))
		return true;
	key.length = 64 + (packet->inner.family == FAMILY_INET ? 32 : 128);
	key.tenant = passage->from.id;
	key.family = packet->inner.family;
	key.address = packet->inner.source;
	gateway = bpf_map_lookup_elem(&zone_gateways, &key);
	if (gateway && same_address(&gateway->address, &packet->inner.source))
		return true;
	target = find_target_of(key.tenant, key.family, &packet->inner.source);
	return target && (target->kind == TARGET_LOCAL || target->kind == TARGET_REMOTE);
}

/*
 * Decides, and counts what is refused. packets: that it is, if a super-packet. REASON_FORWARDED with `relay` set: it goes there
 * unaltered, as passage->relays says; without: to where passage->peer has the address.
 */
static __always_inline enum reason settle(struct packet *packet, struct passage *passage, const struct steering *state,
					  const struct outer *outer, void *data, void *data_end, __u32 hash, __u32 packets,
					  struct encap **relay)
{
	__u32 now = ticks_now(), sender, *id = NULL;
	__u64 epoch = state->epoch;
	enum reason reason;

	if (is_tcp(packet) && packet->kind != PACKET_LATER_FRAGMENT && packet->kind != PACKET_ERROR)
		read_tcp(packet, data, data_end, ETH_HLEN + outer->bytes);
	reason = decide(packet, passage, epoch, now);
	if (reason == REASON_FORWARDED && packet->kind == PACKET_ERROR && !is_error_of_zone(packet, passage))
		reason = DROP_INNER_SOURCE;
	passage->relays = 0;
	if ((passage->relay != NO_NETWORK_NODE || passage->relayable) && passage->from.id < EXTERNAL_ZONE) {
		sender = sender_of(data, data_end);
		passage->relays = 1 + (sender == NO_NETWORK_NODE ? 0 : relays_of(outer->hop_limit));
		if (passage->relay == NO_NETWORK_NODE)
			passage->relay = find_relay_node(passage->from.gateway, hash, state->self, sender);
		if (passage->relays <= RELAYS_MAX)
			id = find_gateway_encap(passage->from.id, passage->relay);
	}
	*relay = id ? bpf_map_lookup_elem(&encaps, id) : NULL;
	if (*relay)
		reason = REASON_FORWARDED;
	else if (passage->relay != NO_NETWORK_NODE && reason == REASON_FORWARDED)
		reason = DROP_NO_NETWORK_NODE;
	if (!*relay)
		passage->relays = 0;
	if (packet->kind == PACKET_FIRST_FRAGMENT)
		remember_fragments(packet, passage, reason, epoch, now);
	if (reason != REASON_FORWARDED)
		account(packet, passage, reason, packets);
	return reason;
}
