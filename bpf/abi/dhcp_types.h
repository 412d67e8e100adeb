/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Templates of the replies that a port's VM gets, by ifindex. The agent writes them. Programs copy one and fill in the fields that only the
 * request has: transaction, client identifier, flags.
 */
#pragma once
#include <linux/in6.h>
#include <linux/types.h>
#include "abi/limits.h"

/* Options at the beginning of a DHCPv4 template, in this order, with their bytes: 53, 54, 51, 58, 59, 1. */
enum dhcp4_layout {
	DHCP4_FIXED_BYTES = 240, /* BOOTP's fields and the magic cookie */
	DHCP4_TYPE_AT = DHCP4_FIXED_BYTES + 2, /* value of option 53 */
	DHCP4_TIMES_AT = DHCP4_FIXED_BYTES + 9, /* options 51, 58 and 59 */
	DHCP4_TIMES_BYTES = 18,
	DHCP4_MASK_AT = DHCP4_TIMES_AT + DHCP4_TIMES_BYTES + 2, /* value of option 1 */
};

/* DHCPv4 (RFC 2131). sg_dhcp4[ifindex]. */
struct dhcp4_lease {
	__be32 address; /* yiaddr */
	__be32 server; /* server identifier: the gateway of the subnet */
	__u16 message_bytes;
	__u16 ms_routes_bytes; /* 0: none */
	__u32 unused;
	__u8 message[DHCP4_MESSAGE_BYTES]; /* an OFFER without its end option */
	__u8 ms_routes[DHCP4_OPTION_BYTES]; /* option 249, for clients that ask for it in place of option 121 */
};

/* The kind of a client that boots, by options 60, 77 and 93. */
enum boot_client {
	BOOT_BIOS, /* architecture 0, or none said */
	BOOT_UEFI,
	BOOT_IPXE, /* user class iPXE */
	BOOT_HTTP, /* vendor class HTTPClient */
	BOOT_CLIENTS,
};

struct boot_file {
	__u16 option_bytes; /* of options; 0: nothing for such a client */
	__u16 unused;
	__u8 file[128]; /* BOOTP's field */
	__u8 options[DHCP4_OPTION_BYTES]; /* 67 and the options that belong to it */
};

/* Boot files of a port's VM. sg_boot[ifindex]. */
struct boot_files {
	__be32 server; /* siaddr */
	__be32 mask; /* of the subnet: firmware takes no /32 */
	struct boot_file files[BOOT_CLIENTS];
};

/* DHCPv6 (RFC 8415). sg_dhcp6[ifindex]. */
struct dhcp6_lease {
	__u16 na_bytes; /* of na; without addresses it holds a status */
	__u16 na_addresses; /* IA Address options of na */
	__u16 pd_bytes;
	__u16 options_bytes;
	__u8 na[DHCP6_IA_BYTES]; /* an IA_NA, its IAID zero */
	__u8 pd[DHCP6_IA_BYTES]; /* an IA_PD, its IAID zero */
	__u8 options[DHCP6_OPTIONS_BYTES]; /* begins with the server identifier (DHCP6_SERVER_BYTES) */
};

/* Router advertisement (RFC 4861 section 4.2): the whole frame, with its checksum. sg_ra[ifindex]. */
struct ra_frame {
	__u32 bytes;
	__u32 unused;
	__u8 frame[RA_FRAME_BYTES];
};

/* Programs of sg_replies. */
enum reply_program {
	REPLY_DHCP4,
	REPLY_DHCP6, /* router advertisements, too */
	REPLY_SERVICE,
	REPLY_PROGRAMS,
};
