/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Destinations of DHCP requests. */
#pragma once
#include <bpf/bpf_endian.h>

#define BROADCAST 0xffffffff
#define DHCP4_SERVER bpf_htons(67)
#define DHCP6_SERVER bpf_htons(547)
