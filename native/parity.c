// SPDX-License-Identifier: Apache-2.0
// Sends the same packets, valid and malformed, into two chains of namespaces, one with the fast path and one with the kernel
// only, and compares the packets that arrive at each place, byte by byte, except for the differences that parity/compare.h names.
//
//   parity CHAIN CHAIN VMFRAMES WIREFRAMES SEED COUNT
//
// CHAIN: a file, the fast one first, of these lines:
//   vm NETNS DEVICE DESTMAC SOURCEMAC      where the frames of VMFRAMES are sent
//   wire NETNS DEVICE DESTMAC SOURCEMAC    where the frames of WIREFRAMES are sent
//   see NETNS DEVICE                       a place to capture at: the encapsulating node's underlay, a VM's interface, …
// Frames: files of valid frames (fuzz/mutate.h) with zero MACs in place of the chain's, each with "SEGUE-ID" and four bytes for
// its number somewhere behind its headers. One process sends and captures in batches.
// Prints one JSON object: packets, arrived (by place), neither (arrived in neither chain), differences (the named ones, with
// counts). Exit: 0 no other difference; 1 there is one, reported with its packet on standard error; 2 bad usage, a failed system call.
#define _GNU_SOURCE
#include "fuzz/mutate.h"
#include "parity/alter.h"
#include "parity/chain.h"
#include "parity/compare.h"

enum { BATCH = 64, QUIET_MS = 1500, SHOWN_MAX = 3, REASONS_MAX = 32 };

// Counts of each difference without a name; the first SHOWN_MAX of each are shown.
static struct {
  const char *text;
  unsigned times;
} reasons[REASONS_MAX];

static int is_shown(const char *text) {
  for (int i = 0; i < REASONS_MAX; i++) {
    if (reasons[i].text && strcmp(reasons[i].text, text)) continue;
    reasons[i].text = text;
    return reasons[i].times++ < SHOWN_MAX;
  }
  return 0;
}

static void send_batch(struct chain chains[2], struct made *made, unsigned count) {
  for (unsigned i = 0; i < count; i++)
    for (int which = 0; which < 2; which++) send_frame(&chains[which], &made[i]);
  for (int which = 0; which < 2; which++) look(&chains[which], 0);
}

static void show(const char *what, const struct seen *seen) {
  fprintf(stderr, "%s %u bytes ", what, seen->length);
  print_hex(stderr, seen->bytes, seen->length > 240 ? 240 : seen->length);
  fprintf(stderr, "\n");
}

int main(int argc, char **argv) {
  struct chain chains[2];
  static struct made made[BATCH];
  unsigned long arrived[SEES_MAX] = {0}, neither = 0, found = 0;
  if (argc != 7) {
    fprintf(stderr, "usage: parity CHAIN CHAIN VMFRAMES WIREFRAMES SEED COUNT\n");
    return 2;
  }
  uint64_t seed = strtoull(argv[5], NULL, 0);
  unsigned count = (unsigned)atoi(argv[6]);
  for (int which = 0; which < 2; which++) open_chain(&chains[which], argv[1 + which], count);
  read_corpus(argv[3]);
  unsigned vm_frames = corpus_frames;
  read_corpus(argv[4]);

  for (unsigned first = 0; first < count; first += BATCH) {
    unsigned size = count - first < BATCH ? count - first : BATCH;
    for (unsigned i = 0; i < size; i++) make(seed, first + i, vm_frames, &made[i]);
    send_batch(chains, made, size);
  }
  for (int which = 0; which < 2; which++) look(&chains[which], QUIET_MS);

  for (unsigned number = 0; number < count; number++) {
    unsigned anywhere = 0;
    make(seed, number, vm_frames, &made[0]);
    for (unsigned see = 0; see < chains[0].sees; see++) {
      const struct seen *fast = &chains[0].seen[see][number], *kernel = &chains[1].seen[see][number];
      const char *wrong = compare(&made[0], see, fast, kernel);
      anywhere += fast->length || kernel->length;
      arrived[see] += fast->length != 0;
      if (!wrong) continue;
      found++;
      if (!is_shown(wrong)) continue;
      fprintf(stderr, "parity: seed %llu packet %u, %s, place %u: %s\n", (unsigned long long)seed, number, made[0].what, see, wrong);
      show("sent  ", &(struct seen){made[0].bytes, made[0].length, 1});
      show("fast  ", fast);
      show("kernel", kernel);
    }
    neither += !anywhere;
  }
  for (int i = 0; i < REASONS_MAX && reasons[i].text; i++) fprintf(stderr, "parity: %u times: %s\n", reasons[i].times, reasons[i].text);
  printf("{\"packets\":%u,\"found\":%lu,\"neither\":%lu,\"strange\":[%lu,%lu],\"arrived\":[", count, found, neither,
         chains[0].strange, chains[1].strange);
  for (unsigned see = 0; see < chains[0].sees; see++) printf("%s%lu", see ? "," : "", arrived[see]);
  printf("],\"differences\":{");
  for (int i = 0; i < DIFFERENCES; i++) printf("%s\"%s\":%lu", i ? "," : "", difference_names[i], differences[i]);
  printf("}}\n");
  return found != 0;
}
