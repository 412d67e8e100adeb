// SPDX-License-Identifier: Apache-2.0
// UDP flows with sequence numbers: measures loss, reordering and the longest silence.
//
//   seqflow send -a ADDRESS [-p PORT] [-n FLOWS] [-r PACKETS/S] [-t SECONDS]
//   seqflow receive [-p PORT] [-l]                 until SIGTERM; -l: a line for each hole when it ends
//
// Flow i is a connected socket of its own. Flows take turns, one datagram each, at an even rate; a single flow sends all due datagrams in
// one system call. The sender stays on one CPU, as the kernel does not keep the order of packets from several. Both print one JSON object
// when they end. send: sent, refused (by its own kernel), seconds. receive: received, reordered, duplicates, and for each flow that was seen
// [flow, received, lowest, highest sequence number, reordered, longest silence (ms), first and last arrival (ms, CLOCK_MONOTONIC)].
// A hole's line, on standard error: hole FLOW, arrivals before and after it (ms, CLOCK_MONOTONIC), missing sequence numbers.
// Defaults: port 5500, 1 flow, 1000 packets/s, 1 s. Exit: 0 done, 1 a system call failed, 2 bad usage.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { FLOWS_MAX = 4096, BATCH = 64, RECEIVE_BUFFER_BYTES = 64 << 20 };
enum { LATE_BURST = 128, LATE_PAUSE_NS = 500000 };

struct datagram {
  uint32_t flow;
  uint32_t unused;
  uint64_t sequence;
};

struct flow {
  uint64_t received, lowest, highest, reordered, first_ns, last_ns, silence_ns;
};

static volatile sig_atomic_t ended;

static void end(int signal) {
  (void)signal;
  ended = 1;
}

static _Noreturn void fail(const char *what) {
  fprintf(stderr, "seqflow: %s: %s\n", what, strerror(errno));
  exit(1);
}

static _Noreturn void usage(void) {
  fprintf(stderr, "usage: seqflow send -a ADDRESS [-p PORT] [-n FLOWS] [-r PACKETS/S] [-t SECONDS]\n"
                  "       seqflow receive [-p PORT] [-l]\n");
  exit(2);
}

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void stay_on_cpu(void) {
  cpu_set_t here;
  CPU_ZERO(&here);
  CPU_SET(sched_getcpu(), &here);
  if (sched_setaffinity(0, sizeof here, &here)) fail("sched_setaffinity");
  // Without the default timer slack of 50 microseconds, sleeps end when they are due.
  prctl(PR_SET_TIMERSLACK, 1);
}

// Sends datagrams of one flow; returns how many the kernel refused.
static uint64_t send_batch(int fd, uint32_t flow, uint64_t sequence, unsigned count) {
  static struct datagram data[BATCH];
  static struct iovec parts[BATCH];
  static struct mmsghdr messages[BATCH];
  uint64_t refused = 0;
  int tried = 0;
  for (unsigned i = 0; i < count; i++) {
    data[i] = (struct datagram){flow, 0, sequence + i};
    parts[i] = (struct iovec){&data[i], sizeof data[i]};
    messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
  }
  for (unsigned i = 0; i < count;) {
    int done = sendmmsg(fd, messages + i, count - i, 0);
    if (done > 0) {
      i += (unsigned)done;
      tried = 0;
    } else if (tried++) {
      // The call may report an ICMP error of an earlier datagram, so each datagram is tried twice.
      refused++;
      i++;
      tried = 0;
    }
  }
  return refused;
}

static void send_flows(const char *address, const char *port, unsigned flows, double rate, double seconds) {
  static int sockets[FLOWS_MAX];
  struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICHOST}, *to;
  if (getaddrinfo(address, port, &hints, &to)) usage();
  for (unsigned i = 0; i < flows; i++) {
    sockets[i] = socket(to->ai_family, SOCK_DGRAM, 0);
    if (sockets[i] < 0 || connect(sockets[i], to->ai_addr, to->ai_addrlen)) fail(address);
  }
  stay_on_cpu();
  uint64_t sent = 0, refused = 0, begin = now_ns(), total = (uint64_t)(rate * seconds);
  unsigned count, at_once = 0;
  for (uint64_t i = 0; i < total && !ended; i += count) {
    // Late datagrams are sent as soon as possible, so that the average rate holds. After a time without CPU the sender pauses between bursts,
    // which would otherwise overflow queues of interfaces on the way (256 frames of a veth's ring, netdev_max_backlog).
    if (at_once >= LATE_BURST) {
      struct timespec pause = {0, LATE_PAUSE_NS};
      clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
      at_once = 0;
    }
    uint64_t due = (uint64_t)((double)(now_ns() - begin) * rate / 1e9) + 1;
    if (due <= i) {
      uint64_t at = begin + (uint64_t)((double)i * 1e9 / rate);
      struct timespec t = {(time_t)(at / 1000000000u), (long)(at % 1000000000u)};
      clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
      due = i + 1;
      at_once = 0;
    }
    if (due > total) due = total;
    count = flows > 1 ? 1 : due - i < BATCH ? (unsigned)(due - i) : BATCH;
    uint64_t lost = send_batch(sockets[i % flows], (uint32_t)(i % flows), i / flows, count);
    refused += lost;
    sent += count - lost;
    at_once += count;
  }
  printf("{\"sent\":%lu,\"refused\":%lu,\"seconds\":%.3f}\n", sent, refused, (double)(now_ns() - begin) / 1e9);
}

