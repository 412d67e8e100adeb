/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Admission: which place of the table a new connection gets, whose it may take, and how many its pair of zones may have. */
#pragma once
#include "state/conntrack.h"

/* What a pair may still have: as many as are free. */
static __always_inline __u32 ct_free(const struct connection_totals *totals)
{
	__u32 limit = CT_LIMIT(ct_buckets() * CT_WAYS), used = totals->half_open + totals->established;

	return used < limit ? limit - used : 0;
}

static __always_inline bool ct_over_half_open(const struct pair_connections *counts, __u32 free)
{
	return counts->half_open >= free / CT_HALF_OPEN_SHARE;
}

#define CT_OWN_RANK (1 << 30)

/*
 * How well a place suits a newcomer of a pair whose buckets have no free one: the more, the better; 0: it may not have it. Half-open
 * connections of its own pair first, the one next to its end; then those of a pair that has more than its share.
 *
 * free: of which shares are taken; NO_SLOT: of its own pair only
 */
__noinline int ct_rank(__u32 place, __u64 pair, __u32 free, __u32 now)
{
	struct pair_key own = { .from = pair, .to = pair >> 32 }, other;
	struct connection_bucket *bucket = ct_bucket_of(place);
	struct pair_connections *counts;
	struct connection *connection;
	__u32 left;

	if (!bucket || (*ct_tag(bucket, place) & CT_CLASS) != CT_HALF_OPEN)
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
	counts = bpf_map_lookup_elem(&pair_connections, &other);
	return counts && ct_over_half_open(counts, free) ? 1 + left : 0;
}

/* Takes the place of a half-open connection in one of two buckets; -1: there is none that it may have. */
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
	return most && ct_take(best, CT_HALF_OPEN) ? (int)best : -1;
}

/* Takes a place that is free or whose connection is closed, in the emptier of two buckets; -1: there is none. */
__noinline int ct_occupy(__u64 buckets)
{
	__u32 first = buckets, second = buckets >> 32, class, attempt;

	for (attempt = 0; attempt < 4; attempt++) {
		struct connection_bucket *a = ct_bucket(first), *b = ct_bucket(second);
		__u32 of_a, of_b, place;

		if (!a || !b)
			return -1;
		/* Another CPU may take the same one meanwhile: there are others. */
		class = attempt < 2 ? CT_FREE : CT_CLOSED;
		of_a = class == CT_FREE ? ct_matching(a, 0, ~0) : ct_matching(a, CT_CLOSED, CT_CLASS);
		of_b = class == CT_FREE ? ct_matching(b, 0, ~0) : ct_matching(b, CT_CLOSED, CT_CLASS);
		if (!(of_a | of_b))
			continue;
		place = count_ways(of_a) >= count_ways(of_b) ? first * CT_WAYS + lowest_way(of_a) : second * CT_WAYS + lowest_way(of_b);
		if (ct_take(place, class))
			return place;
	}
	return -1;
}

static __always_inline struct pair_connections *ct_counts(__u32 zone, __u32 peer)
{
	struct pair_key pair = { .from = zone, .to = peer };
	struct pair_connections *counts = bpf_map_lookup_elem(&pair_connections, &pair), none = {};

	if (counts)
		return counts;
	/* Of two CPUs the second finds what the first has made. */
	bpf_map_update_elem(&pair_connections, &pair, &none, BPF_NOEXIST);
	return bpf_map_lookup_elem(&pair_connections, &pair);
}

/*
 * A place for a new half-open connection of a zone to a peer. The caller writes the rest of the entry, and then calls ct_publish().
 *
 * Returns the place, or minus the reason against it.
 */
__noinline int ct_claim(const struct flow_key *key, __u32 zone, __u32 peer, __u64 epoch, __u32 now)
{
	struct connection_totals *totals = ct_totals();
	struct pair_connections *counts;
	struct connection_bucket *bucket;
	struct connection *connection;
	__u64 hash, buckets, pair = (__u64)peer << 32 | zone;
	__u32 zero = 0, free;
	struct steering *state = bpf_map_lookup_elem(&steering, &zero);
	bool over;
	int place;

	if (!key || !state || !totals)
		return -DROP_CONNECTIONS_FULL;
	hash = ct_hash(key, zone, state);
	buckets = (__u64)ct_second(hash) << 32 | ct_first(hash);
	/* What nobody sweeps while nobody opens a connection is in nobody's way. */
	ct_sweep(buckets, now, 0);
	ct_sweep(buckets >> 32, now, 0);
	ct_sweep(__sync_fetch_and_add(&totals->hand, 1) % ct_buckets(), now, epoch);
	counts = ct_counts(zone, peer);
	if (!counts)
		return -DROP_CONNECTIONS_FULL;
	free = ct_free(totals);
	over = ct_over_half_open(counts, free) || counts->half_open + counts->established >= free;
	place = over ? -1 : ct_occupy(buckets);
	if (place < 0)
		place = ct_evict(buckets, pair, over ? NO_SLOT : free, now);
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
	ct_count(zone, peer, CT_HALF_OPEN, 1);
	return place;
}
