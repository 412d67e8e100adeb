/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Connections that policies let in: one table of the node, one entry a connection, in its opener's zone under its key as that side sends it.
 * A reply is looked up reversed in the zone that it goes to. Nothing here needs the agent.
 *
 * Who gets a place: half-open connections never evict established ones. What a pair of zones (opener, peer) may have is a dynamic threshold
 * (Choudhury and Hahne, "Dynamic queue length thresholds", 1998): as many as there are free, a quarter of that half-open. One greedy pair ends
 * at half of the table, n of them at 1/(n+1) each: there is always room for another. Beyond it, a new connection takes the place of the pair's
 * own half-open ones, or is refused.
 */
#pragma once
#include "fib/flow_key.h"
#include "maps/nn_maps.h"
#include "net/time.h"

/* The tag of a place that a CPU is about to write: no class, so nobody finds or takes it. */
#define CT_SLOT_TAKEN 4
#define CT_SLOT_CLASS 3

/* At most this many places are in use. The rest stays free so that a new connection finds a free place in one of its two buckets. */
#define CT_LIMIT(places) ((places) - (places) / 4)
#define CT_HALF_OPEN_SHARE 4

/* The kernel's struct bpf_map, as far as programs read it: the size of a map. */
struct bpf_map___size {
	__u32 max_entries;
} __attribute__((preserve_access_index));

static __always_inline __u32 ct_buckets(void)
{
	return ((struct bpf_map___size *)&sg_ct)->max_entries;
}

static __always_inline struct connection_bucket *ct_bucket(__u32 index)
{
	return bpf_map_lookup_elem(&sg_ct, &index);
}

/* place: bucket * CT_WAYS + way */
static __always_inline struct connection_bucket *ct_bucket_of(__u32 place)
{
	return ct_bucket(place / CT_WAYS);
}

static __always_inline struct connection *ct_entry(struct connection_bucket *bucket, __u32 place)
{
	return &bucket->entries[place % CT_WAYS];
}

static __always_inline __u32 *ct_tag(struct connection_bucket *bucket, __u32 place)
{
	return &bucket->tags[place % CT_WAYS];
}

static __always_inline __u64 ct_hash(const struct flow_key *key, __u32 zone, const struct nn_config *state)
{
	return keyed_flow_hash(key, zone, state->seeds);
}

/* The two buckets of a hash come from the high bits of its halves, the tag from the low ones. */
static __always_inline __u32 ct_first(__u64 hash)
{
	return (hash & 0xffffffff) * ct_buckets() >> 32;
}

static __always_inline __u32 ct_second(__u64 hash)
{
	return (hash >> 32) * ct_buckets() >> 32;
}

static __always_inline __u32 ct_tag_of(__u64 hash)
{
	__u32 tag = ((hash & 0x7fff) << 17) | ((hash >> 32 & 0x7fff) << 2);

	return tag > CT_SLOT_TAKEN ? tag : 8;
}

/* 1 if the number is not 0, else 0. Kept free of branches, which clang would add: the verifier would follow each one for each way. */
static __always_inline __u32 is_set(__u32 number)
{
	__u32 negative = -number;

	barrier_var(negative);
	return (number | negative) >> 31;
}

/* The ways of a bucket whose tags equal `tag` in the bits of the mask; bit i stands for way i. */
static __always_inline __u32 ct_matching(const struct connection_bucket *bucket, __u32 tag, __u32 mask)
{
	__u32 ways = 0;
	int i;

#pragma unroll
	for (i = 0; i < CT_WAYS; i++) {
		ways |= (1 - is_set((*(volatile __u32 *)&bucket->tags[i] ^ tag) & mask)) << i;
		/* One way at a time: all tags at once need more registers than there are. */
		barrier_var(ways);
	}
	return ways;
}

/* The lowest way whose bit is set (by a de Bruijn sequence of 8 bits). */
static __always_inline __u32 lowest_way(__u32 ways)
{
	return 0x34572610U >> (((ways & -ways) * 0x1d >> 5 & 7) * 4) & 7;
}

static __always_inline __u32 count_ways(__u32 ways)
{
	ways = (ways & 0x55) + (ways >> 1 & 0x55);
	ways = (ways & 0x33) + (ways >> 2 & 0x33);
	return (ways & 0xf) + (ways >> 4);
}

static __always_inline bool ct_is(const struct connection *connection, const struct flow_key *key, __u32 zone)
{
	const __u64 *a = (const void *)&connection->key, *b = (const void *)key;

	return !((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) | (a[3] ^ b[3]) | (a[4] ^ b[4]) | (connection->zone ^ zone));
}

