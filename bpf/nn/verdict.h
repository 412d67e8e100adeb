/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A network node's decision about a packet: to which zone, by which connection or policy, or why not. */
#pragma once
#include "fib/endpoint.h"
#include "maps/nn_scratch.h"
#include "state/conntrack_tcp.h"
#include "state/policy.h"

static __noinline struct zone *find_route(__u32 from, const struct inner *inner)
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

/* Is the address one of a zone's, as its peer sees it? Answers go there. What comes from an external network external_tc has judged. */
__noinline int is_of_zone(const struct in6_addr *address, __u32 family, __u32 zone, __u32 peer)
{
	struct prefix_key key = { .length = 64 + (family == FAMILY_INET ? 32 : 128), .tenant = peer, .family = family };
	const struct zone *found;

	if (!address)
		return false;
	if (zone >= EXTERNAL_ZONE)
		return true;
	key.address = *address;
	found = bpf_map_lookup_elem(&routes, &key);
	return found && found->id == zone;
}

/* Asks the policies, with what is to be told of it. What they let pass comes from the opener's own addresses: DROP_INNER_SOURCE if not. */
static __always_inline enum reason ask(struct passage *passage, const struct flow_key *key, __u32 opener, __u32 peer)
{
	struct policy_decision *decision = &passage->decision;
	enum reason reason = ask_policies(decision, key, opener, peer);

	if (reason == REASON_FORWARDED && !is_of_zone(&key->source, key->family, opener, peer)) {
		reason = DROP_INNER_SOURCE;
		decision->policy = NO_SLOT;
	}
	passage->policy = decision->policy;
	passage->decided = true;
	passage->log = decision->policy != NO_SLOT && decision->flags & POLICY_LOG;
	return reason;
}

/*
 * Policies changed since it was looked at: a connection whose pair has the same set goes on; with another, the policies are asked as
 * if it opened now, and what they refuse is forgotten.
 */
