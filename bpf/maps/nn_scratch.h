/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Work space of a network node's programs, one CPU's own: the stack is too small for it. */
#pragma once
#include "abi/nn_types.h"
#include "maps/map_defs.h"
#include "net/parse_flow.h"

struct policy_decision {
	__u32 set;
	__u32 policy; /* slot, or NO_SLOT */
	__u32 rank;
	__u32 flags; /* enum policy_flags */
};

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
	bool is_reply;	/* of a connection that the other side opened */
	__u32 place;	/* of its connection, where it has one */
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

struct log_budget {
	__u64 second;
	__u32 told;
	__u32 suppressed;
};
ARRAY(log_budgets, BPF_MAP_TYPE_PERCPU_ARRAY, struct log_budget, 1);

#define OPTIONS_BYTES 40

/* Options of a SYN, and where the reading is: not on the stack, which the verifier would follow (net/tcp_mss.h). */
struct tcp_options {
	__u64 at;
	__u8 bytes[OPTIONS_BYTES];
};
ARRAY(tcp_options, BPF_MAP_TYPE_PERCPU_ARRAY, struct tcp_options, 1);
