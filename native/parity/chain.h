// SPDX-License-Identifier: Apache-2.0
// A chain of namespaces: packet sockets that send frames and capture them, and the captured packets.
#pragma once
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>
#include "alter.h"

enum { SEES_MAX = 4, ETHERNET_ALL = 3, BUFFER_BYTES = 64 << 20 };

struct seen {
  u8 *bytes; // behind the Ethernet header
  unsigned length, times;
};

struct entrance {
  int fd;
  u8 macs[12];
};

struct chain {
  struct entrance entrance[2];
  int see[SEES_MAX];
  unsigned sees, packets;
  struct seen *seen[SEES_MAX];
  unsigned long strange; // with a number that was never sent
};

static _Noreturn void fail(const char *what) {
  fprintf(stderr, "parity: %s: %s\n", what, strerror(errno));
  exit(2);
}

static int open_socket(const char *netns, const char *device, int listens) {
  struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(listens ? ETHERNET_ALL : 0)};
  int on = 1, bytes = BUFFER_BYTES, fd, space;
  char path[256];
  snprintf(path, sizeof path, "/run/netns/%s", netns);
  if ((space = open(path, O_RDONLY | O_CLOEXEC)) < 0 || setns(space, CLONE_NEWNET)) fail(path);
  close(space);
  if (!(address.sll_ifindex = (int)if_nametoindex(device))) fail(device);
  if ((fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)) < 0) fail("socket");
  if (listens && (setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) ||
                  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes)))
    fail("setsockopt");
  if (bind(fd, (struct sockaddr *)&address, sizeof address)) fail(device);
  return fd;
}

static inline void open_chain(struct chain *chain, const char *path, unsigned packets) {
  FILE *file = fopen(path, "r");
  char line[256], netns[64], device[32], to[16], from[16];
  memset(chain, 0, sizeof *chain);
  chain->packets = packets;
  if (!file) fail(path);
  while (fgets(line, sizeof line, file)) {
    int wire = !strncmp(line, "wire ", 5);
    if (sscanf(line, "vm %63s %31s %15s %15s", netns, device, to, from) == 4 ||
        sscanf(line, "wire %63s %31s %15s %15s", netns, device, to, from) == 4) {
      chain->entrance[wire].fd = open_socket(netns, device, 0);
      read_hex(to, chain->entrance[wire].macs, 6);
      read_hex(from, chain->entrance[wire].macs + 6, 6);
    } else if (sscanf(line, "see %63s %31s", netns, device) == 2 && chain->sees < SEES_MAX) {
      chain->seen[chain->sees] = calloc(packets, sizeof(struct seen));
      chain->see[chain->sees++] = open_socket(netns, device, 1);
    } else {
      fprintf(stderr, "parity: %s: %s: expected vm, wire or see\n", path, line);
      exit(2);
    }
  }
  fclose(file);
}

static inline void send_frame(struct chain *chain, const struct made *made) {
  struct entrance *entrance = &chain->entrance[made->wire];
  u8 frame[MADE_MAX];
  memcpy(frame, made->bytes, made->length);
  for (unsigned at = 0; at < 12; at++) frame[at] ^= entrance->macs[at];
  if (send(entrance->fd, frame, made->length, 0) != (ssize_t)made->length) fail("send");
}

static inline void note(struct chain *chain, unsigned see, const u8 *frame, unsigned length) {
  unsigned mark = find_mark(frame, length);
  uint32_t number;
  if (!mark || mark + MARKED > length) return;
  memcpy(&number, frame + mark + MARK, 4);
  if (number >= chain->packets) {
    chain->strange++;
    return;
  }
  struct seen *seen = &chain->seen[see][number];
  if (seen->times++) return;
  seen->length = length - ETH;
  seen->bytes = malloc(seen->length);
  memcpy(seen->bytes, frame + ETH, seen->length);
}

// Receives frames until none has arrived for quiet_ms.
static inline void look(struct chain *chain, int quiet_ms) {
  struct pollfd polls[SEES_MAX];
  for (unsigned see = 0; see < chain->sees; see++) polls[see] = (struct pollfd){.fd = chain->see[see], .events = POLLIN};
  while (poll(polls, chain->sees, quiet_ms) > 0) {
    for (unsigned see = 0; see < chain->sees; see++) {
      static u8 frame[65536];
      ssize_t length;
      while ((length = recv(chain->see[see], frame, sizeof frame, MSG_DONTWAIT)) > 0) note(chain, see, frame, (unsigned)length);
    }
  }
}