static __always_inline enum reason ct_revalidate(struct passage *passage, struct connection *connection, const struct flow_key *key, __u32 opener,
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

static __always_inline bool is_tcp(const struct packet *packet)
{
	return packet->key.protocol == IPPROTO_TCP;
}

/*
 * What decide_connection() leaves to open_connection() and to follow_connection(): the packet is of no connection and may open one, or it is of
 * the one at passage->place. They are not called by it: there is no stack left there.
 */
#define CT_OPENS (-1)
#define CT_FOUND (-2)

/* The zone's new connection, to the peer of `passage`. */
__noinline int open_connection(const struct packet *packet, struct passage *passage, __u64 epoch, __u32 now)
{
	struct connection_bucket *bucket;
	struct connection *connection;
	int reason, place;

	if (!packet || !passage)
		return DROP_NO_POLICY;
	reason = ask(passage, &packet->key, passage->from.id, passage->peer);
	if (reason != REASON_FORWARDED) {
		/* Of UDP and what is unknown, an answer looks like a question. */
		passage->relayable = !is_tcp(packet) && packet->key.protocol != IPPROTO_ICMP && packet->key.protocol != IPPROTO_ICMPV6;
		return reason;
	}
	place = ct_claim(&packet->key, passage->from.id, passage->peer, epoch, now);
	if (place < 0)
		return -place;
	bucket = ct_bucket_of(place);
	if (!bucket)
		return DROP_CONNECTIONS_FULL;
	connection = ct_entry(bucket, place);
	connection->epoch = epoch;
	connection->peer_slot = passage->peer_slot;
	connection->peer_mtu = passage->peer_mtu;
	connection->set = passage->decision.set;
	connection->policy = passage->decision.policy;
	connection->state = CONNECTION_OPENING;
	if (is_tcp(packet))
		ct_tcp_begin(&connection->original, packet, packet->sequence + 1 + tcp_payload(packet));
	ct_publish(bucket, place, now);
	return REASON_FORWARDED;
}

/* What a packet that is let pass does to its connection. */
__noinline int follow_connection(const struct packet *packet, struct passage *passage, __u32 now)
{
	struct connection_bucket *bucket;
	struct connection *connection;
	int reason;

	if (!packet || !passage)
		return DROP_NOT_ESTABLISHED;
	bucket = ct_bucket_of(passage->place);
	if (!bucket)
		return DROP_NOT_ESTABLISHED;
	connection = ct_entry(bucket, passage->place);
	if (is_tcp(packet)) {
		if (connection->state == CONNECTION_CLOSED)
			return REASON_FORWARDED;
		reason = ct_tcp(packet, passage->place, passage->is_reply, now);
		passage->settled = connection->state == CONNECTION_OPEN;
		return reason;
	}
	passage->settled = true;
	if (!passage->is_reply) {
		ct_refresh(&connection->original, now);
		return REASON_FORWARDED;
	}
	ct_refresh(&connection->reply, now);
	if (connection->state == CONNECTION_OPENING) {
		connection->state = CONNECTION_OPEN;
		ct_reclass(passage->place, CT_ESTABLISHED, now);
	}
	return REASON_FORWARDED;
}

/* A packet with its own ports. It and its like are functions that the kernel verifies by themselves, once. */
__noinline int decide_connection(const struct packet *packet, struct passage *passage, __u64 epoch, __u32 now)
{
	struct connection_bucket *bucket;
	struct connection *connection;
	struct zone *to = NULL;
	bool opens;
	int reason;

	if (!packet || !passage)
		return DROP_NO_POLICY;
	opens = packet->opens && is_tcp(packet);
	bucket = ct_lookup(&packet->key, passage->from.id, &passage->place, now);
	if (bucket) {
		connection = ct_entry(bucket, passage->place);
		if (connection->epoch != epoch) {
			to = find_route(passage->from.id, &packet->inner);
			if (!to || to->id != connection->peer) {
				ct_delete(passage->place);
				goto unknown;
			}
			connection->peer_mtu = to->mtu;
			take_peer(passage, connection);
			reason = ct_revalidate(passage, connection, &packet->key, passage->from.id, epoch);
			if (reason != REASON_FORWARDED) {
				ct_delete(passage->place);
				return reason;
			}
		}
		/* It opens the connection anew, so the policies are to be asked. */
		if (opens && connection->state == CONNECTION_CLOSED) {
			ct_delete(passage->place);
			goto unknown;
		}
		take_peer(passage, connection);
		return CT_FOUND;
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
	bucket = ct_lookup(&passage->reversed, to->id, &passage->place, now);
	if (bucket) {
		connection = ct_entry(bucket, passage->place);
		if (connection->peer == passage->from.id && !(opens && connection->state == CONNECTION_CLOSED)) {
			if (connection->epoch != epoch) {
				reason = ct_revalidate(passage, connection, &passage->reversed, to->id, epoch);
				if (reason != REASON_FORWARDED) {
					ct_delete(passage->place);
					return reason;
				}
			}
			passage->policy = connection->policy;
			passage->is_reply = true;
			return CT_FOUND;
		}
	}
	if (!packet->opens) {
		passage->relayable = true;
		return DROP_NOT_ESTABLISHED;
	}
	return CT_OPENS;
}

/* Of a connection that lets an ICMP error pass: its opener's zone, and its key as the opener sends it. */
static __always_inline bool is_related(struct passage *passage, const struct flow_key *key, __u32 opener, __u32 peer, __u64 epoch, __u32 now)
{
	struct connection_bucket *bucket = ct_lookup(key, opener, &passage->place, now);
	struct connection *connection;

	if (!bucket)
		return false;
	connection = ct_entry(bucket, passage->place);
	if (connection->peer != peer)
		return false;
	if (connection->epoch != epoch && ct_revalidate(passage, connection, key, opener, epoch) != REASON_FORWARDED)
		return false;
	passage->policy = connection->policy;
	return true;
}

/* An ICMP error (RFC 5927 section 4: it must quote what the one it is for has sent). */
__noinline int decide_error(const struct packet *packet, struct passage *passage, __u64 epoch, __u32 now)
{
	struct zone *to;

	if (!packet || !passage)
		return DROP_NOT_ESTABLISHED;
	to = find_route(passage->from.id, &packet->inner);
	if (!to)
		return DROP_NO_POLICY;
	passage->peer = to->id;
	passage->peer_slot = to->slot;
	passage->peer_mtu = to->mtu;
	if (fold(&packet->key.source) != fold(&packet->inner.dest))
		return DROP_NOT_ESTABLISHED;
	if (is_related(passage, &packet->key, to->id, passage->from.id, epoch, now))
		return REASON_FORWARDED;
	reverse_key(&passage->reversed, &packet->key);
	if (is_related(passage, &passage->reversed, passage->from.id, to->id, epoch, now))
		return REASON_FORWARDED;
	passage->relayable = true;
	return DROP_NOT_ESTABLISHED;
}

/* A fragment without ports goes where its first one went. */
__noinline int decide_fragment(const struct packet *packet, struct passage *passage, __u32 now)
{
	struct connection_bucket *bucket;
	struct connection *connection;

	if (!packet || !passage)
		return DROP_FRAGMENT;
	fragments_key(&passage->reversed, packet);
	bucket = ct_lookup(&passage->reversed, passage->from.id, &passage->place, now);
	if (!bucket)
		return DROP_FRAGMENT;
	connection = ct_entry(bucket, passage->place);
	take_peer(passage, connection);
	if (connection->state == CONNECTION_RELAYED)
		passage->relay = connection->relay;
	return REASON_FORWARDED;
}

/* Later fragments of this first one share its fate. It counts as a half-open connection of its pair of zones; without a place they are refused. */
__noinline int remember_fragments(const struct packet *packet, struct passage *passage, __u32 reason, __u64 epoch, __u32 now)
{
	struct connection_bucket *bucket;
	struct connection *connection;
	int place;

	if (!packet || !passage)
		return 0;
	fragments_key(&passage->reversed, packet);
	/* Identifications come again: what was said of the last one says nothing of the next. */
	if (ct_lookup(&passage->reversed, passage->from.id, &passage->place, now))
		ct_delete(passage->place);
	if (reason != REASON_FORWARDED)
		return 0;
	place = ct_claim(&passage->reversed, passage->from.id, passage->peer, epoch, now);
	if (place < 0)
		return 0;
	bucket = ct_bucket_of(place);
	if (!bucket)
		return 0;
	connection = ct_entry(bucket, place);
	connection->peer_slot = passage->peer_slot;
	connection->peer_mtu = passage->peer_mtu;
	connection->policy = passage->policy;
	connection->relay = passage->relay;
	connection->state = passage->relay != NO_NETWORK_NODE ? CONNECTION_RELAYED : CONNECTION_OPEN;
	ct_publish(bucket, place, now);
	return 0;
}

/* REASON_FORWARDED with the zone that it goes to, or with the network node that it is relayed to (fragments); else why it is dropped. */
static __always_inline enum reason decide(const struct packet *packet, struct passage *passage, __u64 epoch, __u32 now)
{
	int reason;

	passage->peer = 0;
	passage->peer_slot = 0;
	passage->peer_mtu = 0;
	passage->policy = NO_SLOT;
	passage->relay = NO_NETWORK_NODE;
	passage->decided = false;
	passage->log = false;
	passage->relayable = false;
	passage->settled = false;
	passage->is_reply = false;
	if (packet->kind == PACKET_LATER_FRAGMENT)
		return decide_fragment(packet, passage, now);
	if (packet->kind == PACKET_ERROR)
		return decide_error(packet, passage, epoch, now);
	reason = decide_connection(packet, passage, epoch, now);
	if (reason == CT_FOUND)
		return follow_connection(packet, passage, now);
	return reason == CT_OPENS ? open_connection(packet, passage, epoch, now) : reason;
}