static void tell_hole(long number, const struct flow *flow, uint64_t sequence, uint64_t now) {
  if (flow->received > 0 && sequence > flow->highest + 1)
    fprintf(stderr, "seqflow: hole %ld %.3f %.3f %lu\n", number, (double)flow->last_ns / 1e6, (double)now / 1e6,
            sequence - flow->highest - 1);
}

static void take(struct flow *flow, uint64_t sequence, uint64_t now, uint64_t *duplicates) {
  if (flow->received == 0) {
    flow->lowest = flow->highest = sequence;
    flow->first_ns = now;
  } else {
    if (now - flow->last_ns > flow->silence_ns) flow->silence_ns = now - flow->last_ns;
    if (sequence < flow->highest) flow->reordered++;
    else if (sequence == flow->highest) ++*duplicates;
    else flow->highest = sequence;
    if (sequence < flow->lowest) flow->lowest = sequence;
  }
  flow->received++;
  flow->last_ns = now;
}

static void receive_flows(const char *port, int tell) {
  static struct flow all[FLOWS_MAX];
  static struct datagram data[BATCH];
  static struct iovec parts[BATCH];
  static struct mmsghdr messages[BATCH];
  struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)atoi(port))};
  int bytes = RECEIVE_BUFFER_BYTES, fd = socket(AF_INET6, SOCK_DGRAM, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof any)) fail("bind");
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes);
  // The test that started this process waits for this line.
  fprintf(stderr, "seqflow: receiving\n");
  for (int i = 0; i < BATCH; i++) {
    parts[i] = (struct iovec){&data[i], sizeof data[i]};
    messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
  }
  uint64_t received = 0, reordered = 0, duplicates = 0;
  while (!ended) {
    int count = recvmmsg(fd, messages, BATCH, MSG_WAITFORONE, NULL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail("recvmmsg");
    uint64_t now = now_ns();
    for (int i = 0; i < count; i++) {
      if (messages[i].msg_len != sizeof data[i] || data[i].flow >= FLOWS_MAX) continue;
      if (tell) tell_hole((long)data[i].flow, &all[data[i].flow], data[i].sequence, now);
      take(&all[data[i].flow], data[i].sequence, now, &duplicates);
      received++;
    }
  }
  for (int i = 0; i < FLOWS_MAX; i++) reordered += all[i].reordered;
  printf("{\"received\":%lu,\"reordered\":%lu,\"duplicates\":%lu,\"flows\":[", received, reordered, duplicates);
  const char *comma = "";
  for (int i = 0; i < FLOWS_MAX; i++) {
    const struct flow *f = &all[i];
    if (f->received == 0) continue;
    printf("%s[%d,%lu,%lu,%lu,%lu,%.3f,%.3f,%.3f]", comma, i, f->received, f->lowest, f->highest, f->reordered,
           (double)f->silence_ns / 1e6, (double)f->first_ns / 1e6, (double)f->last_ns / 1e6);
    comma = ",";
  }
  printf("]}\n");
}

int main(int argc, char **argv) {
  const char *address = NULL, *port = "5500", *mode = argc > 1 ? argv[1] : "";
  long flows = 1;
  double rate = 1000, seconds = 1;
  int tell = 0;
  optind = 2;
  for (int option; (option = getopt(argc, argv, "a:p:n:r:t:l")) != -1;) {
    if (option == 'a') address = optarg;
    else if (option == 'p') port = optarg;
    else if (option == 'n') flows = atol(optarg);
    else if (option == 'r') rate = atof(optarg);
    else if (option == 't') seconds = atof(optarg);
    else if (option == 'l') tell = 1;
    else usage();
  }
  struct sigaction action = {.sa_handler = end};
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGINT, &action, NULL);
  if (strcmp(mode, "receive") == 0) receive_flows(port, tell);
  else if (strcmp(mode, "send") == 0 && address && flows > 0 && flows <= FLOWS_MAX && rate > 0 && seconds > 0)
    send_flows(address, port, (unsigned)flows, rate, seconds);
  else usage();
  return 0;
}
