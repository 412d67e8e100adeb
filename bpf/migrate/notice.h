/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * A notice: an IPv6 packet without payload, from the node where a VM has come up to the node that it comes from. Its destination address has all
 * information: the receiver's locator, the function of notices, the tenant, and as argument the VM's MAC address.
 */
#pragma once
#include "abi/reasons.h"
#include "migrate/migration.h"
#include "srv6/outer_source.h"

/* RFC 8200 section 4.7: no header or payload follows. */
#define NEXT_HEADER_NONE 59

/*
 * Accepts a notice: the port's VM is at the other node. REASON_COUNT: the packet is no notice. The only proof is the other node's source address,
 * which no VM can use: ports drop packets to or from the SR domain (srv6/domain.h).
 */
static __always_inline enum reason take_notice(const struct ipv6hdr *outer, enum arrival_path arrival_path)
{
	struct migration *migration;
	const struct notice *notice;
	struct in6_addr to;
	__u32 ifindex;

	copy_address(&to, &outer->daddr);
	notice = bpf_map_lookup_elem(&sg_notices, &to);
	if (!notice)
		return REASON_COUNT;
	if (arrival_path == FROM_LOOPBACK || !same_address(&outer->saddr, &notice->from))
		return DROP_UNTRUSTED_SOURCE;
	ifindex = notice->ifindex;
	migration = bpf_map_lookup_elem(&sg_migrations, &ifindex);
	if (migration && migration->announced)
		migration->activated = 1;
	return DROP_MIGRATED;
}
