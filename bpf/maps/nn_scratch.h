/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Per-CPU work space of a network node's programs, too large for the stack. */
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

struct nn_verdict {
	struct zone from;
	__u32 peer; /* zone that the packet goes to; 0: not known */
	__u32 peer_slot;
	__u32 peer_mtu; /* bytes; 0: not known */
	__u32 policy; /* slot, or NO_SLOT */
	__u32 relay_node; /* number of the network node to relay the packet to, or NO_NETWORK_NODE */
	__u32 relay_count; /* how often the packet is relayed, this time included; 0: not relayed */
	bool new_decision; /* the policies let a connection in, or refused one, with this packet */
	bool log;
	bool may_relay; /* another network node may have the connection */
	bool is_reply; /* of a connection that the other side opened */
	__u32 place; /* of the connection, if there is one */
	bool cacheable; /* the next packets of the flow only refresh the connection, unless TCP changes its state */
	struct flow_key reversed;
	struct policy_decision decision; /* if the policies were looked up */
};

/* A packet and its verdict. */
struct nn_buf {
	struct packet packet;
	struct nn_verdict verdict;
	__u32 at; /* offset of the packet in its frame, bytes */
	__u32 mtu; /* that the packet was checked against */
};
SCRATCH(sg_nn_buf, struct nn_buf);

#define OPTIONS_BYTES 40

/* Options of a SYN and the cursor in them: not on the stack, whose values the verifier would track (net/tcp_mss.h). */
struct tcp_options {
	__u64 at;
	__u8 bytes[OPTIONS_BYTES];
};
SCRATCH(sg_tcp_opts, struct tcp_options);
