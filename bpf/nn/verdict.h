/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A network node's verdict on a packet: the zone it goes to, by which connection or policy, or the reason to drop it. */
#pragma once
#include "fib/endpoint.h"
#include "maps/nn_scratch.h"
#include "state/conntrack_tcp.h"
#include "state/policy.h"

static __noinline struct zone *zone_route_lookup(__u32 from, const struct inner *inner)
{
	struct prefix_key key = {
		.length = 64 + (inner->family == FAMILY_INET ? 32 : 128),
		.tenant = from,
		.family = inner->family,
		.address = inner->dest,
	};

	return bpf_map_lookup_elem(&sg_zone_routes, &key);
}

static __always_inline void ct_copy_peer(struct nn_verdict *verdict, const struct connection *connection)
{
	verdict->peer = connection->peer;
	verdict->peer_slot = connection->peer_slot;
	verdict->peer_mtu = connection->peer_mtu;
	verdict->policy = connection->policy;
}

/* Whether the peer's route to the address, which replies take, leads to the zone. nn_external_tc has checked sources of external networks. */
__noinline int zone_has_address(const struct in6_addr *address, __u32 family, __u32 zone, __u32 peer)
{
	struct prefix_key key = { .length = 64 + (family == FAMILY_INET ? 32 : 128), .tenant = peer, .family = family };
	const struct zone *found;

	if (!address)
		return false;
	if (zone >= EXTERNAL_ZONE)
		return true;
	key.address = *address;
	found = bpf_map_lookup_elem(&sg_zone_routes, &key);
	return found && found->id == zone;
}

/* Looks the policies up, and notes whether to log. DROP_INNER_SOURCE: allowed, but the source is no address of the opener's zone. */
static __always_inline enum reason policy_check(struct nn_verdict *verdict, const struct flow_key *key, __u32 opener, __u32 peer)
{
	struct policy_decision *decision = &verdict->decision;
	enum reason reason = policy_lookup(decision, key, opener, peer);

	if (reason == REASON_FORWARDED && !zone_has_address(&key->source, key->family, opener, peer)) {
		reason = DROP_INNER_SOURCE;
		decision->policy = NO_SLOT;
	}
	verdict->policy = decision->policy;
	verdict->new_decision = true;
	verdict->log = decision->policy != NO_SLOT && decision->flags & POLICY_LOG;
	return reason;
}

/*
 * Checks a connection again after policies or routes have changed. It stays allowed if its pair of zones has the same policy set. Else the policies
 * are looked up as if it opened now; returns their reason if they refuse it.
 */
static __always_inline enum reason ct_revalidate(struct nn_verdict *verdict, struct connection *connection, const struct flow_key *key, __u32 opener,
						 __u64 policy_generation)
{
	struct zone_pair pair = { .from = opener, .to = connection->peer };
	struct policy_set *set = bpf_map_lookup_elem(&sg_pol_pairs, &pair);
	enum reason reason;

	if (!set || set->id != connection->set) {
		reason = policy_check(verdict, key, opener, connection->peer);
		if (reason != REASON_FORWARDED)
			return reason;
		connection->set = verdict->decision.set;
		connection->policy = verdict->decision.policy;
		verdict->new_decision = false;
	}
	connection->policy_generation = policy_generation;
	return REASON_FORWARDED;
}

static __always_inline bool is_tcp(const struct packet *packet)
{
	return packet->key.protocol == IPPROTO_TCP;
}

/*
 * Results of ct_lookup_or_classify(): the packet has no connection and may open one (ct_open()), or it belongs to the one at verdict->place
 * (ct_follow()). nn_classify() calls these two, as ct_lookup_or_classify() has no stack left for them.
 */
#define CT_NEW (-1)
#define CT_FOUND (-2)

/* Opens a connection from zone verdict->from to zone verdict->peer, if policies allow it. */
__noinline int ct_open(const struct packet *packet, struct nn_verdict *verdict, __u64 policy_generation, __u32 now)
{
	struct connection_bucket *bucket;
	struct connection *connection;
	int reason, place;

	if (!packet || !verdict)
		return DROP_NO_POLICY;
	reason = policy_check(verdict, &packet->key, verdict->from.id, verdict->peer);
	if (reason != REASON_FORWARDED) {
		/* For UDP and unknown protocols a reply cannot be told from a request: another network node may have the connection. */
		verdict->may_relay = !is_tcp(packet) && packet->key.protocol != IPPROTO_ICMP && packet->key.protocol != IPPROTO_ICMPV6;
		return reason;
	}
	place = ct_admit(&packet->key, verdict->from.id, verdict->peer, policy_generation, now);
	if (place < 0)
		return -place;
	bucket = ct_bucket_of(place);
	if (!bucket)
		return DROP_CONNECTIONS_FULL;
	connection = ct_entry(bucket, place);
	connection->policy_generation = policy_generation;
	connection->peer_slot = verdict->peer_slot;
	connection->peer_mtu = verdict->peer_mtu;
	connection->set = verdict->decision.set;
	connection->policy = verdict->decision.policy;
	connection->state = CT_SYN_SENT;
	if (is_tcp(packet))
		ct_tcp_begin(&connection->original, packet, packet->sequence + 1 + tcp_payload(packet));
	ct_publish(bucket, place, now);
	return REASON_FORWARDED;
}

