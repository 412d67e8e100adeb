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
 * unaltered; without: to where passage->peer has the address.
 */
static __always_inline enum reason settle(struct packet *packet, struct passage *passage, const struct steering *state, void *data,
					  void *data_end, __u32 hash, __u32 packets, struct encap **relay)
{
	__u32 now = ticks_now(), *id = NULL;
	enum reason reason = decide(packet, passage, state->epoch, now);

	if (passage->relay != NO_NETWORK_NODE)
		id = find_gateway_encap(passage->from.id, passage->relay);
	else if (passage->relayable)
		id = find_relay(passage, hash, state->self, is_from_node(data, data_end));
	*relay = id ? bpf_map_lookup_elem(&encaps, id) : NULL;
	if (*relay)
		reason = REASON_FORWARDED;
	else if (passage->relay != NO_NETWORK_NODE && reason == REASON_FORWARDED)
		reason = DROP_NO_NETWORK_NODE;
	if (packet->kind == PACKET_FIRST_FRAGMENT)
		remember_fragments(packet, passage, reason, now);
	if (reason != REASON_FORWARDED)
		account(packet, passage, reason, packets);
	return reason;
}
