// SPDX-License-Identifier: Apache-2.0
// LD_PRELOAD for `ip`: writes what it sends to netlink sockets, one hexadecimal line a message, and sends it on.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

static void record(const struct iovec *iov, size_t count)
{
	const char *path = getenv("CAPTURE_FILE");
	unsigned char data[65536];
	unsigned int length;
	size_t size = 0;
	FILE *out;

	for (size_t i = 0; i < count && size + iov[i].iov_len <= sizeof(data); i++) {
		memcpy(data + size, iov[i].iov_base, iov[i].iov_len);
		size += iov[i].iov_len;
	}
	// nlmsg_len: some dumps send their whole buffer. nlmsg_seq: the time of day, of no use in a golden file.
	memcpy(&length, data, sizeof(length));
	memset(data + 8, 0, 4);
	out = path ? fopen(path, "a") : NULL;
	if (!out)
		return;
	for (size_t i = 0; i < size && i < length; i++)
		fprintf(out, "%02x", data[i]);
	fputc('\n', out);
	fclose(out);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	ssize_t (*real)(int, const struct msghdr *, int) = dlsym(RTLD_NEXT, "sendmsg");

	record(message->msg_iov, message->msg_iovlen);
	return real(fd, message, flags);
}

ssize_t send(int fd, const void *data, size_t length, int flags)
{
	ssize_t (*real)(int, const void *, size_t, int) = dlsym(RTLD_NEXT, "send");
	struct iovec iov = { .iov_base = (void *)data, .iov_len = length };

	record(&iov, 1);
	return real(fd, data, length, flags);
}
