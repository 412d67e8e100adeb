// SPDX-License-Identifier: Apache-2.0
// A TCP connection on which both ends send all the time, and its interruptions; and connections opened one after the other.
//
//   steady serve [-p PORT] [-i MS]               accepts one connection, then as below; prints "listening" first
//   steady connect -a ADDRESS [-p PORT] [-i MS]  sends a numbered record every MS and checks received ones, until SIGTERM or its close
//   steady dial -a ADDRESS [-p PORT] [-i MS]     opens a connection every MS and closes it when it is established, until SIGTERM
//
// The first two print {"received": records} at SIGUSR1, and one JSON object when they end: sent, received (records), seconds, longest
// silence (ms) and when it ended, broken (null, or the error's name; "closed" by the other end; "order": a record that was not the next).
// dial: opened, lost (refused, or not established within LOST_MS, which is less than the time after which a SYN is retransmitted), and when
// the first and last lost ones were sent (ms, or null).
// Times are CLOCK_MONOTONIC. Defaults: port 5400, 5 ms. Exit: 0 done, 1 a system call failed, 2 bad usage.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { RECORD_BYTES = 128, NS_PER_MS = 1000000, LOST_MS = 900, DIALS_MAX = 4096 };

static volatile sig_atomic_t ended, asked;

static void end(int signal) {
  if (signal == SIGUSR1) asked = 1;
  else ended = 1;
}

static _Noreturn void fail(const char *what) {
  fprintf(stderr, "steady: %s: %s\n", what, strerror(errno));
  exit(1);
}

static _Noreturn void usage(void) {
  fprintf(stderr, "usage: steady serve [-p PORT] [-i MS] | steady connect|dial -a ADDRESS [-p PORT] [-i MS]\n");
  exit(2);
}

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int listened(uint16_t port) {
  int listener = socket(AF_INET6, SOCK_STREAM, 0), no = 0, yes = 1;
  struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
  if (listener < 0) fail("socket");
  if (setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no) < 0) fail("setsockopt");
  if (setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) < 0) fail("setsockopt");
  if (bind(listener, (struct sockaddr *)&any, sizeof any) < 0) fail("bind");
  if (listen(listener, 1) < 0) fail("listen");
  puts("listening");
  fflush(stdout);
  int fd;
  while ((fd = accept(listener, NULL, NULL)) < 0) {
    if (ended) exit(0);
    if (errno != EINTR) fail("accept");
  }
  close(listener);
  return fd;
}

// --- one connection

struct stream {
  int fd;
  uint64_t sent, received;
  unsigned char out[RECORD_BYTES], in[RECORD_BYTES];
  size_t out_left, in_got;
  const char *broken;
};

static const char *name_of(int error) {
  const char *name = strerrorname_np(error);
  return name ? name : "unknown";
}

// A record is its number, repeated.
static void fill(unsigned char *record, uint64_t number) {
  for (size_t at = 0; at < RECORD_BYTES; at += sizeof number) memcpy(record + at, &number, sizeof number);
}

static void push(struct stream *s) {
  while (s->out_left > 0) {
    ssize_t done = send(s->fd, s->out + RECORD_BYTES - s->out_left, s->out_left, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (done < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (done < 0) {
      s->broken = name_of(errno);
      return;
    }
    s->out_left -= (size_t)done;
    if (s->out_left == 0) s->sent++;
  }
}

static void pull(struct stream *s) {
  for (;;) {
    ssize_t got = recv(s->fd, s->in + s->in_got, RECORD_BYTES - s->in_got, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) {
      s->broken = got == 0 ? "closed" : name_of(errno);
      return;
    }
    s->in_got += (size_t)got;
    if (s->in_got < RECORD_BYTES) continue;
    unsigned char wanted[RECORD_BYTES];
    fill(wanted, s->received);
    s->in_got = 0;
    if (memcmp(wanted, s->in, RECORD_BYTES) != 0) {
      s->broken = "order";
      return;
    }
    s->received++;
  }
}

static void flow(int fd, uint64_t every_ns) {
  struct stream s = {.fd = fd};
  int yes = 1;
  if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) < 0) fail("setsockopt");
  uint64_t start = now_ns(), next = start, heard = start, silence = 0, silence_end = start;
  while (!ended && !s.broken) {
    uint64_t now = now_ns(), before = s.received;
    if (now >= next) {
      if (s.out_left == 0) {
        fill(s.out, s.sent);
        s.out_left = RECORD_BYTES;
      }
      while (next <= now) next += every_ns;
    }
    push(&s);
    if (s.broken) break;
    pull(&s);
    now = now_ns();
    if (now - heard > silence) {
      silence = now - heard;
      silence_end = now;
    }
    if (s.received != before) heard = now;
    if (asked) {
      asked = 0;
      printf("{\"received\":%llu}\n", (unsigned long long)s.received);
      fflush(stdout);
    }
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    uint64_t wait = next > now ? next - now : 0;
    struct timespec timeout = {.tv_sec = (time_t)(wait / 1000000000u), .tv_nsec = (long)(wait % 1000000000u)};
    if (ppoll(&ready, 1, &timeout, NULL) < 0 && errno != EINTR) fail("poll");
  }
  printf("{\"sent\":%llu,\"received\":%llu,\"seconds\":%.3f,\"silence\":%.1f,\"silenceEnded\":%.1f,\"broken\":%s%s%s}\n",
         (unsigned long long)s.sent, (unsigned long long)s.received, (double)(now_ns() - start) / 1e9,
         (double)silence / NS_PER_MS, (double)silence_end / NS_PER_MS, s.broken ? "\"" : "", s.broken ? s.broken : "null",
         s.broken ? "\"" : "");
}

