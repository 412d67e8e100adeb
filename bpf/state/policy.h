/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Decides about a new connection by the policies. The cost does not grow with their number: two prefix lookups, then a hash lookup and a
 * binary search in each of at most four tables. A policy set never changes: a reader that finds a part of it gone reads the pair again.
 */
#pragma once
#include "fib/flow_key.h"
#include "maps/nn_maps.h"
#include "maps/nn_scratch.h"

/* A run has at most 65,536 ports. */
#define SEARCH_STEPS 17
/* A set that is replaced while it is read is read again. After three replacements within microseconds the packet is dropped. */
#define SET_ATTEMPTS 3
#define POLICY_TABLES 4

/* The protocol number in rules: ICMPv6 counts as ICMP, and 0 stands for all but TCP, UDP and ICMP. */
static __always_inline __u32 policy_protocol(__u8 protocol)
{
	if (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_ICMP)
		return protocol;
	return protocol == IPPROTO_ICMPV6 ? IPPROTO_ICMP : 0;
}

/* Index in sg_pol_ports of a rule's entry for a port; -1 if there is no such rule. A global function: verified once. */
__noinline int policy_find_port(__u32 set, __u32 source, __u32 dest, __u32 protocol, __u32 port)
{
	struct rule_key key = { .set = set, .source = source, .dest = dest, .protocol = protocol };
	struct policy_rule *rule = bpf_map_lookup_elem(&sg_pol_rules, &key);
	__u32 first, count;
	int step;

	if (!rule || !rule->count)
		return -1;
	first = rule->first;
	count = rule->count;
	for (step = 0; step < SEARCH_STEPS && count > 1; step++) {
		__u32 half = count / 2, middle = first + half;
		struct policy_port *entry = bpf_map_lookup_elem(&sg_pol_ports, &middle);

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

static __always_inline __u32 policy_class_of(void *trie, __u32 set, __u32 family, const struct in6_addr *address)
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

/* Looks up one table of a set. Its policy becomes the decision if its rank is lower than the one found so far. */
static __always_inline void policy_lookup_table(struct policy_decision *decision, __u32 source, __u32 dest, __u32 protocol, __u32 port)
{
	int found = policy_find_port(decision->set, source, dest, protocol, port);
	__u32 index = found;
	struct policy_port *entry;

	if (found < 0)
		return;
	entry = bpf_map_lookup_elem(&sg_pol_ports, &index);
	if (!entry || entry->set != decision->set || entry->flags & POLICY_NONE || entry->rank >= decision->rank)
		return;
	decision->rank = entry->rank;
	decision->policy = entry->policy;
	decision->flags = entry->flags;
}

static __always_inline void policy_lookup_set(struct policy_decision *decision, __u32 tables, const struct flow_key *key)
{
	__u32 protocol = policy_protocol(key->protocol), source = 0, dest = 0, port = 0;

	if (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP)
		port = bpf_ntohs(key->dest_port);
	if (tables & (POLICY_SOURCE | POLICY_BOTH))
		source = policy_class_of(&sg_pol_src, decision->set, key->family, &key->source);
	if (tables & (POLICY_DESTINATION | POLICY_BOTH))
		dest = policy_class_of(&sg_pol_dst, decision->set, key->family, &key->dest);
	if (tables & POLICY_ANY)
		policy_lookup_table(decision, 0, 0, protocol, port);
	if (tables & POLICY_SOURCE && source)
		policy_lookup_table(decision, source, 0, protocol, port);
	if (tables & POLICY_DESTINATION && dest)
		policy_lookup_table(decision, 0, dest, protocol, port);
	if (tables & POLICY_BOTH && source && dest)
		policy_lookup_table(decision, source, dest, protocol, port);
}

/*
 * Whether a zone may open this connection to another. key: the flow as the opener sends it.
 *
 * Returns REASON_FORWARDED, DROP_POLICY, DROP_NO_POLICY_MATCH or DROP_NO_POLICY.
 */
__noinline int policy_lookup(struct policy_decision *decision, const struct flow_key *key, __u32 from, __u32 to)
{
	struct zone_pair pair = { .from = from, .to = to };
	struct policy_set *set;
	int attempt;

	if (!decision || !key)
		return DROP_NO_POLICY;
	set = bpf_map_lookup_elem(&sg_pol_pairs, &pair);
	decision->set = 0;
	decision->policy = NO_SLOT;
	for (attempt = 0; attempt < SET_ATTEMPTS; attempt++) {
		if (!set)
			return DROP_NO_POLICY;
		decision->set = set->id;
		decision->policy = NO_SLOT;
		decision->rank = 0xffffffff;
		decision->flags = 0;
		policy_lookup_set(decision, set->tables, key);
		/* A set's parts are removed only after the pair has another set. */
		set = bpf_map_lookup_elem(&sg_pol_pairs, &pair);
		if (!set || set->id != decision->set)
			continue;
		if (decision->policy == NO_SLOT)
			return DROP_NO_POLICY_MATCH;
		return decision->flags & POLICY_ALLOW ? REASON_FORWARDED : DROP_POLICY;
	}
	decision->policy = NO_SLOT;
	return DROP_NO_POLICY_MATCH;
}