static __always_inline __u32 timeout_of(const struct connection *connection)
{
	const struct flow_key *key = &connection->key;

	if (key->type == FLOW_FRAGMENTS)
		return SECONDS(FRAGMENTS_SECONDS);
	if (key->protocol == IPPROTO_TCP) {
		if (connection->state == CT_ESTABLISHED)
			return SECONDS(TCP_ESTABLISHED_SECONDS);
		return connection->state >= CT_CLOSING ? SECONDS(TCP_CLOSING_SECONDS) : SECONDS(TCP_HANDSHAKE_SECONDS);
	}
	if (key->protocol == IPPROTO_UDP)
		return SECONDS(UDP_SECONDS);
	if (key->protocol == IPPROTO_ICMP || key->protocol == IPPROTO_ICMPV6)
		return SECONDS(ICMP_SECONDS);
	return SECONDS(OTHER_SECONDS);
}

/* The time of the connection's last packet in either direction, in ticks. */
static __always_inline __u32 ct_seen(const struct connection *connection)
{
	__u32 original = connection->original.seen, reply = connection->reply.seen;

	return (__s32)(reply - original) > 0 ? reply : original;
}

/* Signed: another CPU may have written a tick that is later than `now`. */
static __always_inline bool ct_is_over(const struct connection *connection, __u32 now)
{
	return (__s32)(now - ct_seen(connection)) > (__s32)timeout_of(connection);
}

/* Writes only if the tick has changed, which keeps the cache line shared. */
static __always_inline void ct_refresh(struct ct_direction *direction, __u32 now)
{
	if (direction->seen != now)
		direction->seen = now;
}

/* The bucket of the connection that `zone` opened; NULL if there is none, or if it has expired. Sets *place. */
static __noinline struct connection_bucket *ct_lookup(const struct flow_key *key, __u32 zone, __u32 *place, __u32 now)
{
	struct connection_bucket *bucket;
	struct connection *connection;
	__u32 zero = 0, index, ways, choice, attempt;
	struct nn_config *state = bpf_map_lookup_elem(&sg_nn_config, &zero);
	__u64 hash;

	if (!state)
		return NULL;
	hash = ct_hash(key, zone, state);
	for (choice = 0; choice < 2; choice++) {
		index = choice ? ct_second(hash) : ct_first(hash);
		bucket = ct_bucket(index);
		if (!bucket)
			return NULL;
		ways = ct_matching(bucket, ct_tag_of(hash), ~CT_SLOT_CLASS);
		/* Two connections of a bucket have the same tag once in 2^28. */
		for (attempt = 0; attempt < 2 && ways; attempt++) {
			*place = index * CT_WAYS + lowest_way(ways);
			connection = ct_entry(bucket, *place);
			/* Makes clang read the key again: the stack has little room for a copy. */
			asm volatile("" : "+r"(key) : : "memory");
			if (ct_is(connection, key, zone))
				return ct_is_over(connection, now) ? NULL : bucket;
			ways &= ways - 1;
		}
	}
	return NULL;
}

static __always_inline struct ct_totals *ct_totals(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&sg_ct_totals, &zero);
}

/* Adds `change` (1 or -1) to the counts of a pair. Whoever changes a place's tag calls this. */
__noinline int ct_count(__u32 zone, __u32 peer, __u32 class, __s32 change)
{
	struct zone_pair pair = { .from = zone, .to = peer };
	struct ct_pair *counts;
	struct ct_totals *totals;

	if (class != CT_SLOT_HALF_OPEN && class != CT_SLOT_ESTABLISHED)
		return 0;
	counts = bpf_map_lookup_elem(&sg_ct_pairs, &pair);
	totals = ct_totals();
	if (!counts || !totals)
		return 0;
	if (class == CT_SLOT_HALF_OPEN) {
		__sync_fetch_and_add(&counts->half_open, change);
		__sync_fetch_and_add(&totals->half_open, change);
	} else {
		__sync_fetch_and_add(&counts->established, change);
		__sync_fetch_and_add(&totals->established, change);
	}
	return 0;
}

/* A full barrier: a CPU that reads the new tag also reads what was written before it. */
static __always_inline void ct_set_tag(__u32 *tag, __u32 value)
{
	__sync_lock_test_and_set(tag, value);
}

/* Claims a place of a class, which the caller may then write. False if another CPU was faster. */
__noinline int ct_take(__u32 place, __u32 class)
{
	struct connection_bucket *bucket = ct_bucket_of(place);
	struct connection *connection;
	__u32 *tag, before;

	if (!bucket)
		return false;
	tag = ct_tag(bucket, place);
	before = *(volatile __u32 *)tag;
	if (before == CT_SLOT_TAKEN || (before & CT_SLOT_CLASS) != class || __sync_val_compare_and_swap(tag, before, CT_SLOT_TAKEN) != before)
		return false;
	connection = ct_entry(bucket, place);
	ct_count(connection->zone, connection->peer, class, -1);
	return true;
}

