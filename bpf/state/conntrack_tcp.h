/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * TCP connections: states and sequence numbers (RFC 9293, RFC 5961).
 *
 * Each direction's line says how far its sender has sent, what it acknowledged, and up to where it lets the other side send. A packet writes the
 * line of its own direction alone; the full look reads the other direction's, too. What is neither near what its sender sent before nor acknowledges
 * what that sender may have received is passed, and changes nothing: the ends judge it.
 *
 * A CPU that remembers a flow has a copy of its direction's line beside what it remembers: packets read and write that (ct_tcp_fast()). The table
 * is too large for the processor's caches and its TLB. The copy is written back when it is a quarter of a window ahead, before a packet of the flow
 * takes the full look, and when another flow takes its place. So the table is a quarter of a window behind at most, and never for this CPU: the
 * full look allows for that (CT_BEHIND).
 */
#pragma once
#include "maps/nn_scratch.h"
#include "state/conntrack_admit.h"

#define NO_SCALE 0xff
#define MAX_SCALE 14 /* RFC 7323 section 2.3 */
/* Segments that come late are as old as this at least: the largest window without a scale, and some (nf_conntrack's MAXACKWINCONST). */
#define OLD_BYTES 66000
#define OPTION_END 0
#define OPTION_PAD 1
#define OPTION_SCALE 3

/* How far a line of the table may be behind its sender, of its largest window. */
#define CT_BEHIND(window) ((window) / 4)

/* The window scale that a SYN offers. What cannot be read is taken for the largest: it makes windows too large, never too small. */
__noinline int find_scale(__u32 length)
{
	__u32 zero = 0, i;
	struct tcp_options *options = bpf_map_lookup_elem(&tcp_options, &zero);
	volatile __u64 *place;

	if (!options)
		return MAX_SCALE;
	place = &options->at;
	*place = 0;
	for (i = 0; i < OPTIONS_BYTES; i++) {
		__u64 at = *place;
		__u8 bytes;

		if (at + 3 > length || at > OPTIONS_BYTES - 3 || options->bytes[at] == OPTION_END)
			break;
		if (options->bytes[at] == OPTION_PAD) {
			*place = at + 1;
			continue;
		}
		bytes = options->bytes[at + 1];
		if (options->bytes[at] == OPTION_SCALE && bytes == 3)
			return options->bytes[at + 2] > MAX_SCALE ? MAX_SCALE : options->bytes[at + 2];
		if (bytes < 2)
			break;
		*place = at + bytes;
	}
	return NO_SCALE;
}

/* What the connection needs of a TCP header. at: of the inner packet in the frame */
static __noinline void read_tcp(struct packet *packet, void *data, void *data_end, __u32 at)
{
	__u32 bytes = packet->inner.l4_bytes - 20, zero = 0, i;
	struct tcp_options *options;
	__u8 *header;

	at += packet->inner.header_bytes;
	header = data + (at & 0x1fff);
	if ((void *)(header + 20) > data_end)
		return;
	packet->sequence = bpf_ntohl(*(__be32 *)(header + 4));
	packet->acked = bpf_ntohl(*(__be32 *)(header + 8));
	packet->window = bpf_ntohs(*(__be16 *)(header + 14));
	if (!(packet->tcp_flags & TCP_SYN))
		return;
	packet->scale = NO_SCALE;
	options = bpf_map_lookup_elem(&tcp_options, &zero);
	if (!options || !bytes || bytes > OPTIONS_BYTES)
		return;
#pragma unroll
	for (i = 0; i < OPTIONS_BYTES / 4; i++) {
		if (i * 4 >= bytes)
			break;
		if ((void *)(header + 24 + 4 * i) > data_end) {
			packet->scale = MAX_SCALE;
			return;
		}
		*(__u32 *)&options->bytes[4 * i] = *(__u32 *)(header + 20 + 4 * i);
	}
	packet->scale = find_scale(bytes);
}

/* Bytes; of a super-packet all of it. */
static __always_inline __u32 tcp_payload(const struct packet *packet)
{
	__u32 headers = packet->inner.header_bytes + packet->inner.l4_bytes;

	return packet->inner.length > headers ? packet->inner.length - headers : 0;
}

