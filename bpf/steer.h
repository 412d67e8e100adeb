/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A network node's decision about a packet: to which zone, by which connection or policy, or why not. */
#pragma once
#include "conntrack.h"
#include "lookup.h"
#include "policy.h"

struct passage {
	struct zone from;
	__u32 peer; /* zone it goes to; 0: not known */
	__u32 peer_slot;
	__u32 peer_mtu; /* bytes; 0: not known */
	__u32 policy;	 /* slot, or NO_SLOT */
	__u32 relay;	 /* number of the network node that it is for, or NO_NETWORK_NODE */
	__u32 relays;	 /* how often it is relayed, this time included; 0: it is not */
	bool decided;	 /* by a policy now, not by a connection */
	bool log;
	bool relayable; /* another network node may have its connection */
	bool settled;	/* the next packets of the flow change nothing but the time, unless TCP says that they do */
	struct flow_key reversed;
	struct policy_decision decision; /* if decided */
};

/* Not on the stack, which is too small for it. */
struct steer_scratch {
	struct packet packet;
	struct passage passage;
	__u32 at;  /* of the packet in its frame, bytes */
	__u32 mtu; /* that it was too big for */
};
ARRAY(steer_scratches, BPF_MAP_TYPE_PERCPU_ARRAY, struct steer_scratch, 1);

static __always_inline struct zone *find_route(__u32 from, const struct inner *inner)
{
	struct prefix_key key = {
		.length = 64 + (inner->family == FAMILY_INET ? 32 : 128),
		.tenant = from,
		.family = inner->family,
		.address = inner->dest,
	};

	return bpf_map_lookup_elem(&routes, &key);
}

static __always_inline void take_peer(struct passage *passage, const struct connection *connection)
{
	passage->peer = connection->peer;
	passage->peer_slot = connection->peer_slot;
	passage->peer_mtu = connection->peer_mtu;
	passage->policy = connection->policy;
}

/* Asks the policies, with what is to be told of it. */
static __always_inline enum reason ask(struct passage *passage, const struct flow_key *key, __u32 opener, __u32 peer)
{
	struct policy_decision *decision = &passage->decision;
	enum reason reason = ask_policies(decision, key, opener, peer);

	passage->policy = decision->policy;
	passage->decided = true;
	passage->log = decision->policy != NO_SLOT && decision->flags & POLICY_LOG;
	return reason;
}

/*
 * Policies changed since it was looked at: a connection whose pair has the same set goes on; with another, the policies are asked as
 * if it opened now, and what they refuse is forgotten.
 */
static __always_inline enum reason look_again(struct passage *passage, struct connection *connection, const struct flow_key *key, __u32 opener,
				 __u64 epoch)
{
	struct pair_key pair = { .from = opener, .to = connection->peer };
	struct policy_set *set = bpf_map_lookup_elem(&policy_pairs, &pair);
	enum reason reason;

	if (!set || set->id != connection->set) {
		reason = ask(passage, key, opener, connection->peer);
		if (reason != REASON_FORWARDED)
			return reason;
		connection->set = passage->decision.set;
		connection->policy = passage->decision.policy;
		passage->decided = false;
	}
	connection->epoch = epoch;
	return REASON_FORWARDED;
}

/* The zone's new connection. */
static __always_inline enum reason open_connection(void *table, const struct packet *packet, struct passage *passage,
						   const struct zone *to, __u64 epoch, __u32 now)
{
	enum reason reason = ask(passage, &packet->key, passage->from.id, to->id);
	struct connection connection = {
		.epoch = epoch,
		.peer = to->id,
		.peer_slot = to->slot,
		.peer_mtu = to->mtu,
		.set = passage->decision.set,
		.policy = passage->decision.policy,
		.opened = now,
		.seen = now,
		.state = CONNECTION_OPENING,
	};

	if (reason != REASON_FORWARDED)
		return reason;
	if (bpf_map_update_elem(table, &packet->key, &connection, BPF_ANY))
		return DROP_NO_CONNECTION_TABLE;
	return REASON_FORWARDED;
}

