// SPDX-License-Identifier: Apache-2.0
// Runs a program of the fast path on generated packets (BPF_PROG_TEST_RUN), most of them malformed, and checks its output by
// independent rules (fuzz/check.h). In C because a million runs of each program then take seconds; from JavaScript, a minute.
//
//   fuzz PROGRAM tc|xdp port|uplink CORPUS CLOUD SEED COUNT IFINDEX OTHER [FIRST]
//
// PROGRAM: path of a pinned program. CORPUS: valid frames (fuzz/mutate.h). CLOUD: the contents of the maps (fuzz/cloud.h).
// IFINDEX: ingress of tc frames; OTHER: an interface that is no port, the ingress of some frames. FIRST: number of the first
// packet; packet i is the same in every run of a seed. Prints one JSON object: runs, mine (those that the program must count),
// next, drop, redirect, super, split (XDP frames with a shortened linear part). Exit: 0 nothing found; 1 found, with the rule,
// the packet's number and its bytes in and out on standard error; 2 bad usage.
#define _GNU_SOURCE
#include <errno.h>
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "fuzz/check.h"

enum { TC_SHOT = 2, TC_NEXT = -1, TC_REDIRECT = 7, XDP_VERDICT_DROP = 1, XDP_VERDICT_PASS = 2, XDP_VERDICT_TX = 3, XDP_VERDICT_REDIRECT = 4 };
// Room for the output, so that a program that makes a packet too long is detected.
enum { OUT_BYTES = 16384, SHOWN_BYTES = 200 };

static long bpf(int command, union bpf_attr *attr) { return syscall(SYS_bpf, command, attr, sizeof *attr); }

struct counts {
  unsigned long runs, mine, next, drop, redirect, super, split;
};

struct run {
  int fd, xdp, port;
  unsigned ifindex, other;
  uint64_t seed;
  struct counts counts;
};

static _Noreturn void found(const struct run *run, uint64_t index, const char *what, struct packet in, struct packet out) {
  fprintf(stderr, "fuzz: seed %llu packet %llu: %s\nin  %u bytes ", (unsigned long long)run->seed, (unsigned long long)index,
          what, in.length);
  print_hex(stderr, in.bytes, in.length > SHOWN_BYTES ? SHOWN_BYTES : in.length);
  fprintf(stderr, "\nout %u bytes ", out.length);
  print_hex(stderr, out.bytes, out.length > SHOWN_BYTES ? SHOWN_BYTES : out.length);
  fprintf(stderr, "\n");
  exit(1);
}

static const u8 stripped[4] = {0x00, 0xe5, 0x90, 0x5e};
enum { META = 8 };

