// SPDX-License-Identifier: Apache-2.0
// Measures request/response latency and connections per second over TCP, like netperf's TCP_RR and TCP_CRR.
//
//   rrping serve [-p PORT]                          answers every request with as many bytes; prints "listening", runs until killed
//   rrping rr  -a ADDRESS [-p PORT] [-t S] [-s B]   one connection; one request of B bytes at a time
//   rrping crr -a ADDRESS [-p PORT] [-t S] [-s B]   one connection a request: connect, request, response, close
//
// A client prints one JSON object: exchanges, seconds, and min, p50, p99, max of an exchange's time in microseconds.
// In crr the time begins before connect() and does not include closing (by RST, so that no port stays in TIME_WAIT).
// Defaults: port 5300, 1 s, 1 byte. Exit: 0 done, 1 a system call failed, 2 bad usage.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BYTES_MAX = 65536, SAMPLES_MAX = 1 << 22, EVENTS = 64, BACKLOG = 1024, NS_PER_US = 1000 };

static _Noreturn void fail(const char *what) {
  fprintf(stderr, "rrping: %s: %s\n", what, strerror(errno));
  exit(1);
}

static _Noreturn void usage(void) {
  fprintf(stderr, "usage: rrping serve [-p PORT] | rrping rr|crr -a ADDRESS [-p PORT] [-t SECONDS] [-s BYTES]\n");
  exit(2);
}

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void set_option(int fd, int level, int name, int value) {
  if (setsockopt(fd, level, name, &value, sizeof value) < 0) fail("setsockopt");
}

// --- server: one thread, epoll; answers each piece of a request as soon as it arrives

static void answer(int fd) {
  static char buffer[BYTES_MAX];
  ssize_t got = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0 || send(fd, buffer, (size_t)got, MSG_NOSIGNAL) != got) close(fd);
}

static _Noreturn void serve(const char *port) {
  int listener = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (listener < 0) fail("socket");
  set_option(listener, IPPROTO_IPV6, IPV6_V6ONLY, 0);
  set_option(listener, SOL_SOCKET, SO_REUSEADDR, 1);
  struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)atoi(port))};
  if (bind(listener, (struct sockaddr *)&any, sizeof any) < 0) fail("bind");
  if (listen(listener, BACKLOG) < 0) fail("listen");
  int poll = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
  if (poll < 0 || epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event) < 0) fail("epoll");
  puts("listening");
  fflush(stdout);
  for (;;) {
    struct epoll_event ready[EVENTS];
    int count = epoll_wait(poll, ready, EVENTS, -1);
    if (count < 0 && errno != EINTR) fail("epoll_wait");
    for (int i = 0; i < count; i++) {
      if (ready[i].data.fd != listener) {
        answer(ready[i].data.fd);
        continue;
      }
      int fd = accept(listener, NULL, NULL);
      if (fd < 0) continue; // closed by the client before accept()
      set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
      event.data.fd = fd;
      if (epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event) < 0) fail("epoll_ctl");
    }
  }
}

// --- clients

static struct addrinfo *target;

static int connected(void) {
  int fd = socket(target->ai_family, SOCK_STREAM, 0);
  if (fd < 0) fail("socket");
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  struct timeval patience = {.tv_sec = 5};
  if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) < 0) fail("setsockopt");
  if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) < 0) fail("setsockopt");
  if (connect(fd, target->ai_addr, target->ai_addrlen) < 0) fail("connect");
  return fd;
}

static void exchange(int fd, size_t bytes) {
  static char buffer[BYTES_MAX];
  if (send(fd, buffer, bytes, MSG_NOSIGNAL) != (ssize_t)bytes) fail("send");
  for (size_t got = 0; got < bytes;) {
    ssize_t more = recv(fd, buffer, bytes - got, 0);
    if (more == 0) errno = ECONNRESET;
    if (more <= 0) fail("recv");
    got += (size_t)more;
  }
}

static int ascending(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

static double micros(const uint32_t *sorted, size_t count, double fraction) {
  return (double)sorted[(size_t)(fraction * (double)(count - 1))] / NS_PER_US;
}

static void measure(bool connect_each, double seconds, size_t bytes) {
  static uint32_t samples[SAMPLES_MAX];
  const struct linger reset = {.l_onoff = 1, .l_linger = 0};
  int fd = connected(); // not counted: the first connection also resolves neighbours and fills caches
  exchange(fd, bytes);
  size_t count = 0;
  uint64_t start = now_ns(), end = start + (uint64_t)(seconds * 1e9), now = start;
  while (now < end && count < SAMPLES_MAX) {
    uint64_t before = now;
    if (connect_each) {
      if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset) < 0) fail("setsockopt");
      close(fd);
      before = now_ns();
      fd = connected();
    }
    exchange(fd, bytes);
    now = now_ns();
    samples[count++] = now - before > UINT32_MAX ? UINT32_MAX : (uint32_t)(now - before);
  }
  close(fd);
  qsort(samples, count, sizeof samples[0], ascending);
  printf("{\"exchanges\":%zu,\"seconds\":%.6f,\"min_us\":%.2f,\"p50_us\":%.2f,\"p99_us\":%.2f,\"max_us\":%.2f}\n", count,
         (double)(now - start) / 1e9, micros(samples, count, 0), micros(samples, count, 0.5),
         micros(samples, count, 0.99), micros(samples, count, 1));
}

int main(int argc, char **argv) {
  if (argc < 2) usage();
  const char *mode = argv[1], *address = NULL, *port = "5300";
  double seconds = 1;
  long bytes = 1;
  optind = 2;
  for (int option; (option = getopt(argc, argv, "a:p:t:s:")) != -1;) {
    if (option == 'a') address = optarg;
    else if (option == 'p') port = optarg;
    else if (option == 't') seconds = atof(optarg);
    else if (option == 's') bytes = atol(optarg);
    else usage();
  }
  if (optind != argc || seconds <= 0 || bytes < 1 || bytes > BYTES_MAX) usage();
  if (strcmp(mode, "serve") == 0) serve(port);
  if (!address || (strcmp(mode, "rr") != 0 && strcmp(mode, "crr") != 0)) usage();
  struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
  int error = getaddrinfo(address, port, &hints, &target);
  if (error) {
    fprintf(stderr, "rrping: address %s port %s: %s\n", address, port, gai_strerror(error));
    return 2;
  }
  measure(strcmp(mode, "crr") == 0, seconds, (size_t)bytes);
}