static __always_inline bool is_tcp(const struct packet *packet)
{
	return packet->key.protocol == IPPROTO_TCP;
}

/* A packet with its own ports. It and its like are functions that the kernel verifies by themselves, once. */
__noinline int decide_connection(const struct packet *packet, struct passage *passage, __u64 epoch, __u32 now)
{
	struct connection *connection;
	struct zone *to = NULL;
	void *own, *others;
	int reason;

	if (!packet || !passage)
		return DROP_NO_CONNECTION_TABLE;
	own = bpf_map_lookup_elem(&connections, &passage->from.slot);
	if (!own)
		return DROP_NO_CONNECTION_TABLE;
	connection = find_connection(own, &packet->key, now);
	if (connection) {
		if (connection->epoch != epoch) {
			to = find_route(passage->from.id, &packet->inner);
			if (!to || to->id != connection->peer)
				goto unknown;
			connection->peer_mtu = to->mtu;
			take_peer(passage, connection);
			reason = look_again(passage, connection, &packet->key, passage->from.id, epoch);
			if (reason != REASON_FORWARDED) {
				bpf_map_delete_elem(own, &packet->key);
				return reason;
			}
		}
		if (is_tcp(packet) && !step_forward(connection, packet))
			goto unknown;
		take_peer(passage, connection);
		touch(connection, now);
		passage->settled = !is_tcp(packet) || connection->state == CONNECTION_OPEN;
		return REASON_FORWARDED;
	}
unknown:
	if (!to)
		to = find_route(passage->from.id, &packet->inner);
	if (!to)
		return DROP_NO_POLICY;
	passage->peer = to->id;
	passage->peer_slot = to->slot;
	passage->peer_mtu = to->mtu;
	reverse_key(&passage->reversed, &packet->key);
	others = bpf_map_lookup_elem(&connections, &to->slot);
	connection = others ? find_connection(others, &passage->reversed, now) : NULL;
	if (connection && connection->peer == passage->from.id &&
	    !(packet->opens && is_tcp(packet) && connection->state == CONNECTION_CLOSED)) {
		if (connection->epoch != epoch) {
			reason = look_again(passage, connection, &passage->reversed, to->id, epoch);
			if (reason != REASON_FORWARDED) {
				bpf_map_delete_elem(others, &passage->reversed);
				return reason;
			}
		}
		if (is_tcp(packet)) {
			if (!step_reply(connection, packet))
				return DROP_NOT_ESTABLISHED;
		} else if (connection->state == CONNECTION_OPENING) {
			connection->state = CONNECTION_OPEN;
		}
		passage->policy = connection->policy;
		touch(connection, now);
		passage->settled = !is_tcp(packet) || connection->state == CONNECTION_OPEN;
		return REASON_FORWARDED;
	}
	if (!packet->opens) {
		passage->relayable = true;
		return DROP_NOT_ESTABLISHED;
	}
	reason = open_connection(own, packet, passage, to, epoch, now);
	/* Of UDP and what is unknown, an answer looks like a question. */
	passage->relayable = reason != REASON_FORWARDED && !is_tcp(packet) && packet->key.protocol != IPPROTO_ICMP &&
			     packet->key.protocol != IPPROTO_ICMPV6;
	return reason;
}

/* Of a connection that lets an ICMP error pass: its opener's zone and table, and its key as the opener sends it. */
static __always_inline bool is_related(struct passage *passage, const struct flow_key *key, __u32 opener, __u32 slot, __u32 peer,
				       __u64 epoch, __u32 now)
{
	void *table = bpf_map_lookup_elem(&connections, &slot);
	struct connection *connection = table ? find_connection(table, key, now) : NULL;

	if (!connection || connection->peer != peer)
		return false;
	if (connection->epoch != epoch && look_again(passage, connection, key, opener, epoch) != REASON_FORWARDED)
		return false;
	passage->policy = connection->policy;
	return true;
}