static void run_one(struct run *run, uint64_t index) {
  static u8 frame[JUMBO_MAX + 64], after[OUT_BYTES];
  struct __sk_buff skb = {.ifindex = run->ifindex};
  uint64_t state = (run->seed ^ 0x5e90e) + index * 0x9fb21c651e98df25u;
  unsigned longest = run->xdp && pick(&state, 64) == 0 ? JUMBO_MAX : FRAME_MAX;
  struct packet in = {frame, make_frame(run->seed, index, frame, longest)}, out = {after, 0};
  union bpf_attr attr = {.test = {
                             .prog_fd = (unsigned)run->fd,
                             .data_size_in = in.length,
                             .data_in = (uintptr_t)frame,
                             .data_size_out = OUT_BYTES,
                             .data_out = (uintptr_t)after,
                         }};
  // A tc test run refuses an IP frame without its whole first header; test/netns tests these with real packets.
  if (!run->xdp) in.length = attr.test.data_size_in = at_least_a_header(&state, frame, in.length);
  int mine = run->port || arrived_sid(in) != NULL || (!run->xdp && is_tagged(in)), verdict, next, drop, passed, split = 0;
  struct xdp_md md = {.data_end = in.length};
  const char *wrong;
  if (!run->xdp) {
    attr.test.ctx_in = (uintptr_t)&skb;
    attr.test.ctx_size_in = sizeof skb;
    if (pick(&state, 32) == 0) {
      skb.gso_size = 1 + pick(&state, 3000);
      skb.gso_segs = 1 + pick(&state, 40);
      run->counts.super++;
    }
    if (run->port && pick(&state, 64) == 0) skb.ifindex = run->other, mine = 0;
  } else if (in.length > 300 && pick(&state, 16) == 0) {
    // Linux >= 6.18: the rest of the frame is in fragments, as with a NIC that splits frames.
    md.data_end = ETH + pick(&state, 200);
    attr.test.ctx_in = (uintptr_t)&md;
    attr.test.ctx_size_in = sizeof md;
    split = 1;
  }
  if (bpf(BPF_PROG_TEST_RUN, &attr)) {
    if (errno == EINVAL && attr.test.ctx_in == (uintptr_t)&md) {
      split = 0;
      attr.test.ctx_in = attr.test.ctx_size_in = 0;
      attr.test.data_size_out = OUT_BYTES;
      if (!bpf(BPF_PROG_TEST_RUN, &attr)) goto done;
    }
    fprintf(stderr, "fuzz: packet %llu, %u bytes: %s\n", (unsigned long long)index, in.length, strerror(errno));
    exit(2);
  }
done:
  verdict = (int)attr.test.retval;
  out.length = attr.test.data_size_out;
  next = verdict == (run->xdp ? XDP_VERDICT_PASS : TC_NEXT);
  drop = verdict == (run->xdp ? XDP_VERDICT_DROP : TC_SHOT);
  passed = run->xdp ? verdict == XDP_VERDICT_REDIRECT || verdict == XDP_VERDICT_TX : verdict == TC_REDIRECT;
  run->counts.runs++;
  run->counts.split += (unsigned)split;
  run->counts.mine += (unsigned)mine;
  run->counts.next += (unsigned)next;
  run->counts.drop += (unsigned)drop;
  run->counts.redirect += (unsigned)passed;
  if (next + drop + passed != 1) found(run, index, "a verdict that no program of ours has", in, out);
  if (!mine && !next) found(run, index, "what is not ours was taken", in, out);
  if (is_tagged(in) && mine && !run->xdp && !(run->port ? drop : next)) found(run, index, "a frame of a VLAN was not left alone", in, out);
  // Not for XDP: a packet that it passes on gets to tcx.
  if (run->port && mine && !run->xdp && !drop && touches_domain(in)) found(run, index, "a packet to or from the SR domain was not dropped", in, out);
  if (run->port && next && out.length == in.length) forgive_mss(frame + ETH, after + ETH, in.length - ETH);
  // TCP for GRO to merge: without outer header, with the port in the metadata before the frame (struct decap_meta, bpf/srv6/decap.h).
  if (run->xdp && !run->port && next && mine && out.length > META && !memcmp(after, stripped, sizeof stripped)) {
    out.bytes += META, out.length -= META;
    wrong = check_uplink(in, out, split);
    if (wrong) found(run, index, wrong, in, out);
    return;
  }
  if (next && (out.length != in.length || memcmp(frame, after, in.length)))
    found(run, index, "handed on, but not as it came", in, out);
  if (!passed) return;
  // Padding of a split frame does not count towards the MTU if the first buffer has the whole packet (bpf/ctx/xdp.h).
  int any_length = skb.gso_size != 0 || split;
  wrong = run->port ? check_port(in, out, any_length) : check_uplink(in, out, any_length);
  // A packet that was not forwarded correctly may be an answer. If it is neither, the rule for forwarded packets is reported.
  if (wrong && !run->xdp && out.length >= ETH + 28 && !(run->port ? check_answer(in, out) : check_told(in, out))) wrong = NULL;
  if (wrong) found(run, index, wrong, in, out);
}

int main(int argc, char **argv) {
  if (argc < 10 || argc > 11 || (strcmp(argv[2], "tc") && strcmp(argv[2], "xdp")) ||
      (strcmp(argv[3], "port") && strcmp(argv[3], "uplink"))) {
    fprintf(stderr, "usage: fuzz PROGRAM tc|xdp port|uplink CORPUS CLOUD SEED COUNT IFINDEX OTHER [FIRST]\n");
    return 2;
  }
  union bpf_attr open = {.pathname = (uintptr_t)argv[1]};
  struct run run = {.fd = (int)bpf(BPF_OBJ_GET, &open),
                    .xdp = !strcmp(argv[2], "xdp"),
                    .port = !strcmp(argv[3], "port"),
                    .seed = strtoull(argv[6], NULL, 0),
                    .ifindex = (unsigned)atoi(argv[8]),
                    .other = (unsigned)atoi(argv[9])};
  uint64_t first = argc > 10 ? strtoull(argv[10], NULL, 0) : 0, count = strtoull(argv[7], NULL, 0);
  if (run.fd < 0) {
    fprintf(stderr, "fuzz: %s: %s\n", argv[1], strerror(errno));
    return 2;
  }
  read_corpus(argv[4]);
  read_cloud(argv[5]);
  for (uint64_t index = first; index < first + count; index++) run_one(&run, index);
  printf("{\"runs\":%lu,\"mine\":%lu,\"next\":%lu,\"drop\":%lu,\"redirect\":%lu,\"super\":%lu,\"split\":%lu}\n",
         run.counts.runs, run.counts.mine, run.counts.next, run.counts.drop, run.counts.redirect, run.counts.super,
         run.counts.split);
  return 0;
}
