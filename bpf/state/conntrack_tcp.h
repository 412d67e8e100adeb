/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * TCP connections: states and sequence numbers (RFC 9293, RFC 5961).
 *
 * A connection has a struct ct_direction for each direction: how far its sender has sent, what it acknowledged, and up to where it lets the other
 * side send. A packet writes its own direction only; the slow path (ct_tcp()) reads the other one, too. A packet whose sequence number is not near
 * what its sender sent before, or that acknowledges what this sender cannot have received, is forwarded and changes nothing: the endpoints judge it.
 *
 * The per-CPU flow cache (fib/nn_flow_cache.h) holds a copy of a flow's direction, which the fast path reads and writes (ct_tcp_fast()): the table
 * of connections is too large for the processor's caches and its TLB. The copy is written back when it is a quarter of a window ahead, before a packet
 * of the flow takes the slow path, and when another flow takes its cache entry. So the table is behind by a quarter of a window at most, and not at
 * all for packets of this CPU. The slow path allows for that (CT_BEHIND).
 */
#pragma once
#include "maps/nn_scratch.h"
#include "state/conntrack_admit.h"

#define NO_SCALE 0xff
#define MAX_SCALE 14 /* RFC 7323 section 2.3 */
/* Bytes. A late segment is accepted if it is no older than this, even where the window is smaller: the largest window without a scale and a
 * reserve (nf_conntrack's MAXACKWINCONST). */
#define MAX_ACK_WINDOW 66000
#define OPTION_END 0
#define OPTION_PAD 1
#define OPTION_SCALE 3

/* Bytes that a direction in the table may be behind its sender, by the sender's largest window. */
#define CT_BEHIND(window) ((window) / 4)

/* The window scale that a SYN offers, or NO_SCALE. Unreadable options count as MAX_SCALE: the window is then too large, never too small. */
__noinline int parse_window_scale(__u32 length)
{
	__u32 zero = 0, i;
	struct tcp_options *options = bpf_map_lookup_elem(&sg_tcp_opts, &zero);
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

/* Reads the fields of a TCP header that connections need. at: offset of the inner packet in the frame */
static __noinline void parse_tcp(struct packet *packet, void *data, void *data_end, __u32 at)
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
	options = bpf_map_lookup_elem(&sg_tcp_opts, &zero);
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
	packet->scale = parse_window_scale(bytes);
}

/* Bytes of payload, of all segments of a super-packet. */
static __always_inline __u32 tcp_payload(const struct packet *packet)
{
	__u32 headers = packet->inner.header_bytes + packet->inner.l4_bytes;

	return packet->inner.length > headers ? packet->inner.length - headers : 0;
}

/* Whether the sender of a direction can have sent this segment, by that direction's state alone. end: the sequence number after its last byte */
static __always_inline bool ct_tcp_plausible(const struct ct_direction *own, __u32 sequence, __u32 end, __u32 acked)
{
	__s32 old = own->peer_window > MAX_ACK_WINDOW ? own->peer_window : MAX_ACK_WINDOW;
	__s32 old_ack = own->window > MAX_ACK_WINDOW ? own->window : MAX_ACK_WINDOW;
	__s32 ack = acked - own->acked;

	/* One byte beyond the window probes a closed one (RFC 9293 section 3.8.6.1). */
	return (__s32)(end - own->next) <= (__s32)(own->peer_window + CT_BEHIND(own->peer_window)) + 1 && (__s32)(own->next - sequence) <= old &&
	       ack >= -old_ack && ack <= (__s32)(own->limit - own->acked + CT_BEHIND(own->window)) + 1;
}

/* Writes only fields that change, so that the cache line stays clean. window: bytes */
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

/* Writes a CPU's copy of a direction back to its connection, unless another connection has taken the slot since. */
static __noinline int ct_tcp_write_back(struct nn_flow_entry *flow)
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
	/* A copy that is further away is stale. */
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

static __always_inline bool ct_tcp_is_ahead(const struct nn_flow_entry *flow)
{
	return flow->protocol == IPPROTO_TCP && (flow->written != flow->tcp.next || flow->written_acked != flow->tcp.acked);
}

/* Copies the connection's direction into a flow cache entry. */
static __always_inline void ct_tcp_copy(struct nn_flow_entry *flow)
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

/* The fast path: a packet of a cached flow whose connection is established, without SYN, FIN and RST. Returns false if it needs the slow path. */
static __always_inline bool ct_tcp_fast(struct nn_flow_entry *flow, const struct inner *inner, const __u8 *header)
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

/* Initialises a direction from its SYN. */
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

/* Both SYNs have been seen: windows are scaled only if both offered a scale (RFC 7323 section 2.2). */
static __always_inline void ct_tcp_both(struct connection *connection)
{
	struct ct_direction *original = &connection->original, *reply = &connection->reply;

	if (original->scale == NO_SCALE || reply->scale == NO_SCALE) {
		original->scale = 0;
		reply->scale = 0;
	}
	original->peer_window = reply->window;
	reply->peer_window = original->window;
	connection->state = CT_SYN_RECV;
}