/* Inlined to save stack in deep call chains: kernels before 6.9 count at least 32 bytes for each call. */
static __always_inline void ct_end(struct connection_bucket *bucket, __u32 place)
{
	__u32 class = *(volatile __u32 *)ct_tag(bucket, place) & CT_SLOT_CLASS;

	if (class != CT_SLOT_FREE && ct_take(place, class))
		ct_set_tag(ct_tag(bucket, place), 0);
}

/* Ends a connection, whatever class it has. */
__noinline int ct_delete(__u32 place)
{
	struct connection_bucket *bucket = ct_bucket_of(place);

	if (bucket)
		ct_end(bucket, place);
	return 0;
}

/* Call after a connection's state has changed: counts it as `class`, and sets the deadline of its new state. */
__noinline int ct_reclass(__u32 place, __u32 class, __u32 now)
{
	struct connection_bucket *bucket = ct_bucket_of(place);
	struct connection *connection;
	__u32 *tag, before;

	if (!bucket)
		return 0;
	tag = ct_tag(bucket, place);
	connection = ct_entry(bucket, place);
	before = *(volatile __u32 *)tag;
	if ((before ^ connection->tag) & ~CT_SLOT_CLASS)
		return 0;
	bucket->deadlines[place % CT_WAYS] = now + timeout_of(connection) + 1;
	if ((before & CT_SLOT_CLASS) == class || __sync_val_compare_and_swap(tag, before, connection->tag | class) != before)
		return 0;
	ct_count(connection->zone, connection->peer, before & CT_SLOT_CLASS, -1);
	ct_count(connection->zone, connection->peer, class, 1);
	return 0;
}

/* Ends a connection that has expired. One that had packets since its deadline was set gets a new deadline. */
__noinline int ct_review(__u32 place, __u32 now)
{
	struct connection_bucket *bucket = ct_bucket_of(place);
	struct connection *connection;

	if (!bucket)
		return 0;
	connection = ct_entry(bucket, place);
	if (ct_is_over(connection, now))
		ct_end(bucket, place);
	else
		bucket->deadlines[place % CT_WAYS] = ct_seen(connection) + timeout_of(connection) + 1;
	return 0;
}

/* Ends a connection if no policy is left between its zones. Other connections are checked at their next packet. */
__noinline int ct_review_policy(__u32 place)
{
	struct connection_bucket *bucket = ct_bucket_of(place);
	struct connection *connection;
	struct zone_pair pair;

	if (!bucket)
		return 0;
	connection = ct_entry(bucket, place);
	pair.from = connection->zone;
	pair.to = connection->peer;
	if (connection->key.type == FLOW_CONNECTION && !bpf_map_lookup_elem(&sg_pol_pairs, &pair))
		ct_end(bucket, place);
	return 0;
}

/*
 * Ends the expired connections of a bucket; without any it reads one cache line. policy_generation: the bucket's connections are checked
 * against the policies, once for each generation; 0: they are not.
 */
__noinline int ct_sweep(__u32 index, __u32 now, __u64 policy_generation)
{
	struct connection_bucket *bucket = ct_bucket(index);
	__u32 due = 0, used;
	int i;

	if (!bucket)
		return 0;
	used = ~ct_matching(bucket, CT_SLOT_FREE, CT_SLOT_CLASS) & 0xff;
#pragma unroll
	for (i = 0; i < CT_WAYS; i++)
		due |= ((bucket->deadlines[i] - now) >> 31) << i;
	due &= used;
	for (i = 0; i < CT_WAYS && due; i++) {
		ct_review(index * CT_WAYS + lowest_way(due), now);
		due &= due - 1;
	}
	if (!policy_generation || bucket->policy_generation == policy_generation)
		return 0;
	bucket->policy_generation = policy_generation;
	for (i = 0; i < CT_WAYS && used; i++) {
		ct_review_policy(index * CT_WAYS + lowest_way(used));
		used &= used - 1;
	}
	return 0;
}

/* Makes a connection visible to look-ups. */
static __always_inline void ct_publish(struct connection_bucket *bucket, __u32 place, __u32 now)
{
	struct connection *connection = ct_entry(bucket, place);

	bucket->deadlines[place % CT_WAYS] = now + timeout_of(connection) + 1;
	ct_set_tag(ct_tag(bucket, place), connection->tag | CT_SLOT_HALF_OPEN);
}