/* An ICMP error (RFC 5927 section 4: it must quote what the one it is for has sent). */
__noinline int decide_error(const struct packet *packet, struct passage *passage, __u64 epoch, __u32 now)
{
	struct zone *to;

	if (!packet || !passage)
		return DROP_NO_CONNECTION_TABLE;
	to = find_route(passage->from.id, &packet->inner);
	if (!to)
		return DROP_NO_POLICY;
	passage->peer = to->id;
	passage->peer_slot = to->slot;
	passage->peer_mtu = to->mtu;
	if (fold(&packet->key.source) != fold(&packet->inner.dest))
		return DROP_NOT_ESTABLISHED;
	if (is_related(passage, &packet->key, to->id, to->slot, passage->from.id, epoch, now))
		return REASON_FORWARDED;
	reverse_key(&passage->reversed, &packet->key);
	if (is_related(passage, &passage->reversed, passage->from.id, passage->from.slot, to->id, epoch, now))
		return REASON_FORWARDED;
	passage->relayable = true;
	return DROP_NOT_ESTABLISHED;
}

/* A fragment without ports goes where its first one went. */
__noinline int decide_fragment(const struct packet *packet, struct passage *passage, __u32 now)
{
	struct connection *connection;
	struct flow_key key;
	void *own;

	if (!packet || !passage)
		return DROP_NO_CONNECTION_TABLE;
	own = bpf_map_lookup_elem(&connections, &passage->from.slot);
	if (!own)
		return DROP_NO_CONNECTION_TABLE;
	fragments_key(&key, packet);
	connection = find_connection(own, &key, now);
	if (!connection)
		return DROP_FRAGMENT;
	take_peer(passage, connection);
	if (connection->state == CONNECTION_RELAYED)
		passage->relay = connection->relay;
	return REASON_FORWARDED;
}

/* Later fragments of this first one share its fate. */
__noinline int remember_fragments(const struct packet *packet, const struct passage *passage, __u32 reason, __u32 now)
{
	struct connection fate = { .opened = now, .seen = now, .state = CONNECTION_OPEN };
	struct flow_key key;
	void *own;

	if (!packet || !passage)
		return 0;
	own = bpf_map_lookup_elem(&connections, &passage->from.slot);
	if (!own)
		return 0;
	fragments_key(&key, packet);
	/* Identifications come again: one that was let pass says nothing of the next. */
	if (reason != REASON_FORWARDED)
		return bpf_map_delete_elem(own, &key);
	fate.peer = passage->peer;
	fate.peer_slot = passage->peer_slot;
	fate.peer_mtu = passage->peer_mtu;
	fate.policy = passage->policy;
	fate.relay = passage->relay;
	if (passage->relay != NO_NETWORK_NODE)
		fate.state = CONNECTION_RELAYED;
	return bpf_map_update_elem(own, &key, &fate, BPF_ANY);
}

/* REASON_FORWARDED with the zone that it goes to, or with the network node that it is relayed to (fragments); else why it is dropped. */
static __always_inline enum reason decide(const struct packet *packet, struct passage *passage, __u64 epoch, __u32 now)
{
	passage->peer = 0;
	passage->peer_slot = 0;
	passage->peer_mtu = 0;
	passage->policy = NO_SLOT;
	passage->relay = NO_NETWORK_NODE;
	passage->decided = false;
	passage->log = false;
	passage->relayable = false;
	passage->settled = false;
	if (packet->kind == PACKET_LATER_FRAGMENT)
		return decide_fragment(packet, passage, now);
	if (packet->kind == PACKET_ERROR)
		return decide_error(packet, passage, epoch, now);
	return decide_connection(packet, passage, epoch, now);
}
