// SPDX-License-Identifier: Apache-2.0
// Generates malformed packets: random bytes, and valid packets of a corpus that are mutated. Packet number i of a seed does not
// depend on the packets before it.
#pragma once
#include "bytes.h"

enum { ETH = 14, IP6 = 40, CORPUS_MAX = 512, FRAME_MIN = 14, FRAME_MAX = 3400, JUMBO_MAX = 9000 };

static struct {
  u8 *bytes;
  unsigned length;
} corpus[CORPUS_MAX];
static unsigned corpus_frames;

// Reads a file of frames, each a length (32 bits, little-endian) and its bytes.
static inline void read_corpus(const char *path) {
  FILE *file = fopen(path, "rb");
  uint32_t length;
  if (!file) {
    perror(path);
    exit(2);
  }
  while (corpus_frames < CORPUS_MAX && fread(&length, 4, 1, file) == 1) {
    u8 *bytes = length >= FRAME_MIN && length <= FRAME_MAX ? malloc(length) : NULL;
    if (!bytes || fread(bytes, length, 1, file) != 1) {
      fprintf(stderr, "fuzz: %s: frame %u of %u bytes: expected %d to %d\n", path, corpus_frames, length, FRAME_MIN,
              FRAME_MAX);
      exit(2);
    }
    corpus[corpus_frames].bytes = bytes;
    corpus[corpus_frames++].length = length;
  }
  fclose(file);
  if (!corpus_frames) {
    fprintf(stderr, "fuzz: %s: no frames\n", path);
    exit(2);
  }
}

static inline void random_bytes(uint64_t *state, u8 *to, unsigned length) {
  for (unsigned at = 0; at < length; at += 8) {
    uint64_t value = next_random(state);
    memcpy(to + at, &value, length - at < 8 ? length - at : 8);
  }
}

static inline unsigned copy_frame(uint64_t *state, u8 *frame) {
  unsigned which = pick(state, corpus_frames);
  memcpy(frame, corpus[which].bytes, corpus[which].length);
  return corpus[which].length;
}

// A length at the edge of a check, near the right one, or random.
static inline unsigned odd_length(uint64_t *state, unsigned honest) {
  static const unsigned edges[] = {0, 1, 7, 8, 19, 20, 21, 39, 40, 41, 1280, 1460, 1461, 1500, 0x7fff, 0x8000, 0xffd7, 0xffff};
  switch (pick(state, 3)) {
  case 0:
    return edges[pick(state, sizeof edges / sizeof *edges)];
  case 1:
    return (honest + pick(state, 9) - 4) & 0xffff;
  default:
    return pick(state, 0x10000);
  }
}

// Overwrites the length field of the first header, or of a header behind an outer one of 40 bytes.
static inline void lie(uint64_t *state, u8 *frame, unsigned length) {
  unsigned at = ETH + (pick(state, 2) ? IP6 : 0);
  if (at + IP6 > length) at = ETH;
  at += frame[at] >> 4 == 4 ? 2 : 4;
  if (at + 2 <= length) put16(frame + at, odd_length(state, length - ETH));
}

static inline void flip(uint64_t *state, u8 *frame, unsigned length) {
  for (unsigned count = 1 + pick(state, 3); count; count--) {
    // Mostly in the headers.
    unsigned range = pick(state, 4) && length > 100 ? 100 : length;
    unsigned at = pick(state, range);
    if (pick(state, 2)) frame[at] ^= (u8)(1u << pick(state, 8));
    else frame[at] = (u8)pick(state, 256);
  }
}

// Nests a packet in up to four others: outer IPv6 headers of the corpus, mostly with the right next header.
static inline unsigned nest(uint64_t *state, u8 *frame, unsigned length) {
  for (unsigned depth = 1 + pick(state, 4); depth && length + IP6 < FRAME_MAX && length > ETH; depth--) {
    u8 outer[FRAME_MAX];
    unsigned inner_version = frame[ETH] >> 4;
    if (copy_frame(state, outer) < ETH + IP6 || outer[ETH] >> 4 != 6) continue;
    memmove(frame + ETH + IP6, frame + ETH, length - ETH);
    memcpy(frame, outer, ETH + IP6);
    put16(frame + ETH + 4, length - ETH);
    if (pick(state, 8)) frame[ETH + 6] = inner_version == 4 ? 4 : 41;
    length += IP6;
  }
  return length;
}

