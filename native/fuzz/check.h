// SPDX-License-Identifier: Apache-2.0
// Rules for packets that a program forwards or answers. Each check returns NULL, or the rule that is broken.
#pragma once
#include "cloud.h"
#include "mutate.h"

struct packet {
  const u8 *bytes;
  unsigned length;
};

struct ip {
  unsigned family, length, hops, class;
  const u8 *source, *dest;
};

// Reads the fixed part of an IP header. Returns 0 if there is no header of this family.
static inline int read_ip(struct ip *ip, const u8 *at, unsigned bytes, unsigned family) {
  unsigned header = family == 4 ? 20 : IP6;
  if (bytes < header || at[0] >> 4 != family) return 0;
  ip->family = family;
  ip->length = family == 4 ? get16(at + 2) : IP6 + get16(at + 4);
  ip->hops = at[family == 4 ? 8 : 7];
  ip->class = family == 4 ? at[1] : (get16(at) >> 4 & 0xff);
  ip->source = at + (family == 4 ? 12 : 8);
  ip->dest = ip->source + (family == 4 ? 4 : 16);
  return 1;
}

static inline void address_of(const struct ip *ip, const u8 *from, u8 to[16]) {
  memset(to, 0, 16);
  memcpy(to, from, ip->family == 4 ? 4 : 16);
}

static inline unsigned family_of(const u8 *frame) {
  return get16(frame + 12) == 0x0800 ? 4 : get16(frame + 12) == 0x86dd ? 6 : 0;
}

// Whether a frame has a VLAN tag. In a test run a tag is in the frame, where real packets have only the second one.
static inline int is_tagged(struct packet in) {
  return in.length >= ETH && (get16(in.bytes + 12) == 0x8100 || get16(in.bytes + 12) == 0x88a8);
}

// Whether an address is in the SR domain: in the SID block or the trusted prefix.
static inline int is_of_domain(const u8 *address) {
  return is_within(address, cloud.block, cloud.block_bits) || is_within(address, cloud.trusted, cloud.trusted_bits);
}

static inline int touches_domain(struct packet in) {
  return in.length >= ETH + IP6 && family_of(in.bytes) == 6 && (is_of_domain(in.bytes + ETH + 8) || is_of_domain(in.bytes + ETH + 24));
}

static inline const char *check_macs(const u8 *frame, const u8 *dest, const u8 *source) {
  if (memcmp(frame, dest, 6)) return "destination MAC of another";
  return source && memcmp(frame + 6, source, 6) ? "source MAC of another" : NULL;
}

// Restores the checksum and options of a SYN, whose MSS may have been clamped to the tenant's MTU.
static inline void forgive_mss(const u8 *before, u8 *after, unsigned length) {
  unsigned family = before[0] >> 4, at = family == 4 ? (before[0] & 15u) * 4 : IP6, bytes;
  if (length < at + 20 || before[family == 4 ? 9 : 6] != 6) return;
  bytes = (before[at + 12] >> 4) * 4;
  if ((before[at + 13] & 6) != 2 || bytes < 20 || length < at + bytes) return;
  memcpy(after + at + 16, before + at + 16, 2);
  memcpy(after + at + 20, before + at + 20, bytes - 20);
}

// The inner packet is unaltered except for a decremented hop limit and, if `congested`, an ECN field of 3.
static inline const char *check_inner(const u8 *before, const u8 *after, unsigned length, const struct ip *ip, int congested) {
  u8 copy[JUMBO_MAX + 64];
  unsigned class_at = ip->family == 4 ? 1 : 0;
  memcpy(copy, after, length);
  if (ip->family == 4) {
    unsigned header = (before[0] & 15u) * 4;
    if (after[8] + 1 != before[8]) return "the TTL is not one less";
    // An incremental update (RFC 1624) keeps the sum of the header with its checksum, even if the checksum is wrong.
    if (ones_sum(before, header) != ones_sum(after, header)) return "the header's checksum was not carried along";
    copy[8] = before[8];
    memcpy(copy + 10, before + 10, 2);
  } else {
    if (after[7] + 1 != before[7]) return "the hop limit is not one less";
    copy[7] = before[7];
  }
  if (congested) {
    if ((ip->family == 4 ? after[1] & 3 : after[1] >> 4 & 3) != 3) return "congestion was not carried in";
    copy[class_at] = before[class_at];
    if (ip->family == 6) copy[1] = before[1];
  }
  forgive_mss(before, copy, length);
  return memcmp(copy, before, length) ? "bytes of the inner packet changed" : NULL;
}

