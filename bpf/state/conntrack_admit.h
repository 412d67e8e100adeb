/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Admission: the place of a new connection in the table, the connections it may evict, and the quota of its pair of zones. */
#pragma once
#include "state/conntrack.h"

/* Free places. It is also the quota of each pair. */
static __always_inline __u32 ct_free(const struct ct_totals *totals)
{
	__u32 limit = CT_LIMIT(ct_buckets() * CT_WAYS), used = totals->half_open + totals->established;

	return used < limit ? limit - used : 0;
}

static __always_inline bool ct_over_half_open(const struct ct_pair *counts, __u32 free)
{
	return counts->half_open >= free / CT_HALF_OPEN_SHARE;
}

#define CT_OWN_RANK (1 << 30)

/*
 * Ranks a place for eviction by a new connection of a pair; the highest rank goes first, and a place of rank 0 stays. Half-open connections
 * of the same pair rank above those of pairs that exceed their share; among equals, the one that expires first.
 *
 * free: free places, by which shares are computed; NO_SLOT: only connections of the same pair may go.
 */
__noinline int ct_rank(__u32 place, __u64 pair, __u32 free, __u32 now)
{
	struct zone_pair own = { .from = pair, .to = pair >> 32 }, other;
	struct connection_bucket *bucket = ct_bucket_of(place);
	struct ct_pair *counts;
	struct connection *connection;
	__u32 left;

	if (!bucket || (*ct_tag(bucket, place) & CT_SLOT_CLASS) != CT_SLOT_HALF_OPEN)
		return 0;
	connection = ct_entry(bucket, place);
	other.from = connection->zone;
	other.to = connection->peer;
	left = bucket->deadlines[place % CT_WAYS] - now;
	left = left > 0xffff ? 0 : 0xffff - left;
	if (other.from == own.from && other.to == own.to)
		return CT_OWN_RANK + left;
	if (free == NO_SLOT)
		return 0;
	counts = bpf_map_lookup_elem(&sg_ct_pairs, &other);
	return counts && ct_over_half_open(counts, free) ? 1 + left : 0;
}

/* Evicts the half-open connection of two buckets that ranks highest, and claims its place; -1 if all of them rank 0. */
__noinline int ct_evict(__u64 buckets, __u64 pair, __u32 free, __u32 now)
{
	__u32 first = buckets, second = buckets >> 32, i, place, best = 0, most = 0;

	for (i = 0; i < 2 * CT_WAYS; i++) {
		__u32 rank;

		place = (i < CT_WAYS ? first : second) * CT_WAYS + i % CT_WAYS;
		rank = ct_rank(place, pair, free, now);
		if (rank > most) {
			most = rank;
			best = place;
		}
	}
	return most && ct_take(best, CT_SLOT_HALF_OPEN) ? (int)best : -1;
}

/* Claims a free place, else one of a closed connection, in the emptier of two buckets; -1 if there is none. */
__noinline int ct_occupy(__u64 buckets)
{
	__u32 first = buckets, second = buckets >> 32, class, attempt;

	for (attempt = 0; attempt < 4; attempt++) {
		struct connection_bucket *a = ct_bucket(first), *b = ct_bucket(second);
		__u32 of_a, of_b, place;

		if (!a || !b)
			return -1;
		/* Two attempts for each class: another CPU may claim the same place first. */
		class = attempt < 2 ? CT_SLOT_FREE : CT_SLOT_CLOSED;
		of_a = class == CT_SLOT_FREE ? ct_matching(a, 0, ~0) : ct_matching(a, CT_SLOT_CLOSED, CT_SLOT_CLASS);
		of_b = class == CT_SLOT_FREE ? ct_matching(b, 0, ~0) : ct_matching(b, CT_SLOT_CLOSED, CT_SLOT_CLASS);
		if (!(of_a | of_b))
			continue;
		place = count_ways(of_a) >= count_ways(of_b) ? first * CT_WAYS + lowest_way(of_a) : second * CT_WAYS + lowest_way(of_b);
		if (ct_take(place, class))
			return place;
	}
	return -1;
}

static __always_inline struct ct_pair *ct_counts(__u32 zone, __u32 peer)
{
	struct zone_pair pair = { .from = zone, .to = peer };
	struct ct_pair *counts = bpf_map_lookup_elem(&sg_ct_pairs, &pair), none = {};

	if (counts)
		return counts;
	/* BPF_NOEXIST: of two CPUs that insert the pair, the second one keeps the counts of the first. */
	bpf_map_update_elem(&sg_ct_pairs, &pair, &none, BPF_NOEXIST);
	return bpf_map_lookup_elem(&sg_ct_pairs, &pair);
}

/*
 * Finds a place for a new half-open connection from a zone to a peer. The caller writes the rest of the entry, then calls ct_publish().
 *
 * Returns the place, or the negative of the reason for which the connection is refused.
 */
__noinline int ct_admit(const struct flow_key *key, __u32 zone, __u32 peer, __u64 policy_generation, __u32 now)
{
	struct ct_totals *totals = ct_totals();
	struct ct_pair *counts;
	struct connection_bucket *bucket;
	struct connection *connection;
	__u64 hash, buckets, pair = (__u64)peer << 32 | zone;
	__u32 zero = 0, free;
	struct nn_config *state = bpf_map_lookup_elem(&sg_nn_config, &zero);
	bool over;
	int place;

	if (!key || !state || !totals)
		return -DROP_CONNECTIONS_FULL;
	hash = ct_hash(key, zone, state);
	buckets = (__u64)ct_second(hash) << 32 | ct_first(hash);
	/* Sweeping happens only here: without new connections, expired ones take no place that anyone needs. */
	ct_sweep(buckets, now, 0);
	ct_sweep(buckets >> 32, now, 0);
	ct_sweep(__sync_fetch_and_add(&totals->hand, 1) % ct_buckets(), now, policy_generation);
	counts = ct_counts(zone, peer);
	if (!counts)
		return -DROP_CONNECTIONS_FULL;
	free = ct_free(totals);
	over = ct_over_half_open(counts, free) || counts->half_open + counts->established >= free;
	place = over ? -1 : ct_occupy(buckets);
	if (place < 0) {
		place = ct_evict(buckets, pair, over ? NO_SLOT : free, now);
		if (place >= 0)
			__sync_fetch_and_add(&totals->evicted, 1);
	}
	if (place < 0) {
		__sync_fetch_and_add(&counts->refused, 1);
		return over ? -DROP_CONNECTION_QUOTA : -DROP_CONNECTIONS_FULL;
	}
	bucket = ct_bucket_of(place);
	if (!bucket)
		return -DROP_CONNECTIONS_FULL;
	connection = ct_entry(bucket, place);
	__builtin_memset(connection, 0, sizeof(*connection));
	connection->key = *key;
	connection->zone = zone;
	connection->peer = peer;
	connection->tag = ct_tag_of(hash);
	connection->opened = now;
	connection->original.seen = now;
	connection->reply.seen = now;
	ct_count(zone, peer, CT_SLOT_HALF_OPEN, 1);
	return place;
}