// Inserts a routing header of any size behind the outer header: valid, of another type, with segments left, or with a wrong length.
static inline unsigned insert_srh(uint64_t *state, u8 *frame, unsigned length) {
  unsigned units = pick(state, 4) ? 2 * pick(state, 6) : pick(state, 256);
  unsigned bytes = (units + 1) * 8;
  if (length < ETH + IP6 || frame[ETH] >> 4 != 6 || length + bytes > FRAME_MAX) return length;
  u8 *srh = frame + ETH + IP6;
  memmove(srh + bytes, srh, length - ETH - IP6);
  random_bytes(state, srh, bytes);
  srh[0] = pick(state, 8) ? frame[ETH + 6] : (u8)pick(state, 256);
  srh[1] = (u8)(pick(state, 8) ? units : pick(state, 256));
  srh[2] = pick(state, 8) ? 4 : (u8)pick(state, 256);
  srh[3] = pick(state, 4) ? 0 : (u8)pick(state, 256);
  frame[ETH + 6] = 43;
  put16(frame + ETH + 4, get16(frame + ETH + 4) + bytes);
  return length + bytes;
}

static inline unsigned resize(uint64_t *state, u8 *frame, unsigned length, unsigned longest) {
  if (pick(state, 4)) return FRAME_MIN + pick(state, length - FRAME_MIN + 1);
  unsigned more = pick(state, pick(state, 8) ? 64 : longest - length);
  if (length + more > longest) more = longest - length;
  random_bytes(state, frame + length, more);
  return length + more;
}

// Inserts one or two VLAN tags or priority tags behind the MAC addresses.
static inline unsigned insert_tags(uint64_t *state, u8 *frame, unsigned length) {
  for (unsigned count = 1 + (pick(state, 4) == 0); count && length + 4 <= FRAME_MAX; count--) {
    memmove(frame + 16, frame + 12, length - 12);
    put16(frame + 12, pick(state, 2) ? 0x8100 : 0x88a8);
    put16(frame + 14, pick(state, 4) ? pick(state, 0x10000) : pick(state, 8) << 13);
    length += 4;
  }
  return length;
}

static inline unsigned mutate(uint64_t *state, u8 *frame, unsigned length, unsigned longest) {
  switch (pick(state, 8)) {
  case 0:
  case 1:
  case 2:
    flip(state, frame, length);
    return length;
  case 3:
    return resize(state, frame, length, longest);
  case 4:
    lie(state, frame, length);
    return length;
  case 5:
    return nest(state, frame, length);
  case 6:
    return pick(state, 4) ? insert_srh(state, frame, length) : insert_tags(state, frame, length);
  default:
    return insert_srh(state, frame, length);
  }
}

// Writes packet number `index` of a seed. @returns its length, bytes
static inline unsigned make_frame(uint64_t seed, uint64_t index, u8 *frame, unsigned longest) {
  uint64_t state = seed + index * 0xd1342543de82ef95u;
  unsigned kind = pick(&state, 16), length;
  if (kind == 0) {
    length = FRAME_MIN + pick(&state, 200);
    random_bytes(&state, frame, length);
    return length;
  }
  length = copy_frame(&state, frame);
  if (kind == 1) return length;
  if (kind == 2) {
    // Random bytes behind the Ethernet header, except for the IP version.
    length = ETH + pick(&state, 200);
    random_bytes(&state, frame + ETH, length - ETH);
    if (length > ETH) frame[ETH] = frame[12] == 8 ? (u8)(0x40 | (pick(&state, 4) ? 5 : pick(&state, 16))) : 0x60;
    return length;
  }
  for (unsigned times = pick(&state, 4) ? 1 : 1 + pick(&state, 3); times; times--) length = mutate(&state, frame, length, longest);
  return length;
}

// Extends a frame that is shorter than the IP header of its type. @returns its length, bytes
static inline unsigned at_least_a_header(uint64_t *state, u8 *frame, unsigned length) {
  unsigned type = get16(frame + 12), least = type == 0x0800 ? ETH + 20 : type == 0x86dd ? ETH + IP6 : ETH + 1;
  if (length >= least) return length;
  random_bytes(state, frame + length, least - length);
  return least;
}