static inline const char *check_outer(struct packet in, struct packet out, const struct ip *inner, const struct member *to) {
  unsigned bytes = IP6 + to->srh_bytes;
  const u8 *outer = out.bytes + ETH, *srh = outer + IP6;
  unsigned protocol = inner->family == 4 ? 4 : 41;
  struct ip ip;
  if (out.length != in.length + bytes) return "longer or shorter than packet and outer headers";
  if (family_of(out.bytes) != 6 || !read_ip(&ip, outer, out.length - ETH, 6)) return "the outer header is none";
  if (memcmp(ip.dest, to->first, 16)) return "towards a SID that is not the destination's";
  if (memcmp(ip.source, cloud.source, 16)) return "outer source";
  if (ip.hops != 64) return "outer hop limit";
  if (ip.class != inner->class) return "outer traffic class";
  if (!(get16(outer + 2) || outer[1] & 15)) return "no flow label";
  if (ip.length != bytes + inner->length) return "outer payload length";
  if (outer[6] != (to->srh_bytes ? 43 : protocol)) return "outer next header";
  if (to->srh_bytes && (srh[0] != protocol || memcmp(srh + 1, to->srh + 1, to->srh_bytes - 1))) return "routing header";
  return check_inner(in.bytes + ETH, out.bytes + ETH + bytes, in.length - ETH, inner, 0);
}

// A packet of the VM that the port's program redirected. `super`: a super-packet, whose length is not checked.
static inline const char *check_port(struct packet in, struct packet out, int super) {
  unsigned family = in.length < ETH ? 0 : family_of(in.bytes);
  const struct member *to;
  u8 address[16];
  const char *wrong;
  struct ip ip;
  if (!family || !read_ip(&ip, in.bytes + ETH, in.length - ETH, family)) return "no IP packet passed";
  if (check_macs(in.bytes, cloud.own_mac, cloud.vm_mac)) return "MAC addresses that are not the port's passed";
  if (ip.length > in.length - ETH) return "a packet shorter than it says passed";
  address_of(&ip, ip.source, address);
  if (!is_permitted(family, address)) return "a source that is not the VM's passed";
  address_of(&ip, ip.dest, address);
  if (touches_domain(in)) return "a packet to or from the SR domain passed";
  if (family == 6 && in.bytes[ETH + 6] == 43) return "a routing header passed";
  if (ip.hops < 2) return "a packet at its last hop passed";
  to = member_of(cloud.tenant, family, address);
  if (!to) return "a destination passed that the tenant does not have";
  if (!super && in.length - ETH > (to->local ? to->mtu : cloud.mtu)) return "a frame larger than the MTU passed";
  if ((wrong = check_macs(out.bytes, to->mac, to->local ? to->own_mac : NULL))) return wrong;
  if (!to->local) return check_outer(in, out, &ip, to);
  if (out.length != in.length) return "another length than before";
  return check_inner(in.bytes + ETH, out.bytes + ETH, in.length - ETH, &ip, 0);
}

// The SID of a packet that an uplink's program must count; else NULL. The frame must be to the uplink's MAC address.
static inline const struct sid *arrived_sid(struct packet in) {
  if (in.length < ETH + IP6 || family_of(in.bytes) != 6 || memcmp(in.bytes, cloud.uplink_mac, 6)) return NULL;
  return sid_of(in.bytes + ETH + 24);
}

enum { ERROR_MAX_4 = 576, ERROR_MAX_6 = 1280 };

// An ICMP message to the sender of a packet: an error that quotes it, an echo reply, a neighbour advertisement.
static inline const char *check_message(const struct ip *asked, const u8 *packet, const u8 *message, unsigned bytes) {
  unsigned header = asked->family == 4 ? 20 : IP6, quoted = header + 8, type;
  struct ip ip;
  if (!read_ip(&ip, message, bytes, asked->family) || ip.length > bytes) return "an answer that is no packet";
  if (bytes < header + 8 || message[asked->family == 4 ? 9 : 6] != (asked->family == 4 ? 1 : 58)) return "an answer that is no ICMP";
  if (memcmp(ip.dest, asked->source, asked->family == 4 ? 4 : 16)) return "an answer to somebody else";
  type = message[header];
  if (type == (asked->family == 4 ? 0 : 129) || (asked->family == 6 && type == 136)) return NULL;
  if (asked->family == 4 ? type != 3 && type != 11 : type != 2 && type != 3) return "an answer of a kind that none is";
  if (bytes > (asked->family == 4 ? ERROR_MAX_4 : ERROR_MAX_6)) return "an error larger than it may be";
  if (bytes < header + 8 + header) return "an error that does not quote";
  if (bytes - header - 8 < quoted) quoted = bytes - header - 8;
  return memcmp(message + header + 8, packet, quoted) ? "an error that quotes another packet" : NULL;
}

// An answer of the port's program to the VM.
static inline const char *check_answer(struct packet in, struct packet out) {
  struct ip ip;
  const char *wrong = check_macs(out.bytes, cloud.vm_mac, cloud.own_mac);
  if (wrong) return wrong;
  if (memcmp(in.bytes + 6, cloud.vm_mac, 6)) return "an answer to a MAC address that is not the VM's";
  if (get16(in.bytes + 12) == 0x0806)
    return get16(in.bytes + 20) == 1 && get16(out.bytes + 20) == 2 && !memcmp(in.bytes + 28, out.bytes + 38, 4) ? NULL : "a wrong ARP reply";
  if (!read_ip(&ip, in.bytes + ETH, in.length - ETH, family_of(in.bytes))) return "an answer to no packet";
  return check_message(&ip, in.bytes + ETH, out.bytes + ETH, out.length - ETH);
}

