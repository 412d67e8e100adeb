// SPDX-License-Identifier: Apache-2.0
// The differences that are allowed between packets of the fast path and of the kernel. Any other difference is a finding.
#pragma once
#include "chain.h"

// Places: the encapsulating node's underlay, then VMs.
enum { AT_UNDERLAY };

enum difference {
  FLOW_LABEL,      // a hash of the flow; the kernel's hash is another
  OUTER_HOP_LIMIT, // 64; the kernel copies that of an inner IPv6 header
  OUTER_CLASS,     // copied; the kernel's is 0 for IPv4
  ENCAP_HOP,       // the encapsulation decrements the inner hop limit; the kernel's does not
  LAST_HOP,        // therefore a packet reaches its last hop a node earlier
  PADDING,         // kept; the kernel trims it
  CONGESTION,      // RFC 6040: copied to the inner header, or the packet is dropped if not ECN-capable; the kernel ignores it
  HEADER_CHECKSUM, // of IPv4: left to the receiver; the kernel verifies it at each hop
  OPTIONS,         // of IPv4, and hop-by-hop options: not processed
  INNER_HEADER,    // of another version, or longer than the packet: dropped; the kernel's End.DT* do not check
  EXTENSIONS,      // IPv6 extension headers that end behind the packet: dropped; the kernel's encapsulation does not check
  OUTER_SOURCE,    // multicast: left to the underlay's filters; the kernel drops it
  DIFFERENCES,
};
static const char *const difference_names[DIFFERENCES] = {
    "flow label", "outer hop limit", "outer class", "hop at encapsulation", "last hop", "padding", "congestion", "header checksum", "options", "inner header", "extension headers", "outer source",
};
static unsigned long differences[DIFFERENCES];

static inline unsigned hops_at(unsigned family) { return family == 4 ? 8 : 7; }

// Bytes of the packet by its header, or 0 if the room is smaller.
static inline unsigned packet_length(const u8 *ip, unsigned room) {
  unsigned length = room < 20 ? 0 : ip[0] >> 4 == 4 ? get16(ip + 2) : IP6 + get16(ip + 4);
  return length <= room ? length : 0;
}

static inline int checksum_is_wrong(const u8 *ip) {
  unsigned bytes = (ip[0] & 15u) * 4;
  return ip[0] >> 4 == 4 && (bytes < 20 || ones_sum(ip, bytes) != 0);
}

static inline int has_options(const u8 *ip) {
  // An IPv4 header of more than 20 bytes, or hop-by-hop options.
  return ip[0] >> 4 == 4 ? (ip[0] & 15) > 5 : ip[6] == 0;
}

// Whether the inner packet's version is not that of the outer next header, or it is longer than the outer packet.
static inline int has_bad_inner(const struct made *made) {
  unsigned version = made->bytes[made->inner] >> 4;
  if (version != (made->bytes[made->inner_type] == 4 ? 4 : 6)) return 1;
  if (version == 4 && (made->bytes[made->inner] & 15) < 5) return 1;
  unsigned outer = IP6 + get16(made->bytes + ETH + 4), said, at = made->inner;
  if (outer > made->length - ETH) outer = made->length - ETH;
  said = made->bytes[at] >> 4 == 4 ? get16(made->bytes + at + 2) : IP6 + get16(made->bytes + at + 4);
  if (version == 4 && said < (made->bytes[at] & 15u) * 4) return 1;
  return at - ETH + said > outer;
}

// IPv6 extension headers (RFC 8200 section 4, RFC 6275, RFC 7401, RFC 5533).
static inline int is_extension(unsigned next) {
  return next == 0 || next == 43 || next == 44 || next == 51 || next == 60 || next == 135 || next == 139 || next == 140;
}

// A packet that arrived in one chain only. Returns NULL if that is a named difference.
static inline const char *one_sided(const struct made *made, unsigned see, int in_fast) {
  const u8 *inner = made->bytes + made->inner;
  unsigned family = inner[0] >> 4, hops = inner[hops_at(family)];
  unsigned outer_ecn = made->bytes[ETH + 1] >> 4 & 3, ecn = (family == 4 ? inner[1] : inner[1] >> 4) & 3;
  if (in_fast && checksum_is_wrong(inner)) return differences[HEADER_CHECKSUM]++, NULL;
  if (in_fast && has_options(inner)) return differences[OPTIONS]++, NULL;
  if (!in_fast && !made->wire && see != AT_UNDERLAY && hops == 2) return differences[LAST_HOP]++, NULL;
  // The kernel encapsulates a packet that has no hop left; the fast path sends an ICMP error.
  if (!in_fast && !made->wire && hops < 2) return differences[LAST_HOP]++, NULL;
  // The kernel's outer header has the inner hop limit, which expires on the way.
  if (in_fast && !made->wire && see != AT_UNDERLAY && family == 6 && hops < 4) return differences[LAST_HOP]++, NULL;
  if (!in_fast && made->wire && outer_ecn == 3 && ecn == 0) return differences[CONGESTION]++, NULL;
  if (!in_fast && made->wire && has_bad_inner(made)) return differences[INNER_HEADER]++, NULL;
  if (!in_fast && family == 6 && is_extension(inner[6])) return differences[EXTENSIONS]++, NULL;
  if (in_fast && made->wire && made->bytes[ETH + 8] == 0xff) return differences[OUTER_SOURCE]++, NULL;
  return in_fast ? "the kernel would not have let it through" : "the kernel lets it through";
}

