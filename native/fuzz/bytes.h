// SPDX-License-Identifier: Apache-2.0
// Bytes in network order, text in hexadecimal, and random numbers that a seed repeats.
#pragma once
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint8_t u8;

static inline unsigned get16(const u8 *at) { return (unsigned)at[0] << 8 | at[1]; }

static inline void put16(u8 *at, unsigned value) {
  at[0] = (u8)(value >> 8);
  at[1] = (u8)value;
}

// Reads `bytes` bytes of hexadecimal text. Ends the program if the text is anything else.
static inline void read_hex(const char *text, u8 *to, size_t bytes) {
  for (size_t at = 0; at < bytes; at++) {
    unsigned value;
    if (sscanf(text + 2 * at, "%2x", &value) != 1) {
      fprintf(stderr, "fuzz: \"%s\": expected %zu bytes in hexadecimal\n", text, bytes);
      exit(2);
    }
    to[at] = (u8)value;
  }
}

static inline void print_hex(FILE *file, const u8 *bytes, size_t length) {
  for (size_t at = 0; at < length; at++) fprintf(file, "%02x", bytes[at]);
}

// splitmix64 (Steele, Lea, Flood 2014): good from any state, so each packet's number seeds its own.
static inline uint64_t next_random(uint64_t *state) {
  uint64_t z = *state += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

// 0 .. below - 1
static inline unsigned pick(uint64_t *state, unsigned below) { return (unsigned)(next_random(state) >> 32) % below; }

// The sum of RFC 1071 over an even number of bytes, with 0xffff as 0.
static inline unsigned ones_sum(const u8 *bytes, size_t length) {
  uint32_t sum = 0;
  for (size_t at = 0; at + 1 < length; at += 2) sum += get16(bytes + at);
  return sum % 0xffff;
}
