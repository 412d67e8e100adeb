/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the programs of a network node's uplink have in common between reading a packet and sending it on. */
#pragma once
#include "steer_count.h"
#include "steer_outer.h"

/* This node hosts VMs, too. Set before loading. */
const volatile bool is_hypervisor = true;

/* Is it within the tenant, for a VM of this node? */
static __always_inline bool is_own_member(__u32 zone, const struct inner *inner)
{
	struct target *target;

	if (!is_hypervisor)
		return false;
	target = find_target(zone, inner);
	return target && target->kind == TARGET_LOCAL;
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
	enum reason reason = decide(packet, passage, state->epoch, now);

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
		remember_fragments(packet, passage, reason, now);
	if (reason != REASON_FORWARDED)
		account(packet, passage, reason, packets);
	return reason;
}
