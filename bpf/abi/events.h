/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The filter of a trace session, and the record that a session gets for a packet. */
#pragma once
#include <linux/types.h>
#include "abi/limits.h"

/* Whether there is a trace session. Without one, reading this variable is all that a packet pays. */
struct trace_enabled {
	__u32 active; /* a bit for each of sg_trace_sess[] */
	__u32 snap; /* bytes that the one who wants most wants of a packet */
};

/* The filter of a trace session (`segue monitor`, `segue capture`, `segue trace`). sg_trace_sess[slot]. */
struct trace_session {
	__u64 until; /* ns of CLOCK_MONOTONIC: renewed while it lives, so that one that was killed costs nothing for long */
	__u64 reasons; /* a bit for each reason */
	__u32 tenant; /* 0: any */
	__u32 ifindex; /* that the packet came in or leaves by; 0: any */
	__u32 rate; /* events a second of each reason and CPU; 0: all */
	__u32 peer; /* besides those of `tenant`, those that are for it at a network node; 0: none */
	__u64 records; /* that it has read so far: what metrics tell of it */
};

/* The rate limit of a session, a reason and a CPU. sg_trace_rate[slot * REASON_BITS + reason]. */
struct trace_ratelimit {
	__u64 updated; /* ns */
	__u64 tokens;
	__u64 suppressed; /* events beyond the rate */
	__u64 lost; /* events for which the ring had no room */
};

enum hook {
	HOOK_PORT = 1,
	HOOK_PORT_XDP,
	HOOK_UPLINK,
	HOOK_UPLINK_XDP,
	HOOK_NN_UPLINK, /* a network node's uplink */
	HOOK_NN_UPLINK_XDP,
	HOOK_EXTERNAL, /* an interface of an external network */
};

/* A network node's decision, besides its policy. */
enum trace_flags {
	TRACE_LOGGED = 1, /* the policy asks for a log record: sg_policy_log has it, too */
	TRACE_RELAYED = 2, /* to another network node, which may know its connection */
	TRACE_REPLY = 4, /* of a connection that the other side opened */
	TRACE_OPENED = 8, /* decided by a policy now, not by a connection */
};

/* A record of a session's ring: the packet's verdict. The packet as it arrived follows, then as it leaves if it was altered. */
struct trace_event {
	__u64 time; /* ns of CLOCK_MONOTONIC */
	__u32 reason;
	__u32 hook;
	__u32 tenant; /* at a network node: the zone that it is from; 0: not known */
	__u32 ifindex; /* it came in by */
	__u32 egress; /* it leaves by; 0: it does not by the fast path */
	__u32 length; /* of the frame as it came, bytes */
	__u32 captured; /* bytes of it */
	__u32 after_length;
	__u32 after_captured; /* 0: it was not altered */
	__u32 segments; /* of a super-packet, else 0 */
	__u32 vlan_tci; /* of the tag beside the frame as it came, else 0 */
	/* Results of the lookups that decided. */
	__u32 peer; /* a network node's: the zone that it is for; 0: not known */
	__u32 policy; /* a network node's: slot; NO_SLOT: none decided */
	__u32 flags; /* enum trace_flags */
	__u32 endpoint; /* enum endpoint_type of the destination; 0: none was found */
	__u32 endpoint_id; /* as of struct endpoint: of an encapsulation, of an interface */
};
