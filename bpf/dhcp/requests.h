/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Parsed requests: the fields that replies depend on. */
#pragma once
#include <linux/in6.h>
#include <linux/types.h>

struct dhcp4_request {
	__u32 type;
	__be32 requested;
	__be32 server;
	__u32 id_at; /* of the client identifier in the frame */
	__u32 id_bytes; /* with code and length; 0: none */
	__u32 boot; /* enum boot_client; BOOT_CLIENTS: no boot client */
	__u32 wants_ms_routes;
};

struct dhcp6_request {
	__u32 id_at; /* of the client identifier in the frame */
	__u32 id_bytes; /* with code and length; 0: none */
	__u32 has_server; /* a server identifier */
	__u32 is_for_us; /* that identifier is this server's */
	__u32 has_na;
	__u32 has_pd;
	__be32 na_iaid; /* of the first IA_NA: there is no address for others */
	__be32 pd_iaid;
	__u32 rapid_commit;
	__u32 addresses; /* in IA_NAs */
	__u32 foreign; /* of these, addresses that are not the VM's */
	struct in6_addr foreign_address; /* the first of them */
};
