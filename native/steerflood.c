// SPDX-License-Identifier: Apache-2.0
// Floods a network node's programs with packets (BPF_PROG_TEST_RUN), each of another connection, or with resets of a single one. In C because
// a million runs then take seconds; from JavaScript, a minute.
//
//   steerflood KIND COUNT SEED OPENER AT FRAME [REPLIER AT FRAME]
//
// KIND: syn, handshake, udp, answered (UDP and its answer), icmp: connections by number, which sets source port, destination port and the last
// byte of the source address (icmp: identifier and that byte); random, spaced: the same frame with random or evenly spaced sequence numbers.
// OPENER, REPLIER: paths of pinned programs. AT: offset of the transport header of an inner IPv4 packet in the frame, bytes. FRAME: hex.
// Prints one JSON object: runs of the opener's frames, and how many passed or were refused. Exit: 0, or 2 bad usage.
#define _GNU_SOURCE
#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { FRAME_BYTES = 2048, OUT_BYTES = 4096, PATH_ARGUMENTS = 3 };
enum { TC_REDIRECT = 7, XDP_VERDICT_REDIRECT = 4 };
enum { SYN = 0x02, ACK = 0x10 };

struct side {
  int fd;
  unsigned at, length;
  uint8_t frame[FRAME_BYTES];
};

static _Noreturn void usage(const char *what) {
  fprintf(stderr, "steerflood: %s\n", what);
  exit(2);
}

static long bpf(int command, union bpf_attr *attr) { return syscall(SYS_bpf, command, attr, sizeof *attr); }

static struct side open_side(char **arguments) {
  static struct side side;
  union bpf_attr attr = {.pathname = (uintptr_t)arguments[0]};
  size_t digits = strlen(arguments[2]);
  memset(&side, 0, sizeof side);
  side.fd = (int)bpf(BPF_OBJ_GET, &attr);
  if (side.fd < 0) usage(strerror(errno));
  side.at = (unsigned)atoi(arguments[1]);
  side.length = (unsigned)(digits / 2);
  if (digits % 2 || side.length > FRAME_BYTES || side.at + 16 > side.length) usage("FRAME: expected hex that has the header at AT");
  for (unsigned i = 0; i < side.length; i++) {
    unsigned byte;
    if (sscanf(arguments[2] + 2 * i, "%2x", &byte) != 1) usage("FRAME: expected hex");
    side.frame[i] = (uint8_t)byte;
  }
  return side;
}

static void put16(uint8_t *at, uint32_t value) { at[0] = (uint8_t)(value >> 8), at[1] = (uint8_t)value; }
static void put32(uint8_t *at, uint32_t value) { put16(at, value >> 16), put16(at + 2, value); }

// A bijection (the finalizer of MurmurHash3), so that no number repeats.
static uint32_t scatter(uint32_t number) {
  number ^= number >> 16;
  number *= 0x85ebca6b;
  number ^= number >> 13;
  number *= 0xc2b2ae35;
  return number ^ number >> 16;
}

// Runs the program on the side's frame. Returns whether the program redirected it.
static int send_frame(struct side *side) {
  static uint8_t out[OUT_BYTES];
  union bpf_attr attr = {.test = {
                             .prog_fd = (unsigned)side->fd,
                             .data_size_in = side->length,
                             .data_in = (uintptr_t)side->frame,
                             .data_size_out = OUT_BYTES,
                             .data_out = (uintptr_t)out,
                         }};
  if (bpf(BPF_PROG_TEST_RUN, &attr)) {
    fprintf(stderr, "steerflood: test run: %s\n", strerror(errno));
    exit(2);
  }
  return attr.test.retval == TC_REDIRECT || attr.test.retval == XDP_VERDICT_REDIRECT;
}

static void tcp(struct side *side, uint8_t flags, uint32_t sequence, uint32_t acked) {
  uint8_t *header = side->frame + side->at;
  put32(header + 4, sequence);
  put32(header + 8, acked);
  header[13] = flags;
}

// Sends the packets of one connection. Returns whether the first one was redirected.
static int open_one(const char *kind, uint32_t number, struct side *opener, struct side *replier) {
  uint8_t *header = opener->frame + opener->at, *back = replier->frame + replier->at;
  uint32_t sequence = scatter(number ^ 0x5e90e), answer = scatter(number ^ 0x90e5e);
  int passed;
  opener->frame[opener->at - 5] = (uint8_t)(number >> 24);
  if (replier->fd >= 0) replier->frame[replier->at - 1] = (uint8_t)(number >> 24);
  if (strcmp(kind, "icmp") == 0) {
    put16(header + 4, number);
    return send_frame(opener);
  }
  put16(header, number);
  header[3] = (uint8_t)(number >> 16);
  if (replier->fd >= 0) put16(back + 2, number), back[1] = (uint8_t)(number >> 16);
  if (strcmp(kind, "syn") == 0 || strcmp(kind, "handshake") == 0) tcp(opener, SYN, sequence, 0);
  passed = send_frame(opener);
  // A packet that does not arrive gets no answer.
  if (!passed) return 0;
  if (strcmp(kind, "answered") == 0) send_frame(replier);
  if (strcmp(kind, "handshake") == 0) {
    tcp(replier, SYN | ACK, answer, sequence + 1);
    send_frame(replier);
    tcp(opener, ACK, sequence + 1, answer + 1);
    send_frame(opener);
  }
  return passed;
}

int main(int argc, char **argv) {
  static struct side opener, replier;
  unsigned long passed = 0, count, i;
  uint32_t seed;
  if (argc != 4 + PATH_ARGUMENTS && argc != 4 + 2 * PATH_ARGUMENTS) usage("KIND COUNT SEED OPENER AT FRAME [REPLIER AT FRAME]");
  const char *kind = argv[1];
  count = strtoul(argv[2], NULL, 10);
  seed = (uint32_t)strtoul(argv[3], NULL, 10);
  opener = open_side(argv + 4);
  replier.fd = -1;
  if (argc > 4 + PATH_ARGUMENTS) replier = open_side(argv + 4 + PATH_ARGUMENTS);
  int needs_replies = strcmp(kind, "handshake") == 0 || strcmp(kind, "answered") == 0;
  if (needs_replies && replier.fd < 0) usage("REPLIER: expected for what is answered");
  for (i = 0; i < count; i++) {
    uint32_t number = scatter((uint32_t)i + seed);
    if (strcmp(kind, "random") == 0 || strcmp(kind, "spaced") == 0) {
      put32(opener.frame + opener.at + 4, kind[0] == 'r' ? number : seed + (uint32_t)(i * (0x100000000ull / count)));
      passed += (unsigned long)send_frame(&opener);
    } else {
      passed += (unsigned long)open_one(kind, number, &opener, &replier);
    }
  }
  printf("{\"runs\":%lu,\"passed\":%lu,\"refused\":%lu}\n", count, passed, count - passed);
  return 0;
}