static __always_inline void ct_tcp_open(struct connection *connection, __u32 place, __u32 now)
{
	connection->state = CT_ESTABLISHED;
	ct_reclass(place, CT_SLOT_ESTABLISHED, now);
}

/* Whether this acknowledges the SYN of the original direction. A SYN with data may be acknowledged without the data (RFC 7413). */
static __always_inline bool ct_tcp_answers(const struct ct_direction *original, __u32 acked)
{
	return acked == original->next || (!(original->flags & CT_ACKED) && acked == original->acked);
}

/*
 * A SYN. It changes nothing on an established connection, whatever its sequence number: the receiver sends a challenge ACK (RFC 5961 section 4.2).
 * A sender that has lost the connection answers that with a RST at the exact sequence number, which closes it.
 */
static __always_inline void ct_tcp_syn(struct connection *connection, const struct packet *packet, __u32 place, bool is_reply, __u32 end, __u32 now)
{
	struct ct_direction *original = &connection->original, *reply = &connection->reply;
	bool acks = packet->tcp_flags & TCP_ACK;

	if (connection->state == CT_SYN_SENT) {
		if (!is_reply && !acks) {
			/* A retransmission, or a new attempt with the same ports. */
			ct_tcp_begin(original, packet, end);
		} else if (is_reply && (!acks || ct_tcp_answers(original, packet->acked))) {
			ct_tcp_begin(reply, packet, end);
			ct_tcp_both(connection);
		}
		return;
	}
	/* Simultaneous open (RFC 9293 section 3.5). */
	if (connection->state != CT_SYN_RECV || !acks)
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

static __always_inline enum reason ct_tcp_reset(struct connection *connection, const struct packet *packet, __u32 place, bool is_reply, __u32 now)
{
	struct ct_direction *own = is_reply ? &connection->reply : &connection->original;
	struct ct_direction *other = is_reply ? &connection->original : &connection->reply;
	__u32 sequence = packet->sequence;
	bool exact;

	if (is_reply && connection->state == CT_SYN_SENT) {
		/* RFC 9293 section 3.10.7.3: in SYN-SENT a RST is acceptable only if it acknowledges the SYN. */
		if (!(packet->tcp_flags & TCP_ACK))
			return DROP_NOT_ESTABLISHED;
		if (!ct_tcp_answers(other, packet->acked))
			return DROP_SEQUENCE;
		exact = true;
	} else {
		/* The receiver expects the number that it acknowledged last, or what has been sent since. */
		exact = sequence == own->next || (other->flags & CT_ACKED && sequence == other->acked);
	}
	if (exact) {
		connection->state = CT_CLOSED;
		ct_reclass(place, CT_SLOT_CLOSED, now);
		return REASON_FORWARDED;
	}
	if (!(other->flags & CT_ACKED))
		return REASON_FORWARDED;
	/* RFC 5961 section 3.2: the receiver sends a challenge ACK for one that is in the window but not exact. */
	if ((__s32)(sequence - other->acked) < 0)
		return DROP_SEQUENCE;
	if ((__s32)(sequence - other->limit) > (__s32)CT_BEHIND(other->window) && (__s32)(sequence - own->next) > 0)
		return DROP_SEQUENCE;
	return REASON_FORWARDED;
}

/*
 * The slow path: a packet of a TCP connection that is not closed. place: of the connection
 *
 * Returns REASON_FORWARDED, or the reason to drop it.
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
	/* In SYN-SENT a reply without ACK can only be the SYN of a simultaneous open (RFC 9293 sections 3.5 and 3.10.7.3). */
	if (is_reply && connection->state == CT_SYN_SENT && !(flags & (TCP_ACK | TCP_SYN)))
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
		/* The handshake ends by acknowledging the other side's SYN: an attacker who has not seen that SYN does not know its number. */
		if (other->next - packet->acked > own->window || end - own->next > other->window)
			return REASON_FORWARDED;
		own->acked = packet->acked;
		own->limit = packet->acked + window;
		own->flags |= CT_ACKED;
		if (connection->state == CT_SYN_RECV && other->flags & CT_ACKED)
			ct_tcp_open(connection, place, now);
	}
	own->peer_window = other->window;
	if (!ct_tcp_plausible(own, packet->sequence, end, packet->acked))
		return REASON_FORWARDED;
	if (other->flags & CT_ACKED && (__s32)(end - other->limit) > (__s32)CT_BEHIND(other->window) + 1)
		return REASON_FORWARDED;
	ct_tcp_learn(own, end, packet->acked, window);
	if (flags & TCP_FIN && other->flags & CT_ACKED) {
		connection->flags |= is_reply ? CT_FIN_REPLY : CT_FIN_ORIGINAL;
		if (connection->flags == (CT_FIN_ORIGINAL | CT_FIN_REPLY)) {
			connection->state = CT_CLOSED;
			ct_reclass(place, CT_SLOT_CLOSED, now);
		} else {
			connection->state = CT_CLOSING;
			ct_reclass(place, CT_SLOT_ESTABLISHED, now);
		}
	}
	return REASON_FORWARDED;
}
