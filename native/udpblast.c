// SPDX-License-Identifier: Apache-2.0
// Sends UDP datagrams through the socket layer, as fast as possible or at a rate. Unlike live frames of BPF_PROG_TEST_RUN,
// these packets begin as an sk_buff, as those of a VM or a process do.
//
//   udpblast -a ADDRESS [-p PORT] [-b PORT] [-n FLOWS] [-s PAYLOAD] [-r PACKETS/S] [-t SECONDS]
//
// Flow i is a connected socket of its own to ADDRESS + i (in the low 16 bits); each sendmmsg() sends BURST datagrams of one
// flow, and flows take turns. -b: source port of every flow. Prints one JSON object: sent, refused (by the kernel, e.g. ENOBUFS),
// seconds, busySeconds (CPU time).
// Defaults: port 5400, 1 flow, 22 bytes, no rate, 1 s. Exit: 0 done, 1 a system call failed, 2 bad usage.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BURST = 32, FLOWS_MAX = 4096, PAYLOAD_MAX = 65000 };

static _Noreturn void fail(const char *what) {
  fprintf(stderr, "udpblast: %s: %s\n", what, strerror(errno));
  exit(1);
}

static _Noreturn void usage(void) {
  fprintf(stderr, "usage: udpblast -a ADDRESS [-p PORT] [-b PORT] [-n FLOWS] [-s PAYLOAD] [-r PACKETS/S] [-t SECONDS]\n");
  exit(2);
}

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

// CPU time of this process. It includes softirqs that run while it sends (without CONFIG_IRQ_TIME_ACCOUNTING, the default of
// Debian's kernels), but not the work of other processes.
static uint64_t cpu_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

// Adds to the last 16 bits of an IPv4 or IPv6 address.
static void add_to_address(struct sockaddr *address, unsigned step) {
  unsigned char *low = address->sa_family == AF_INET
                           ? (unsigned char *)&((struct sockaddr_in *)address)->sin_addr + 2
                           : (unsigned char *)&((struct sockaddr_in6 *)address)->sin6_addr + 14;
  unsigned value = ((unsigned)low[0] << 8 | low[1]) + step;
  low[0] = (unsigned char)(value >> 8);
  low[1] = (unsigned char)value;
}

static void bind_port(int fd, int family, uint16_t port) {
  struct sockaddr_in any4 = {.sin_family = AF_INET, .sin_port = htons(port)};
  struct sockaddr_in6 any6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
  int one = 1;
  if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0) fail("SO_REUSEADDR");
  if (bind(fd, family == AF_INET ? (struct sockaddr *)&any4 : (struct sockaddr *)&any6, family == AF_INET ? sizeof any4 : sizeof any6) < 0)
    fail("bind");
}

int main(int argc, char **argv) {
  const char *address = NULL, *port = "5400";
  long flows = 1, payload = 22, source_port = 0;
  double rate = 0, seconds = 1;
  for (int option; (option = getopt(argc, argv, "a:p:b:n:s:r:t:")) != -1;) {
    if (option == 'a') address = optarg;
    else if (option == 'p') port = optarg;
    else if (option == 'b') source_port = atol(optarg);
    else if (option == 'n') flows = atol(optarg);
    else if (option == 's') payload = atol(optarg);
    else if (option == 'r') rate = atof(optarg);
    else if (option == 't') seconds = atof(optarg);
    else usage();
  }
  if (!address || optind != argc || flows < 1 || flows > FLOWS_MAX || payload < 0 || payload > PAYLOAD_MAX) usage();
  if (rate < 0 || seconds <= 0 || source_port < 0 || source_port > UINT16_MAX) usage();
  struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_DGRAM}, *target;
  int error = getaddrinfo(address, port, &hints, &target);
  if (error) {
    fprintf(stderr, "udpblast: address %s port %s: %s\n", address, port, gai_strerror(error));
    return 2;
  }
  static int sockets[FLOWS_MAX];
  for (long i = 0; i < flows; i++) {
    struct sockaddr_storage to;
    memcpy(&to, target->ai_addr, target->ai_addrlen);
    add_to_address((struct sockaddr *)&to, (unsigned)i);
    sockets[i] = socket(target->ai_family, SOCK_DGRAM, 0);
    if (sockets[i] < 0) fail("socket");
    if (source_port) bind_port(sockets[i], target->ai_family, (uint16_t)source_port);
    if (connect(sockets[i], (struct sockaddr *)&to, target->ai_addrlen) < 0) fail("connect");
  }
  static char data[PAYLOAD_MAX];
  struct iovec piece = {.iov_base = data, .iov_len = (size_t)payload};
  struct mmsghdr messages[BURST];
  memset(messages, 0, sizeof messages);
  for (int i = 0; i < BURST; i++) messages[i].msg_hdr = (struct msghdr){.msg_iov = &piece, .msg_iovlen = 1};
  uint64_t sent = 0, refused = 0, start = now_ns(), end = start + (uint64_t)(seconds * 1e9), now = start;
  uint64_t busy = cpu_ns();
  for (long flow = 0; now < end; flow = flow + 1 == flows ? 0 : flow + 1) {
    // Waits until the next burst is due. Bursts that are late are sent without waiting.
    while (rate > 0 && now < end && (double)(sent + refused) > rate * ((double)(now - start) / 1e9)) now = now_ns();
    int done = sendmmsg(sockets[flow], messages, BURST, 0);
    if (done < 0 && errno != ENOBUFS && errno != EAGAIN && errno != ECONNREFUSED) fail("sendmmsg");
    sent += done < 0 ? 0 : (uint64_t)done;
    refused += done < 0 ? BURST : (uint64_t)(BURST - done);
    now = now_ns();
  }
  printf("{\"sent\":%llu,\"refused\":%llu,\"seconds\":%.6f,\"busySeconds\":%.6f}\n", (unsigned long long)sent,
         (unsigned long long)refused, (double)(now - start) / 1e9, (double)(cpu_ns() - busy) / 1e9);
}