// An ICMP error that the uplink's program sends through the overlay to the sender of a packet.
static inline const char *check_told(struct packet in, struct packet out) {
  unsigned at = ETH + IP6, to = ETH + IP6;
  struct ip outer, ip;
  if (in.bytes[ETH + 6] == 43) at += (in.bytes[at + 1] + 1u) * 8;
  if (!read_ip(&outer, out.bytes + ETH, out.length - ETH, 6) || outer.length != out.length - ETH) return "an error in no outer header";
  if (memcmp(outer.source, cloud.source, 16) || outer.hops != 64) return "the outer header of an error";
  if (out.bytes[ETH + 6] == 43) to += (out.bytes[to + 1] + 1u) * 8;
  if (!read_ip(&ip, in.bytes + at, in.length - at, in.bytes[at] >> 4)) return "an error about no packet";
  return check_message(&ip, in.bytes + at, out.bytes + to, out.length - to);
}

// Whether no host can have a source address.
static inline int is_martian(unsigned family, const u8 *address) {
  static const u8 zeros[12], mapped[12] = {[10] = 0xff, [11] = 0xff};
  if (family == 4) return address[0] == 0 || address[0] == 127 || address[0] >= 224;
  return address[0] == 255 || (address[0] == 0xfe && address[1] >= 0x80 && address[1] < 0xc0) || !memcmp(address, zeros, 12) ||
         !memcmp(address, mapped, 12);
}

// The type of an ICMP error, if it can be read; else 0.
static inline unsigned error_type(const u8 *packet, unsigned bytes, unsigned family) {
  unsigned at = family == 4 ? (packet[0] & 15u) * 4 : IP6, type;
  if (packet[family == 4 ? 9 : 6] != (family == 4 ? 1 : 58) || bytes <= at) return 0;
  if (family == 4 && get16(packet + 6) & 0x1fff) return 0;
  type = packet[at];
  return family == 4 ? (type == 3 || type == 11 || type == 12 ? type : 0) : (type >= 1 && type <= 4 ? type : 0);
}

// A packet that the uplink's program redirected to a port.
static inline const char *check_uplink(struct packet in, struct packet out, int super) {
  const struct sid *sid = arrived_sid(in);
  unsigned at = ETH + IP6, protocol, family;
  const struct member *to;
  struct ip outer, ip;
  const char *wrong;
  u8 address[16];
  if (!sid || !read_ip(&outer, in.bytes + ETH, in.length - ETH, 6)) return "nothing for a SID passed";
  protocol = in.bytes[ETH + 6];
  if (protocol == 43) {
    if (in.length < at + 8 || in.bytes[at + 2] != 4 || in.bytes[at + 3]) return "a routing header that is not at its end passed";
    protocol = in.bytes[at];
    at += (in.bytes[at + 1] + 1u) * 8;
  }
  family = protocol == 4 ? 4 : protocol == 41 ? 6 : 0;
  if (!family || at > in.length || !read_ip(&ip, in.bytes + at, in.length - at, family)) return "no inner packet passed";
  if ((sid->behaviour == 4 && family == 6) || (sid->behaviour == 6 && family == 4)) return "a family that the SID refuses passed";
  if (ip.length > in.length - at) return "an inner packet shorter than it says passed";
  if (at - ETH + ip.length > outer.length) return "an inner packet longer than the outer one passed";
  if (outer.length > in.length - ETH) return "an outer packet shorter than it says passed";
  if (ip.hops < 2) return "a packet at its last hop passed";
  if (!is_outer_source(outer.source)) return "an outer source that is no node's passed";
  address_of(&ip, ip.source, address);
  if (is_martian(family, address)) return "a martian passed";
  if (!memcmp(ip.source, ip.dest, family == 4 ? 4 : 16)) return "a packet from its own destination passed";
  if (is_gateway(family, address) && !error_type(in.bytes + at, in.length - at, family))
    return "a gateway's packet that is no error passed";
  if ((outer.class & 3) == 3 && !(ip.class & 3)) return "congestion met by a packet that knows no ECN passed";
  address_of(&ip, ip.dest, address);
  to = member_of(sid->tenant, family, address);
  if (!to || !to->local) return "a destination passed that the tenant does not have here";
  if (!super && in.length - at > to->mtu) return "a frame larger than the MTU passed";
  if (out.length != in.length - at + ETH) return "longer or shorter than the inner packet";
  if (family_of(out.bytes) != family) return "the Ethernet type is another family's";
  if ((wrong = check_macs(out.bytes, to->mac, to->own_mac))) return wrong;
  return check_inner(in.bytes + at, out.bytes + ETH, in.length - at, &ip, (outer.class & 3) == 3);
}
