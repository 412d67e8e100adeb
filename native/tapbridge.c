// SPDX-License-Identifier: Apache-2.0
// Stands in for a hypervisor's virtio-net back end: a TAP in one network namespace (the port), a TAP in another (the VM's interface),
// and every frame carried from one to the other unaltered, including super-packets and partial checksums.
//
//   tapbridge NETNS PORT INTERFACE     creates PORT in the namespace at path NETNS, INTERFACE in its own
//
// Both have a virtio_net_hdr and accept TSO and USO (TUNSETOFFLOAD), as QEMU sets them up for a guest that does; no vhost is needed.
// Prints "bridging" and runs until it is killed, which removes the devices. Exit: 1 a system call failed, 2 bad usage.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

// Linux 6.2; the C library's headers may be older.
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

// A super-packet (GSO_LEGACY_MAX_SIZE, include/linux/netdevice.h), its Ethernet header and virtio_net_hdr, with room to spare.
enum { FRAME_MAX = 65536 + 128 };

static _Noreturn void fail(const char *what) {
  fprintf(stderr, "tapbridge: %s: %s\n", what, strerror(errno));
  exit(1);
}

static int make_tap(const char *name) {
  struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
  int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
  if (fd < 0) fail("/dev/net/tun");
  strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  if (ioctl(fd, TUNSETIFF, &request) < 0) fail(name);
  unsigned offloads = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
  if (ioctl(fd, TUNSETOFFLOAD, offloads | TUN_F_USO4 | TUN_F_USO6) < 0 && ioctl(fd, TUNSETOFFLOAD, offloads) < 0) fail("TUNSETOFFLOAD");
  return fd;
}

struct direction {
  int from, to;
};

static void *carry(void *argument) {
  const struct direction *direction = argument;
  char *frame = malloc(FRAME_MAX);
  if (!frame) fail("malloc");
  for (;;) {
    ssize_t got = read(direction->from, frame, FRAME_MAX);
    // A device that is down fails with EIO; frames are lost, as with an unplugged cable.
    if (got < 0 && errno != EINTR && errno != EIO) fail("read");
    if (got > 0 && write(direction->to, frame, (size_t)got) < 0 && errno != EIO && errno != EINVAL) fail("write");
  }
}

int main(int argc, char **argv) {
  if (argc != 4) {
    fprintf(stderr, "usage: tapbridge NETNS PORT INTERFACE\n");
    return 2;
  }
  int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), other = open(argv[1], O_RDONLY | O_CLOEXEC);
  if (own < 0 || other < 0) fail(argv[1]);
  if (setns(other, CLONE_NEWNET) < 0) fail("setns");
  int port = make_tap(argv[2]);
  if (setns(own, CLONE_NEWNET) < 0) fail("setns");
  int interface = make_tap(argv[3]);
  struct direction in = {.from = port, .to = interface}, out = {.from = interface, .to = port};
  pthread_t thread;
  if ((errno = pthread_create(&thread, NULL, carry, &out))) fail("pthread_create");
  puts("bridging");
  fflush(stdout);
  carry(&in);
}
