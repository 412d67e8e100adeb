/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Keys and values of a network node's maps: zones, policies, connections. A zone is an end of policies: a tenant (its id), or an
 * external network (EXTERNAL_ZONE + its number).
 */
#pragma once
#include "abi/gateway_types.h"

/* Configuration of the node. sg_nn_config[0]. */
struct nn_config {
	/* The agent takes another after each change of routes or sg_pol_pairs: connections let in before are looked at again. */
	__u64 policy_generation;
	/* Of the next policy set; programs do not read it. */
	__u32 next_set;
	__u16 self; /* this node's network node number, or NO_NETWORK_NODE */
	__u16 unused;
	/* Random, of the hash of connections: nobody outside can choose who shares a bucket with whom. Constant for the lifetime of sg_ct. */
	__u64 seeds[HASH_SEEDS];
};

/* sg_gw_sids[address]: the source zone of what arrives for it. routes: the destination zone of an address. */
struct zone {
	__u32 id;
	__u32 slot; /* of its connections and counters */
	__u32 gateway;
	__u16 mtu; /* of a destination: its largest packet, bytes; 0: not known here */
	__u16 flags; /* enum zone_flags */
};

enum zone_flags {
	ZONE_OUTSIDE = 1, /* sg_ext_src: the address arrives by the network's interface, and is not one of the network */
};

/* The source address of ICMP errors to senders of a zone. sg_icmp_src_lpm, whose keys are prefixes of senders. */
struct icmp_src {
	struct in6_addr address;
};

/* A source that may arrive at an interface of an external network; the value is its zone. sg_ext_src. */
struct external_src_key {
	__u32 length; /* bits, 64 for interface and family included */
	__u32 ifindex;
	__u32 family;
	struct in6_addr address;
};

/* sg_pol_pairs. */
struct zone_pair {
	__u32 from; /* zone */
	__u32 to;
};

enum policy_table {
	POLICY_ANY = 1, /* rules of policies without prefixes */
	POLICY_SOURCE = 2, /* with source prefixes */
	POLICY_DESTINATION = 4, /* with destination prefixes */
	POLICY_BOTH = 8,
};

/* A set's content never changes: a change makes another set and updates the pair once. Numbers are never used again. */
struct policy_set {
	__u32 id;
	__u32 tables; /* enum policy_table: those that it has */
};

/* sg_pol_src, sg_pol_dst: a set's prefixes. */
struct class_key {
	__u32 length; /* bits, 64 for set and family included */
	__u32 set;
	__u32 family;
	struct in6_addr address;
};

struct policy_class {
	__u32 id; /* from 1; of the longest prefix of the set that has the address */
	__u32 unused;
};

/* sg_pol_rules. */
struct rule_key {
	__u32 set;
	__u32 source; /* class; 0: any, of POLICY_ANY and POLICY_DESTINATION */
	__u32 dest; /* class; 0: any, of POLICY_ANY and POLICY_SOURCE */
	__u32 protocol; /* IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP for both families' ICMP, 0 for what is none of them */
};

/* A run of sg_pol_ports, sorted. */
struct policy_rule {
	__u32 first;
	__u32 count;
};

enum policy_flags {
	POLICY_ALLOW = 1,
	POLICY_LOG = 2,
	POLICY_NONE = 4, /* no policy has these ports */
};

/* From this destination port on, up to the next one's. sg_pol_ports[]. */
struct policy_port {
	__u32 set; /* whose it is: places are used again */
	__u16 first;
	__u16 flags;
	__u32 policy; /* slot */
	__u32 rank; /* between a set's tables: the lowest decides */
};

/* A policy's name, for `segue show`; programs do not read it. sg_policies[slot]. */
struct policy {
	__u8 name[POLICY_NAME_BYTES]; /* UTF-8, the rest zero */
};

/* sg_pol_hits[slot]. Per CPU. */
struct policy_hit {
	__u64 connections; /* decided by it: let in, or refused */
	__u64 packets; /* of these, in both directions */
	__u64 bytes; /* of inner packets */
};

enum ct_state {
	CT_SYN_SENT = 1, /* TCP: SYN seen; UDP, ICMP: nothing came back yet */
	CT_SYN_RECV, /* TCP: SYN and ACK came back */
	CT_ESTABLISHED,
	CT_CLOSING, /* TCP: FIN of one side; the flags say which */
	CT_CLOSED, /* TCP: FIN of both, or RST */
	CT_RELAYED, /* of fragments only: they are sent to the network node `relay` */
};

enum ct_flags {
	CT_FIN_ORIGINAL = 1, /* sent by the opener */
	CT_FIN_REPLY = 2, /* sent by the other side */
};

/* Seconds without a packet after which a connection expires. */
enum ct_timeout {
	TCP_HANDSHAKE_SECONDS = 60,
	TCP_ESTABLISHED_SECONDS = 432000, /* nf_conntrack's; the table's size bounds it, not time */
	TCP_CLOSING_SECONDS = 120,
	UDP_SECONDS = 180, /* RFC 4787 REQ-5: two minutes at least */
	ICMP_SECONDS = 30,
	OTHER_SECONDS = 600,
	FRAGMENTS_SECONDS = 60, /* RFC 8200 section 4.5 */
};

/* The class of a connection, in the two low bits of its tag. */
enum ct_slot_class {
	CT_SLOT_FREE,
	CT_SLOT_HALF_OPEN, /* without an answer, with an incomplete handshake, or fragments */
	CT_SLOT_ESTABLISHED, /* never evicted */
	CT_SLOT_CLOSED, /* not counted: a new connection may take its place */
};

