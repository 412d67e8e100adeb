// SPDX-License-Identifier: Apache-2.0
// The process behind a tap, in place of a hypervisor: frames in hexadecimal digits, one per line.
//
//   tapio DEVICE      standard input: frames from the VM; standard output: frames to the VM; until its input ends
//
// DEVICE is a tap. It is created if it does not exist, and then removed when the process ends. Exit: 0 done, 1 a system call failed, 2 bad
// usage.
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { FRAME_BYTES_MAX = 65550 };

static _Noreturn void fail(const char *what) {
  fprintf(stderr, "tapio: %s: %s\n", what, strerror(errno));
  exit(1);
}

static int open_tap(const char *name) {
  struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
  int tap = open("/dev/net/tun", O_RDWR);
  if (tap < 0) fail("/dev/net/tun");
  strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  if (ioctl(tap, TUNSETIFF, &request)) fail(name);
  return tap;
}

static void send_line(int tap, const char *line) {
  static unsigned char frame[FRAME_BYTES_MAX];
  size_t bytes = 0;
  unsigned byte;
  for (; bytes < sizeof frame && sscanf(line, "%2x", &byte) == 1 && line[1] > ' '; line += 2) frame[bytes++] = (unsigned char)byte;
  if (bytes > 0 && write(tap, frame, bytes) < 0) fail("write");
}

static void print_frame(int tap) {
  static unsigned char frame[FRAME_BYTES_MAX];
  ssize_t bytes = read(tap, frame, sizeof frame);
  if (bytes < 0) fail("read");
  for (ssize_t i = 0; i < bytes; i++) printf("%02x", frame[i]);
  putchar('\n');
  fflush(stdout);
}

int main(int argc, char **argv) {
  static char line[2 * FRAME_BYTES_MAX + 2];
  if (argc != 2) {
    fprintf(stderr, "usage: tapio DEVICE\n");
    return 2;
  }
  int tap = open_tap(argv[1]);
  // The test that started this process waits for this line.
  fprintf(stderr, "tapio: attached\n");
  // Unbuffered: poll() does not see lines that wait in a buffer of stdio.
  setvbuf(stdin, NULL, _IONBF, 0);
  struct pollfd ends[] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = tap, .events = POLLIN}};
  while (poll(ends, 2, -1) >= 0 || errno == EINTR) {
    if (ends[1].revents & POLLIN) print_frame(tap);
    if (!(ends[0].revents & (POLLIN | POLLHUP))) continue;
    if (!fgets(line, sizeof line, stdin)) return 0;
    send_line(tap, line);
  }
  fail("poll");
}