/* Updates the connection of a packet. Returns REASON_FORWARDED, or the reason to drop the packet. */
__noinline int ct_follow(const struct packet *packet, struct nn_verdict *verdict, __u32 now)
{
	struct connection_bucket *bucket;
	struct connection *connection;
	int reason;

	if (!packet || !verdict)
		return DROP_NOT_ESTABLISHED;
	bucket = ct_bucket_of(verdict->place);
	if (!bucket)
		return DROP_NOT_ESTABLISHED;
	connection = ct_entry(bucket, verdict->place);
	if (is_tcp(packet)) {
		if (connection->state == CT_CLOSED)
			return REASON_FORWARDED;
		reason = ct_tcp(packet, verdict->place, verdict->is_reply, now);
		verdict->cacheable = connection->state == CT_ESTABLISHED;
		return reason;
	}
	verdict->cacheable = true;
	if (!verdict->is_reply) {
		ct_refresh(&connection->original, now);
		return REASON_FORWARDED;
	}
	ct_refresh(&connection->reply, now);
	if (connection->state == CT_SYN_SENT) {
		connection->state = CT_ESTABLISHED;
		ct_reclass(verdict->place, CT_SLOT_ESTABLISHED, now);
	}
	return REASON_FORWARDED;
}

/* A packet that carries its ports. This function and those below are global: the verifier checks each once, by itself. */
__noinline int ct_lookup_or_classify(const struct packet *packet, struct nn_verdict *verdict, __u64 policy_generation, __u32 now)
{
	struct connection_bucket *bucket;
	struct connection *connection;
	struct zone *to = NULL;
	bool opens;
	int reason;

	if (!packet || !verdict)
		return DROP_NO_POLICY;
	opens = packet->opens && is_tcp(packet);
	bucket = ct_lookup(&packet->key, verdict->from.id, &verdict->place, now);
	if (bucket) {
		connection = ct_entry(bucket, verdict->place);
		if (connection->policy_generation != policy_generation) {
			to = zone_route_lookup(verdict->from.id, &packet->inner);
			if (!to || to->id != connection->peer) {
				ct_delete(verdict->place);
				goto unknown;
			}
			connection->peer_mtu = to->mtu;
			ct_copy_peer(verdict, connection);
			reason = ct_revalidate(verdict, connection, &packet->key, verdict->from.id, policy_generation);
			if (reason != REASON_FORWARDED) {
				ct_delete(verdict->place);
				return reason;
			}
		}
		/* A SYN after the connection has closed opens a new one, for which policies decide. */
		if (opens && connection->state == CT_CLOSED) {
			ct_delete(verdict->place);
			goto unknown;
		}
		ct_copy_peer(verdict, connection);
		return CT_FOUND;
	}
unknown:
	if (!to)
		to = zone_route_lookup(verdict->from.id, &packet->inner);
	if (!to)
		return DROP_NO_POLICY;
	verdict->peer = to->id;
	verdict->peer_slot = to->slot;
	verdict->peer_mtu = to->mtu;
	reverse_key(&verdict->reversed, &packet->key);
	bucket = ct_lookup(&verdict->reversed, to->id, &verdict->place, now);
	if (bucket) {
		connection = ct_entry(bucket, verdict->place);
		if (connection->peer == verdict->from.id && !(opens && connection->state == CT_CLOSED)) {
			if (connection->policy_generation != policy_generation) {
				reason = ct_revalidate(verdict, connection, &verdict->reversed, to->id, policy_generation);
				if (reason != REASON_FORWARDED) {
					ct_delete(verdict->place);
					return reason;
				}
			}
			verdict->policy = connection->policy;
			verdict->is_reply = true;
			return CT_FOUND;
		}
	}
	if (!packet->opens) {
		verdict->may_relay = true;
		return DROP_NOT_ESTABLISHED;
	}
	return CT_NEW;
}

/* Whether there is a connection that lets an ICMP error pass. key: as the opener sends it; opener, peer: zones */
static __always_inline bool ct_is_related(struct nn_verdict *verdict, const struct flow_key *key, __u32 opener, __u32 peer, __u64 policy_generation,
					  __u32 now)
{
	struct connection_bucket *bucket = ct_lookup(key, opener, &verdict->place, now);
	struct connection *connection;

	if (!bucket)
		return false;
	connection = ct_entry(bucket, verdict->place);
	if (connection->peer != peer)
		return false;
	if (connection->policy_generation != policy_generation &&
	    ct_revalidate(verdict, connection, key, opener, policy_generation) != REASON_FORWARDED)
		return false;
	verdict->policy = connection->policy;
	return true;
}

