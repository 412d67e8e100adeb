// SPDX-License-Identifier: Apache-2.0
// Sends raw Ethernet frames on an interface: each line of stdin is one frame in hex (blanks and colons allowed,
// "#" starts a comment; an empty line is skipped).
//
//   pktsend [-i seconds between frames] INTERFACE < frames.hex
//
// Exit: 0 all sent, 1 a frame was refused, 2 bad usage or bad hex. Says how many were sent on stderr.
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FRAME_MAX_BYTES = 65536, FRAME_MIN_BYTES = 14 };

static int nibble(int c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = tolower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Returns the number of bytes, or -1 with a message.
static long decode(const char *line, unsigned char *out, unsigned long number) {
  long digits = 0;
  for (const char *p = line; *p && *p != '#' && *p != '\n'; p++) {
    if (isspace((unsigned char)*p) || *p == ':') continue;
    int v = nibble((unsigned char)*p);
    if (v < 0) {
      fprintf(stderr, "pktsend: line %lu: '%c' is not a hex digit\n", number, *p);
      return -1;
    }
    if (digits / 2 >= FRAME_MAX_BYTES) {
      fprintf(stderr, "pktsend: line %lu: more than %d bytes\n", number, FRAME_MAX_BYTES);
      return -1;
    }
    if (digits % 2 == 0) out[digits / 2] = (unsigned char)(v << 4);
    else out[digits / 2] |= (unsigned char)v;
    digits++;
  }
  if (digits % 2) {
    fprintf(stderr, "pktsend: line %lu: odd number of hex digits\n", number);
    return -1;
  }
  if (digits && digits / 2 < FRAME_MIN_BYTES) {
    fprintf(stderr, "pktsend: line %lu: %ld bytes are no Ethernet frame\n", number, digits / 2);
    return -1;
  }
  return digits / 2;
}

int main(int argc, char **argv) {
  double interval_s = 0;
  int opt;
  while ((opt = getopt(argc, argv, "i:")) != -1) {
    if (opt != 'i') return 2;
    interval_s = atof(optarg);
  }
  if (optind + 1 != argc) {
    fprintf(stderr, "usage: pktsend [-i seconds] INTERFACE < frames.hex\n");
    return 2;
  }
  const char *name = argv[optind];
  unsigned index = if_nametoindex(name);
  if (!index) {
    fprintf(stderr, "pktsend: %s: %s\n", name, strerror(errno));
    return 2;
  }
  int fd = socket(AF_PACKET, SOCK_RAW, 0);
  if (fd < 0) {
    perror("pktsend: socket");
    return 2;
  }
  struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = (int)index, .sll_halen = ETH_ALEN};
  static unsigned char frame[FRAME_MAX_BYTES];
  char *line = NULL;
  size_t room = 0;
  unsigned long number = 0, sent = 0, refused = 0;
  while (getline(&line, &room, stdin) >= 0) {
    long bytes = decode(line, frame, ++number);
    if (bytes < 0) return 2;
    if (!bytes) continue;
    if (interval_s > 0 && sent + refused) usleep((useconds_t)(interval_s * 1e6));
    memcpy(to.sll_addr, frame, ETH_ALEN);
    memcpy(&to.sll_protocol, frame + 12, 2);
    if (sendto(fd, frame, (size_t)bytes, 0, (struct sockaddr *)&to, sizeof to) == bytes) {
      sent++;
    } else {
      fprintf(stderr, "pktsend: line %lu: %s\n", number, strerror(errno));
      refused++;
    }
  }
  free(line);
  fprintf(stderr, "pktsend: %lu sent\n", sent);
  return refused ? 1 : 0;
}
