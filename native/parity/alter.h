// SPDX-License-Identifier: Apache-2.0
// A packet of the comparison: a valid frame, mostly altered in one or two ways. Its number stays in it, and lengths that are too
// short are raised to reach behind the number: a packet that a receiver trims could otherwise not be identified.
#pragma once
#include "../fuzz/mutate.h"

enum { MARK = 8, MARKED = 12, MADE_MAX = 2048, MTU_MAX = 1460 };

struct made {
  u8 bytes[MADE_MAX];
  unsigned length, mark; // where the mark begins
  unsigned outer, inner; // where the IP headers begin; equal in a VM's frame
  unsigned inner_type;   // where the protocol number of the inner packet is
  int wire;              // arrives at the underlay
  const char *what;
};

static inline unsigned find_mark(const u8 *bytes, unsigned length) {
  const u8 *at = memmem(bytes, length, "SEGUE-ID", MARK);
  return at ? (unsigned)(at - bytes) : 0;
}

// Where the inner packet of a valid encapsulation begins.
static inline unsigned inner_of(const u8 *bytes) {
  unsigned at = ETH + IP6;
  return bytes[ETH + 6] == 43 ? at + (bytes[at + 1] + 1u) * 8 : at;
}

static inline void check_header(u8 *ip, unsigned room) {
  unsigned bytes = (ip[0] & 15u) * 4;
  if (ip[0] >> 4 != 4 || bytes < 20 || bytes > room) return;
  put16(ip + 10, 0);
  put16(ip + 10, 0xffff - ones_sum(ip, bytes));
}

// Raises a header's length so that the packet includes the mark.
static inline void hold_length(struct made *made, unsigned at, unsigned family) {
  unsigned least = made->mark + MARKED - at - (family == 4 ? 0 : IP6);
  u8 *field = made->bytes + at + (family == 4 ? 2 : 4);
  if (get16(field) < least) put16(field, least);
}

static inline void alter(uint64_t *state, struct made *made) {
  unsigned family = made->bytes[made->inner] >> 4, inner = made->inner;
  switch (pick(state, made->wire ? 9 : 7)) {
  case 0: // any bit in front of the mark
    for (unsigned bits = 1 + pick(state, 3); bits; bits--)
      made->bytes[ETH + pick(state, made->mark - ETH)] ^= (u8)(1u << pick(state, 8));
    made->what = "bits flipped";
    return;
  case 1: {
    u8 *field = made->bytes + inner + (family == 4 ? 2 : 4);
    put16(field, odd_length(state, made->length - inner));
    made->what = "a length that lies";
    return;
  }
  case 2:
    made->bytes[inner + (family == 4 ? 8 : 7)] = (u8)(pick(state, 2) ? pick(state, 5) : pick(state, 256));
    made->what = "another hop limit";
    return;
  case 3:
    made->length = made->mark + MARKED + pick(state, made->length - made->mark - MARKED + 1);
    made->what = "cut short";
    return;
  case 4: {
    unsigned more = 1 + pick(state, 40);
    random_bytes(state, made->bytes + made->length, more);
    made->length += more;
    made->what = "padded";
    return;
  }
  case 5:
    made->bytes[inner + (family == 4 ? 9 : 6)] = (u8)pick(state, 256);
    made->what = "another protocol";
    return;
  case 6: // the traffic class; sometimes a MAC address: another VM's, another destination
    if (pick(state, 8)) {
      made->bytes[inner + (family == 4 ? 1 : 0)] ^= (u8)(1u << pick(state, family == 4 ? 8 : 4));
      made->what = "another class";
    } else {
      made->bytes[pick(state, 2) ? 5 : 11] = 0xee;
      made->what = "another MAC";
    }
    return;
  case 7: // the outer traffic class, congestion marks included
    made->bytes[ETH] = (u8)(0x60 | pick(state, 16));
    made->bytes[ETH + 1] = (u8)pick(state, 256);
    made->what = "another outer class";
    return;
  default:
    put16(made->bytes + ETH + 4, odd_length(state, made->length - ETH - IP6));
    made->what = "an outer length that lies";
  }
}

// Makes packet number `number` of a seed.
static inline void make(uint64_t seed, unsigned number, unsigned vm_frames, struct made *made) {
  uint64_t state = seed + number * 0xd1342543de82ef95u;
  unsigned which = pick(&state, corpus_frames), times = pick(&state, 4);
  made->length = corpus[which].length;
  made->wire = which >= vm_frames;
  made->what = "as it should be";
  memcpy(made->bytes, corpus[which].bytes, made->length);
  made->mark = find_mark(made->bytes, made->length);
  made->outer = ETH;
  made->inner = made->wire ? inner_of(made->bytes) : ETH;
  made->inner_type = made->bytes[ETH + 6] == 43 ? ETH + IP6 : ETH + 6;
  if (!made->mark || made->length > MTU_MAX) {
    fprintf(stderr, "parity: frame %u: expected a mark and at most %d bytes\n", which, MTU_MAX);
    exit(2);
  }
  unsigned family = made->bytes[made->inner] >> 4;
  memcpy(made->bytes + made->mark + MARK, &(uint32_t){number}, 4);
  // A flow of its own: a random UDP source port.
  if (made->bytes[made->inner + (family == 4 ? 9 : 6)] == 17) put16(made->bytes + made->mark - 8, pick(&state, 0x10000));
  for (; times > 1; times--) alter(&state, made);
  hold_length(made, made->inner, family);
  if (made->wire) hold_length(made, made->outer, 6);
  // One in eight keeps a checksum that became wrong.
  if (family == 4 && pick(&state, 8)) check_header(made->bytes + made->inner, made->length - made->inner);
}