/* An ICMP error. It must quote a packet that its receiver sent (RFC 5927 section 4). */
__noinline int classify_icmp_error(const struct packet *packet, struct nn_verdict *verdict, __u64 policy_generation, __u32 now)
{
	struct zone *to;

	if (!packet || !verdict)
		return DROP_NOT_ESTABLISHED;
	to = zone_route_lookup(verdict->from.id, &packet->inner);
	if (!to)
		return DROP_NO_POLICY;
	verdict->peer = to->id;
	verdict->peer_slot = to->slot;
	verdict->peer_mtu = to->mtu;
	if (hash_in6(&packet->key.source) != hash_in6(&packet->inner.dest))
		return DROP_NOT_ESTABLISHED;
	if (ct_is_related(verdict, &packet->key, to->id, verdict->from.id, policy_generation, now))
		return REASON_FORWARDED;
	reverse_key(&verdict->reversed, &packet->key);
	if (ct_is_related(verdict, &verdict->reversed, verdict->from.id, to->id, policy_generation, now))
		return REASON_FORWARDED;
	verdict->may_relay = true;
	return DROP_NOT_ESTABLISHED;
}

/* A later fragment has no ports: it goes where the datagram's first fragment went. */
__noinline int classify_fragment(const struct packet *packet, struct nn_verdict *verdict, __u32 now)
{
	struct connection_bucket *bucket;
	struct connection *connection;

	if (!packet || !verdict)
		return DROP_FRAGMENT;
	fragments_key(&verdict->reversed, packet);
	bucket = ct_lookup(&verdict->reversed, verdict->from.id, &verdict->place, now);
	if (!bucket)
		return DROP_FRAGMENT;
	connection = ct_entry(bucket, verdict->place);
	ct_copy_peer(verdict, connection);
	if (connection->state == CT_RELAYED)
		verdict->relay_node = connection->relay_node;
	return REASON_FORWARDED;
}

/*
 * Inserts the entry by which later fragments get the first one's verdict. The entry counts as a half-open connection of its pair of zones. If the
 * table is full, later fragments are dropped.
 */
__noinline int ct_frag_insert(const struct packet *packet, struct nn_verdict *verdict, __u32 reason, __u64 policy_generation, __u32 now)
{
	struct connection_bucket *bucket;
	struct connection *connection;
	int place;

	if (!packet || !verdict)
		return 0;
	fragments_key(&verdict->reversed, packet);
	/* Identifications are reused: an earlier datagram's entry must not decide for this one. */
	if (ct_lookup(&verdict->reversed, verdict->from.id, &verdict->place, now))
		ct_delete(verdict->place);
	if (reason != REASON_FORWARDED)
		return 0;
	place = ct_admit(&verdict->reversed, verdict->from.id, verdict->peer, policy_generation, now);
	if (place < 0)
		return 0;
	bucket = ct_bucket_of(place);
	if (!bucket)
		return 0;
	connection = ct_entry(bucket, place);
	connection->peer_slot = verdict->peer_slot;
	connection->peer_mtu = verdict->peer_mtu;
	connection->policy = verdict->policy;
	connection->relay_node = verdict->relay_node;
	connection->state = verdict->relay_node != NO_NETWORK_NODE ? CT_RELAYED : CT_ESTABLISHED;
	ct_publish(bucket, place, now);
	return 0;
}

/* Returns REASON_FORWARDED with the destination zone, for fragments also with the network node to relay them to; else the reason to drop. */
static __always_inline enum reason nn_classify(const struct packet *packet, struct nn_verdict *verdict, __u64 policy_generation, __u32 now)
{
	int reason;

	verdict->peer = 0;
	verdict->peer_slot = 0;
	verdict->peer_mtu = 0;
	verdict->policy = NO_SLOT;
	verdict->relay_node = NO_NETWORK_NODE;
	verdict->new_decision = false;
	verdict->log = false;
	verdict->may_relay = false;
	verdict->cacheable = false;
	verdict->is_reply = false;
	if (packet->type == PACKET_LATER_FRAGMENT)
		return classify_fragment(packet, verdict, now);
	if (packet->type == PACKET_ERROR)
		return classify_icmp_error(packet, verdict, policy_generation, now);
	reason = ct_lookup_or_classify(packet, verdict, policy_generation, now);
	if (reason == CT_FOUND)
		return ct_follow(packet, verdict, now);
	return reason == CT_NEW ? ct_open(packet, verdict, policy_generation, now) : reason;
}