/* Could the sender of a direction have sent it? Of what its own line says. end: after its last sequence number */
static __always_inline bool ct_tcp_plausible(const struct ct_direction *own, __u32 sequence, __u32 end, __u32 acked)
{
	__s32 old = own->peer_window > OLD_BYTES ? own->peer_window : OLD_BYTES;
	__s32 old_ack = own->window > OLD_BYTES ? own->window : OLD_BYTES;
	__s32 ack = acked - own->acked;

	/* One byte beyond the window is a probe of a closed one. */
	return (__s32)(end - own->next) <= (__s32)(own->peer_window + CT_BEHIND(own->peer_window)) + 1 &&
	       (__s32)(own->next - sequence) <= old && ack >= -old_ack &&
	       ack <= (__s32)(own->limit - own->acked + CT_BEHIND(own->window)) + 1;
}

/* Only what changes is written. window: bytes */
static __always_inline void ct_tcp_learn(struct ct_direction *own, __u32 end, __u32 acked, __u32 window)
{
	if ((__s32)(end - own->next) > 0)
		own->next = end;
	if ((__s32)(acked - own->acked) > 0)
		own->acked = acked;
	if ((__s32)(acked + window - own->limit) > 0)
		own->limit = acked + window;
	if (window > own->window)
		own->window = window;
}

/* Writes what a CPU remembers of a flow to the connection's entry, if that is further behind than the place is another's. */
static __noinline int ct_tcp_write_back(struct passed_flow *flow)
{
	__u32 place = flow->place >> 1, ports = flow->ports, ahead = flow->tcp.next, acked = flow->tcp.acked;
	struct connection_bucket *bucket = ct_bucket_of(place);
	struct connection *connection;
	struct ct_direction *own;

	flow->written = ahead;
	flow->written_acked = acked;
	if (!bucket)
		return 0;
	connection = ct_entry(bucket, place);
	if (flow->place & 1)
		ports = ports << 16 | ports >> 16;
	if (*(__u32 *)&connection->key.source_port != ports || connection->key.protocol != IPPROTO_TCP)
		return 0;
	own = flow->place & 1 ? &connection->reply : &connection->original;
	/* What is further away is of long ago. */
	if (ahead - own->next <= 2 * flow->tcp.peer_window)
		own->next = ahead;
	if (acked - own->acked <= 2 * flow->tcp.window) {
		own->acked = acked;
		if ((__s32)(flow->tcp.limit - own->limit) > 0)
			own->limit = flow->tcp.limit;
	}
	if (flow->tcp.window > own->window)
		own->window = flow->tcp.window;
	return 0;
}

static __always_inline bool ct_tcp_is_ahead(const struct passed_flow *flow)
{
	return flow->protocol == IPPROTO_TCP && (flow->written != flow->tcp.next || flow->written_acked != flow->tcp.acked);
}

/* The copy that goes with what a CPU remembers. */
static __always_inline void ct_tcp_copy(struct passed_flow *flow)
{
	struct connection_bucket *bucket = ct_bucket_of(flow->place >> 1);
	struct connection *connection;

	if (!bucket)
		return;
	connection = ct_entry(bucket, flow->place >> 1);
	flow->tcp = flow->place & 1 ? connection->reply : connection->original;
	flow->written = flow->tcp.next;
	flow->written_acked = flow->tcp.acked;
}

/* The packet of a flow that its CPU remembers, of an open connection, without SYN, FIN and RST. False: it needs the full look. */
static __always_inline bool ct_tcp_fast(struct passed_flow *flow, const struct inner *inner, const __u8 *header)
{
	struct ct_direction *own = &flow->tcp;
	__u32 sequence, end, acked, window;

	if (!(inner->tcp_flags & TCP_ACK))
		return false;
	sequence = bpf_ntohl(*(__be32 *)(header + 4));
	acked = bpf_ntohl(*(__be32 *)(header + 8));
	window = (__u32)bpf_ntohs(*(__be16 *)(header + 14)) << (own->scale & 15);
	end = sequence + inner->length - inner->header_bytes - inner->l4_bytes;
	if (!ct_tcp_plausible(own, sequence, end, acked))
		return false;
	ct_tcp_learn(own, end, acked, window);
	if (own->next - flow->written > CT_BEHIND(own->peer_window) || own->acked - flow->written_acked > CT_BEHIND(own->window))
		ct_tcp_write_back(flow);
	return true;
}