// --- many connections

struct dial {
  int fd; // -1: refused at once
  uint64_t sent_ns; // 0: done
};

static int begin(const struct addrinfo *to) {
  const struct linger reset = {.l_onoff = 1, .l_linger = 0};
  int fd = socket(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (fd < 0) fail("socket");
  if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset) < 0) fail("setsockopt");
  if (connect(fd, to->ai_addr, to->ai_addrlen) < 0 && errno != EINPROGRESS) {
    close(fd);
    return -1;
  }
  return fd;
}

enum outcome { WAITS, STANDS, FAILED };

static enum outcome outcome_of(const struct dial *one, uint64_t now) {
  struct pollfd ready = {.fd = one->fd, .events = POLLOUT};
  int error = 0;
  socklen_t length = sizeof error;
  if (one->fd < 0 || now - one->sent_ns > (uint64_t)LOST_MS * NS_PER_MS) return FAILED;
  if (poll(&ready, 1, 0) != 1) return WAITS;
  return getsockopt(one->fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 && error == 0 ? STANDS : FAILED;
}

static void dial(const struct addrinfo *to, uint64_t every_ns) {
  static struct dial open[DIALS_MAX];
  size_t oldest = 0, next_dial = 0;
  uint64_t start = now_ns(), next = start, opened = 0, lost = 0, first = 0, last = 0;
  while (!ended || oldest < next_dial) {
    uint64_t now = now_ns();
    if (!ended && now >= next && next_dial - oldest < DIALS_MAX) {
      open[next_dial++ % DIALS_MAX] = (struct dial){.fd = begin(to), .sent_ns = now};
      while (next <= now) next += every_ns;
    }
    for (size_t at = oldest; at < next_dial; at++) {
      struct dial *one = &open[at % DIALS_MAX];
      if (one->sent_ns == 0) continue;
      enum outcome outcome = outcome_of(one, now);
      if (outcome == WAITS) continue;
      if (outcome == FAILED) {
        if (lost++ == 0) first = one->sent_ns;
        last = one->sent_ns;
      } else {
        opened++;
      }
      if (one->fd >= 0) close(one->fd);
      *one = (struct dial){.fd = -1, .sent_ns = 0};
    }
    while (oldest < next_dial && open[oldest % DIALS_MAX].sent_ns == 0) oldest++;
    poll(NULL, 0, 1);
  }
  printf("{\"opened\":%llu,\"lost\":%llu,", (unsigned long long)opened, (unsigned long long)lost);
  if (lost == 0) printf("\"first\":null,\"last\":null}\n");
  else printf("\"first\":%.1f,\"last\":%.1f}\n", (double)first / NS_PER_MS, (double)last / NS_PER_MS);
}

int main(int argc, char **argv) {
  const char *address = NULL, *port = "5400";
  double every_ms = 5;
  if (argc < 2) usage();
  for (int option; (option = getopt(argc - 1, argv + 1, "a:p:i:")) != -1;) {
    if (option == 'a') address = optarg;
    else if (option == 'p') port = optarg;
    else if (option == 'i') every_ms = atof(optarg);
    else usage();
  }
  uint64_t every_ns = (uint64_t)(every_ms * NS_PER_MS);
  if (every_ns == 0) usage();
  static const int signals[] = {SIGTERM, SIGINT, SIGUSR1};
  struct sigaction action = {.sa_handler = end}; // no SA_RESTART: signals must interrupt accept()
  for (size_t at = 0; at < sizeof signals / sizeof *signals; at++)
    if (sigaction(signals[at], &action, NULL) < 0) fail("sigaction");
  if (strcmp(argv[1], "serve") == 0) {
    flow(listened((uint16_t)atoi(port)), every_ns);
    return 0;
  }
  if (address == NULL) usage();
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV}, *to;
  if (getaddrinfo(address, port, &hints, &to) != 0) usage();
  if (strcmp(argv[1], "dial") == 0) {
    dial(to, every_ns);
    return 0;
  }
  if (strcmp(argv[1], "connect") != 0) usage();
  int fd = socket(to->ai_family, SOCK_STREAM, 0);
  if (fd < 0) fail("socket");
  if (connect(fd, to->ai_addr, to->ai_addrlen) < 0) fail("connect");
  puts("connected");
  fflush(stdout);
  flow(fd, every_ns);
}