// Raises the hop limit of a copy of a packet by `hops`, and updates the checksum.
static inline void add_hops(u8 *ip, unsigned hops) {
  unsigned sum;
  ip[hops_at(ip[0] >> 4)] = (u8)(ip[hops_at(ip[0] >> 4)] + hops);
  if (ip[0] >> 4 != 4) return;
  sum = 0xffff - get16(ip + 10) + (hops << 8);
  put16(ip + 10, 0xffff - (sum % 0xffff ? sum % 0xffff : 0xffff));
}

static inline const char *compare_inner(const struct made *made, u8 *fast, unsigned fast_room, u8 *kernel, unsigned kernel_room,
                                        unsigned hops) {
  unsigned length = packet_length(fast, fast_room);
  const u8 *sent = made->bytes + made->inner;
  if (length == 0 || length != packet_length(kernel, kernel_room)) return "lengths of the packets";
  if (fast_room != kernel_room) differences[PADDING]++;
  if (hops) add_hops(fast, hops), differences[ENCAP_HOP]++;
  if (made->wire && fast[0] >> 4 == 4 && (fast[1] & 3) == 3 && (sent[1] & 3) != 3) {
    unsigned sum = 0xffff - get16(fast + 10) + 0xffff - (fast[1] - kernel[1]);
    fast[1] = kernel[1];
    put16(fast + 10, 0xffff - (sum % 0xffff ? sum % 0xffff : 0xffff));
    differences[CONGESTION]++;
  } else if (made->wire && fast[0] >> 4 == 6 && (fast[1] >> 4 & 3) == 3 && (sent[1] >> 4 & 3) != 3) {
    fast[1] = kernel[1];
    differences[CONGESTION]++;
  }
  // 0 and 0xffff are the same sum; incremental and full computation may differ in which one they produce.
  if (fast[0] >> 4 == 4 && get16(fast + 10) % 0xffff == get16(kernel + 10) % 0xffff) memcpy(fast + 10, kernel + 10, 2);
  if (memcmp(fast, kernel, length)) return has_options(sent) ? (differences[OPTIONS]++, NULL) : "bytes of the packets";
  return NULL;
}

static inline const char *compare_encapsulated(const struct made *made, u8 *fast, unsigned fast_length, u8 *kernel, unsigned kernel_length) {
  unsigned at = IP6, class, inner_class;
  const u8 *sent = made->bytes + made->inner;
  if (fast[0] >> 4 != 6 || kernel[0] >> 4 != 6) return "no outer header";
  if (fast[6] == 43) at += (fast[IP6 + 1] + 1u) * 8;
  if (fast_length < at + 20 || kernel_length < at + 20) return "no inner packet";
  class = get16(fast) >> 4 & 0xff;
  inner_class = sent[0] >> 4 == 4 ? sent[1] : get16(sent) >> 4 & 0xff;
  // A packet that the fast path left to the kernel has the kernel's outer header.
  if (!memcmp(fast, kernel, at)) return compare_inner(made, fast + at, fast_length - at, kernel + at, kernel_length - at,
                                                      fast[at + hops_at(fast[at] >> 4)] != kernel[at + hops_at(fast[at] >> 4)]);
  if (class != inner_class) return "the outer class is not the inner one";
  if (fast[7] != 64) return "the outer hop limit is not 64";
  if (!(get16(fast + 2) || fast[1] & 15)) return "no flow label";
  if (memcmp(fast, kernel, 2) || memcmp(fast + 2, kernel + 2, 2)) differences[FLOW_LABEL]++;
  if (class != (get16(kernel) >> 4 & 0xff)) differences[OUTER_CLASS]++;
  if (kernel[7] != 64) differences[OUTER_HOP_LIMIT]++;
  if (memcmp(fast + 4, kernel + 4, 3) || memcmp(fast + 8, kernel + 8, at - 8)) return "the outer headers";
  return compare_inner(made, fast + at, fast_length - at, kernel + at, kernel_length - at, 1);
}

// @returns NULL, or a difference without a name
static inline const char *compare(const struct made *made, unsigned see, const struct seen *fast_seen, const struct seen *kernel_seen) {
  static u8 fast[65536], kernel[65536];
  if (fast_seen->times > 1 || kernel_seen->times > 1) return "it arrived twice";
  if (!fast_seen->length && !kernel_seen->length) return NULL;
  if (!fast_seen->length || !kernel_seen->length) return one_sided(made, see, fast_seen->length != 0);
  if (fast_seen->length == kernel_seen->length && !memcmp(fast_seen->bytes, kernel_seen->bytes, fast_seen->length)) return NULL;
  memcpy(fast, fast_seen->bytes, fast_seen->length);
  memcpy(kernel, kernel_seen->bytes, kernel_seen->length);
  if (see == AT_UNDERLAY) return compare_encapsulated(made, fast, fast_seen->length, kernel, kernel_seen->length);
  // At the VM: one hop less by the encapsulation, unless the fast path left the packet to the kernel there.
  unsigned family = fast[0] >> 4;
  unsigned hops = (unsigned)(kernel[hops_at(family)] - fast[hops_at(family)]);
  if (hops > (made->wire ? 0u : 1u)) return "hops";
  return compare_inner(made, fast, fast_seen->length, kernel, kernel_seen->length, hops);
}