/* After its own SYN. */
static __always_inline void ct_tcp_begin(struct ct_direction *own, const struct packet *packet, __u32 end)
{
	own->next = end;
	own->acked = packet->sequence + 1;
	own->window = packet->window;
	own->scale = packet->scale;
	own->flags = CT_SEQUENCE;
	if (packet->tcp_flags & TCP_ACK) {
		own->acked = packet->acked;
		own->limit = packet->acked + packet->window;
		own->flags |= CT_ACKED;
	}
}

/* Both SYNs are known: windows are scaled if both offered it (RFC 7323 section 2.2). */
static __always_inline void ct_tcp_both(struct connection *connection)
{
	struct ct_direction *original = &connection->original, *reply = &connection->reply;

	if (original->scale == NO_SCALE || reply->scale == NO_SCALE) {
		original->scale = 0;
		reply->scale = 0;
	}
	original->peer_window = reply->window;
	reply->peer_window = original->window;
	connection->state = CONNECTION_ANSWERED;
}

static __always_inline void ct_tcp_open(struct connection *connection, __u32 place, __u32 now)
{
	connection->state = CONNECTION_OPEN;
	ct_reclass(place, CT_ESTABLISHED, now);
}

/* Does it acknowledge what the SYN of the original direction sent? Not all of it, where that had data (RFC 7413). */
static __always_inline bool ct_tcp_answers(const struct ct_direction *original, __u32 acked)
{
	return acked == original->next || (!(original->flags & CT_ACKED) && acked == original->acked);
}

/*
 * A SYN. On a connection that stands it changes nothing, whatever its sequence number: its receiver challenges it (RFC 5961 section 4.2), and the
 * answer to that, a RST that is exact, closes what the sender knows nothing of any more.
 */
static __always_inline void ct_tcp_syn(struct connection *connection, const struct packet *packet, __u32 place, bool is_reply, __u32 end,
				       __u32 now)
{
	struct ct_direction *original = &connection->original, *reply = &connection->reply;
	bool acks = packet->tcp_flags & TCP_ACK;

	if (connection->state == CONNECTION_OPENING) {
		if (!is_reply && !acks) {
			/* Sent again, or by who gave the first one up. */
			ct_tcp_begin(original, packet, end);
		} else if (is_reply && (!acks || ct_tcp_answers(original, packet->acked))) {
			ct_tcp_begin(reply, packet, end);
			ct_tcp_both(connection);
		}
		return;
	}
	/* Both sides' SYNs have crossed (RFC 9293 section 3.5). */
	if (connection->state != CONNECTION_ANSWERED || !acks)
		return;
	if (is_reply && !(reply->flags & CT_ACKED) && end == reply->next && packet->acked == original->next)
		ct_tcp_learn(reply, end, packet->acked, packet->window);
	else if (!is_reply && end == original->next && packet->acked == reply->next)
		ct_tcp_learn(original, end, packet->acked, packet->window);
	else
		return;
	if (is_reply) {
		reply->limit = packet->acked + packet->window;
		reply->flags |= CT_ACKED;
	} else {
		original->acked = packet->acked;
		original->limit = packet->acked + packet->window;
		original->flags |= CT_ACKED;
	}
	if (original->flags & reply->flags & CT_ACKED)
		ct_tcp_open(connection, place, now);
}

