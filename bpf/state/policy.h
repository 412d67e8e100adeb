/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What the policies say of a new connection. Its cost does not grow with their number: two prefix lookups, and in each of at most four
 * tables a hash lookup and a binary search. A set of policies never changes: whoever finds a piece of it gone reads the pair again.
 */
#pragma once
#include "fib/flow_key.h"
#include "maps/nn_maps.h"
#include "maps/nn_scratch.h"

/* Runs are of at most 65,536 ports. */
#define SEARCH_STEPS 17
/* A set that is replaced while it is read is read again; who meets three replacements in a microsecond is refused. */
#define SET_ATTEMPTS 3
#define POLICY_TABLES 4

/* Of policies: both families' ICMP is one, what is none of the three is 0. */
static __always_inline __u32 policy_protocol(__u8 protocol)
{
	if (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_ICMP)
		return protocol;
	return protocol == IPPROTO_ICMPV6 ? IPPROTO_ICMP : 0;
}

/* The place in policy_ports of what a rule says of a port; -1: there is no such rule. A function of its own: verified once. */
__noinline int find_policy_port(__u32 set, __u32 source, __u32 dest, __u32 protocol, __u32 port)
{
	struct rule_key key = { .set = set, .source = source, .dest = dest, .protocol = protocol };
	struct policy_rule *rule = bpf_map_lookup_elem(&policy_rules, &key);
	__u32 first, count;
	int step;

	if (!rule || !rule->count)
		return -1;
	first = rule->first;
	count = rule->count;
	for (step = 0; step < SEARCH_STEPS && count > 1; step++) {
		__u32 half = count / 2, middle = first + half;
		struct policy_port *entry = bpf_map_lookup_elem(&policy_ports, &middle);

		if (!entry)
			return -1;
		if (entry->first <= port) {
			first = middle;
			count -= half;
		} else {
			count = half;
		}
	}
	return first;
}

static __always_inline __u32 class_of(void *trie, __u32 set, __u32 family, const struct in6_addr *address)
{
	struct class_key key = {
		.length = 64 + (family == FAMILY_INET ? 32 : 128),
		.set = set,
		.family = family,
		.address = *address,
	};
	struct policy_class *class = bpf_map_lookup_elem(trie, &key);

	return class ? class->id : 0;
}

/* Asks one table of a set; what ranks lower than what was found before is taken over. */
static __always_inline void ask_table(struct policy_decision *decision, __u32 source, __u32 dest, __u32 protocol, __u32 port)
{
	int place = find_policy_port(decision->set, source, dest, protocol, port);
	__u32 index = place;
	struct policy_port *entry;

	if (place < 0)
		return;
	entry = bpf_map_lookup_elem(&policy_ports, &index);
	if (!entry || entry->set != decision->set || entry->flags & POLICY_NONE || entry->rank >= decision->rank)
		return;
	decision->rank = entry->rank;
	decision->policy = entry->policy;
	decision->flags = entry->flags;
}

static __always_inline void ask_set(struct policy_decision *decision, __u32 tables, const struct flow_key *key)
{
	__u32 protocol = policy_protocol(key->protocol), source = 0, dest = 0, port = 0;

	if (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP)
		port = bpf_ntohs(key->dest_port);
	if (tables & (POLICY_SOURCE | POLICY_BOTH))
		source = class_of(&policy_sources, decision->set, key->family, &key->source);
	if (tables & (POLICY_DESTINATION | POLICY_BOTH))
		dest = class_of(&policy_destinations, decision->set, key->family, &key->dest);
	if (tables & POLICY_ANY)
		ask_table(decision, 0, 0, protocol, port);
	if (tables & POLICY_SOURCE && source)
		ask_table(decision, source, 0, protocol, port);
	if (tables & POLICY_DESTINATION && dest)
		ask_table(decision, 0, dest, protocol, port);
	if (tables & POLICY_BOTH && source && dest)
		ask_table(decision, source, dest, protocol, port);
}

/*
 * May a zone open this connection to another? key: as the one who opens it sends it.
 *
 * REASON_FORWARDED, DROP_POLICY, DROP_NO_POLICY_MATCH or DROP_NO_POLICY.
 */
__noinline int ask_policies(struct policy_decision *decision, const struct flow_key *key, __u32 from, __u32 to)
{
	struct pair_key pair = { .from = from, .to = to };
	struct policy_set *set;
	int attempt;

	if (!decision || !key)
		return DROP_NO_POLICY;
	set = bpf_map_lookup_elem(&policy_pairs, &pair);
	decision->set = 0;
	decision->policy = NO_SLOT;
	for (attempt = 0; attempt < SET_ATTEMPTS; attempt++) {
		if (!set)
			return DROP_NO_POLICY;
		decision->set = set->id;
		decision->policy = NO_SLOT;
		decision->rank = 0xffffffff;
		decision->flags = 0;
		ask_set(decision, set->tables, key);
		/* Pieces of a set go only when the pair has another. */
		set = bpf_map_lookup_elem(&policy_pairs, &pair);
		if (!set || set->id != decision->set)
			continue;
		if (decision->policy == NO_SLOT)
			return DROP_NO_POLICY_MATCH;
		return decision->flags & POLICY_ALLOW ? REASON_FORWARDED : DROP_POLICY;
	}
	decision->policy = NO_SLOT;
	return DROP_NO_POLICY_MATCH;
}