enum ct_direction_flags {
	CT_SEQUENCE = 1, /* `next` is known */
	CT_ACKED = 2, /* `acked` and `limit` are known */
};

/*
 * One direction of a connection, from its sender's packets. Each direction has a cache line of its own, which two CPUs that carry one
 * direction each do not share. Sequence numbers are TCP's.
 */
struct ct_direction {
	__u32 next; /* after the highest sequence number that it sent */
	__u32 acked; /* the highest that it acknowledged; the original direction's before its first ACK: after its SYN */
	__u32 limit; /* up to which it lets the other side send */
	__u32 window; /* the largest that it offered, bytes */
	__u32 peer_window; /* the other side's `window`, when this direction was last looked at in full */
	__u32 seen; /* its last packet, TICK_SHIFT says in what */
	__u8 scale; /* of its windows: a shift */
	__u8 flags; /* enum ct_direction_flags */
	__u16 unused[3];
};

/* A connection. Its key is the flow as the opening zone sends it. Three cache lines: the compared part, and one for each direction. */
struct connection {
	struct flow_key key;
	__u32 zone; /* that opened it */
	__u32 peer; /* zone that it goes to */
	__u64 policy_generation; /* when the policy was last looked at */
	__u32 policy; /* slot */
	__u8 state; /* enum ct_state */
	__u8 flags; /* enum ct_flags */
	__u16 peer_mtu; /* as of struct zone */
	struct ct_direction original;
	__u32 set; /* that let it in */
	__u32 peer_slot;
	__u32 opened; /* TICK_SHIFT says in what */
	__u32 tag; /* as of the bucket, without the class */
	__u16 relay_node;
	__u16 unused[7];
	struct ct_direction reply;
	__u32 unused2[8];
};

/*
 * sg_ct[bucket]: places for eight connections. A connection's hash names two buckets. A look-up reads tags, and compares the key of
 * the connection whose tag is its own.
 *
 * A place's tag alone says who owns it, and changes by compare and swap: free, claimed by the CPU that writes it (CT_SLOT_TAKEN), in use. The
 * CPU that changes the tag changes the counts of the pair, so the counts are exact on any number of CPUs.
 */
struct connection_bucket {
	__u32 tags[CT_WAYS]; /* 30 bits of the hash and enum ct_slot_class; 0: free */
	__u32 deadlines[CT_WAYS]; /* at which a connection may be over: it is looked at then, not before */
	__u64 policy_generation; /* of the policies that its connections were last held against */
	__u64 unused[7];
	struct connection entries[CT_WAYS];
};

/* Connections of a pair of zones, opener and peer. sg_ct_pairs. */
struct ct_pair {
	__u32 half_open;
	__u32 established;
	__u64 refused; /* new ones, for want of a place */
};

/* The same of all pairs. sg_ct_totals[0]. */
struct ct_totals {
	__u32 half_open;
	__u32 established;
	__u32 unused[14];
	__u32 hand; /* the next bucket that is swept; in another cache line */
	__u32 unused2;
	__u64 evicted; /* half-open ones that lost their place to another */
	__u32 unused3[12];
};

/* A CPU's cache entry of a forwarded flow whose packets change nothing of the connection but its time (bpf/fib/nn_flow_cache.h). */
struct nn_flow_entry {
	__u64 generation;
	__u64 policy_generation; /* as of nn_config */
	struct in6_addr sid;
	struct in6_addr source;
	struct in6_addr dest;
	struct in6_addr first; /* first segment of the way to the destination */
	__u32 ports;
	__u32 seen; /* coarse_jiffies() */
	__u32 hash; /* of the flow, as both its directions have it */
	__u32 from_slot;
	__u32 peer_slot;
	__u32 policy; /* slot, or NO_SLOT */
	__u32 ifindex;
	__u16 mtu; /* of inner packets: of where it goes, and of the way there */
	__u8 family;
	__u8 protocol;
	__u8 dest_mac[6]; /* with source_mac copied in one piece, as in struct nexthop */
	__u8 source_mac[6];
	__u32 place; /* TCP: place of its connection << 1 | direction (1: reply). The fields below are of TCP, too */
	struct ct_direction tcp; /* a copy that may be ahead of the connection's, and is written back at times */
	__u32 written; /* tcp.next when it was, and tcp.acked */
	__u32 written_acked;
	__u32 peer; /* zone that it goes to */
	__u32 unused[5]; /* to lines of the processor's cache */
};

struct nn_flow_set {
	struct nn_flow_entry flows[CACHE_WAYS];
};

/* The rate limit of a CPU's records in the policy log. sg_log_rate[0]. */
struct policy_log_ratelimit {
	__u64 second; /* ns since boot at which it began */
	__u32 logged; /* within it */
	__u32 suppressed; /* since the last one that was sent: beyond the rate, or the ring was full */
	__u64 all_suppressed;
};

/* A decision by a policy that asks for it, or one without any policy. Records of the ring sg_policy_log. */
struct policy_log_event {
	__u64 time; /* ns since boot */
	struct flow_key flow;
	__u32 from; /* zone */
	__u32 to;
	__u32 policy; /* slot; NO_SLOT: none */
	__u32 reason; /* enum reason */
	__u32 length; /* of the inner packet, bytes */
	__u32 suppressed; /* on this CPU since the last one that was sent */
};
