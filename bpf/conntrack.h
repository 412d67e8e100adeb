/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Connections that policies let in: one entry each, in the table of the zone that opened it, under its key as that side sends it. A
 * reply is looked up reversed in the table of the zone that it goes to.
 */
#pragma once
#include "flow.h"
#include "steer_maps.h"

static __always_inline __u32 timeout_of(const struct flow_key *key, const struct connection *connection)
{
	if (key->kind == FLOW_FRAGMENTS)
		return SECONDS(FRAGMENTS_SECONDS);
	if (key->protocol == IPPROTO_TCP) {
		if (connection->state == CONNECTION_OPEN)
			return SECONDS(TCP_OPEN_SECONDS);
		return connection->state >= CONNECTION_CLOSING ? SECONDS(TCP_CLOSING_SECONDS) : SECONDS(TCP_OPENING_SECONDS);
	}
	if (key->protocol == IPPROTO_UDP)
		return SECONDS(UDP_SECONDS);
	if (key->protocol == IPPROTO_ICMP || key->protocol == IPPROTO_ICMPV6)
		return SECONDS(ICMP_SECONDS);
	return SECONDS(OTHER_SECONDS);
}

/* The entry of a flow that a zone opened, if it is still one. */
static __always_inline struct connection *find_connection(void *table, const struct flow_key *key, __u32 now)
{
	struct connection *connection = bpf_map_lookup_elem(table, key);

	/* Another CPU may have seen the next tick already. */
	if (connection && (__s32)(now - connection->seen) > (__s32)timeout_of(key, connection))
		return NULL;
	return connection;
}

/* Only what changes is written: entries are shared by CPUs. */
static __always_inline void touch(struct connection *connection, __u32 now)
{
	if (connection->seen != now)
		connection->seen = now;
}

/* TCP of the side that opened. False: it opens the connection anew, so the policies are to be asked. */
static __always_inline bool step_forward(struct connection *connection, const struct packet *packet)
{
	__u8 flags = packet->tcp_flags;

	if (packet->opens)
		return connection->state != CONNECTION_CLOSED;
	if (connection->state == CONNECTION_CLOSED)
		return true;
	if (flags & TCP_RST) {
		connection->state = CONNECTION_CLOSED;
	} else if (flags & TCP_FIN) {
		connection->flags |= CONNECTION_FIN_SENT;
		connection->state = connection->flags & CONNECTION_FIN_RECEIVED ? CONNECTION_CLOSED : CONNECTION_CLOSING;
	} else if (connection->state == CONNECTION_ANSWERED && flags & TCP_ACK) {
		connection->state = CONNECTION_OPEN;
	}
	return true;
}

/* TCP of the other side. False: it is no answer to what was sent. */
static __always_inline bool step_reply(struct connection *connection, const struct packet *packet)
{
	__u8 flags = packet->tcp_flags;

	/* All but the first of both sides' crossing SYNs carries an ACK (RFC 9293 sections 3.5 and 3.10.7.3). */
	if (connection->state == CONNECTION_OPENING && !(flags & (TCP_ACK | TCP_SYN)))
		return false;
	if (connection->state == CONNECTION_CLOSED)
		return true;
	if (flags & TCP_RST) {
		connection->state = CONNECTION_CLOSED;
	} else if (flags & TCP_FIN) {
		connection->flags |= CONNECTION_FIN_RECEIVED;
		connection->state = connection->flags & CONNECTION_FIN_SENT ? CONNECTION_CLOSED : CONNECTION_CLOSING;
	} else if (connection->state == CONNECTION_OPENING && flags & TCP_SYN) {
		connection->state = CONNECTION_ANSWERED;
	}
	return true;
}