static __always_inline enum reason ct_tcp_reset(struct connection *connection, const struct packet *packet, __u32 place, bool is_reply,
						__u32 now)
{
	struct ct_direction *own = is_reply ? &connection->reply : &connection->original;
	struct ct_direction *other = is_reply ? &connection->original : &connection->reply;
	__u32 sequence = packet->sequence;
	bool exact;

	if (is_reply && connection->state == CONNECTION_OPENING) {
		/* RFC 9293 section 3.10.7.3: a SYN is answered by what acknowledges it. */
		if (!(packet->tcp_flags & TCP_ACK))
			return DROP_NOT_ESTABLISHED;
		if (!ct_tcp_answers(other, packet->acked))
			return DROP_SEQUENCE;
		exact = true;
	} else {
		/* What the receiver expects next is what it acknowledged, or what was sent since. */
		exact = sequence == own->next || (other->flags & CT_ACKED && sequence == other->acked);
	}
	if (exact) {
		connection->state = CONNECTION_CLOSED;
		ct_reclass(place, CT_CLOSED, now);
		return REASON_FORWARDED;
	}
	if (!(other->flags & CT_ACKED))
		return REASON_FORWARDED;
	/* RFC 5961 section 3.2: in the window the receiver challenges it. */
	if ((__s32)(sequence - other->acked) < 0)
		return DROP_SEQUENCE;
	if ((__s32)(sequence - other->limit) > (__s32)CT_BEHIND(other->window) && (__s32)(sequence - own->next) > 0)
		return DROP_SEQUENCE;
	return REASON_FORWARDED;
}

/*
 * A packet of a TCP connection that is not closed. place: of the connection
 *
 * REASON_FORWARDED, or why it is none.
 */
__noinline int ct_tcp(const struct packet *packet, __u32 place, bool is_reply, __u32 now)
{
	struct connection_bucket *bucket = ct_bucket_of(place);
	struct connection *connection;
	struct ct_direction *own, *other;
	__u32 end, window;
	__u8 flags;

	if (!packet || !bucket)
		return DROP_NOT_ESTABLISHED;
	connection = ct_entry(bucket, place);
	flags = packet->tcp_flags;
	if (flags & TCP_RST)
		return ct_tcp_reset(connection, packet, place, is_reply, now);
	own = is_reply ? &connection->reply : &connection->original;
	other = is_reply ? &connection->original : &connection->reply;
	/* All but the first of both sides' crossing SYNs carries an ACK (RFC 9293 sections 3.5 and 3.10.7.3). */
	if (is_reply && connection->state == CONNECTION_OPENING && !(flags & (TCP_ACK | TCP_SYN)))
		return DROP_NOT_ESTABLISHED;
	end = packet->sequence + tcp_payload(packet);
	if (flags & TCP_FIN)
		end++;
	ct_refresh(own, now);
	if (flags & TCP_SYN) {
		ct_tcp_syn(connection, packet, place, is_reply, end + 1, now);
		return REASON_FORWARDED;
	}
	if (!(flags & TCP_ACK) || !(own->flags & CT_SEQUENCE) || !(other->flags & CT_SEQUENCE))
		return REASON_FORWARDED;
	window = (__u32)packet->window << (own->scale & 15);
	if (!(own->flags & CT_ACKED)) {
		/* The end of the handshake acknowledges the other side's SYN: who has not seen that does not know the number. */
		if (other->next - packet->acked > own->window || end - own->next > other->window)
			return REASON_FORWARDED;
		own->acked = packet->acked;
		own->limit = packet->acked + window;
		own->flags |= CT_ACKED;
		if (connection->state == CONNECTION_ANSWERED && other->flags & CT_ACKED)
			ct_tcp_open(connection, place, now);
	}
	own->peer_window = other->window;
	if (!ct_tcp_plausible(own, packet->sequence, end, packet->acked))
		return REASON_FORWARDED;
	if (other->flags & CT_ACKED && (__s32)(end - other->limit) > (__s32)CT_BEHIND(other->window) + 1)
		return REASON_FORWARDED;
	ct_tcp_learn(own, end, packet->acked, window);
	if (flags & TCP_FIN && other->flags & CT_ACKED) {
		connection->flags |= is_reply ? CONNECTION_FIN_RECEIVED : CONNECTION_FIN_SENT;
		if (connection->flags == (CONNECTION_FIN_SENT | CONNECTION_FIN_RECEIVED)) {
			connection->state = CONNECTION_CLOSED;
			ct_reclass(place, CT_CLOSED, now);
		} else {
			connection->state = CONNECTION_CLOSING;
			ct_reclass(place, CT_ESTABLISHED, now);
		}
	}
	return REASON_FORWARDED;
}
