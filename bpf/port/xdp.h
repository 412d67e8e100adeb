/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* XDP of a port: frames that it neither forwards nor drops go on to tcx. These steps of port/pipeline.h differ from tcx. */
#pragma once
#include "ctx/xdp.h"
#include "ctx/xdp_finish.h"
#include "net/parse.h"

#define PORT_HOOK HOOK_PORT_XDP

/* A frame that is not dropped here goes on to tcx, which answers it or counts why it does not take the fast path. */
static __always_inline int port_exception(struct xdp_md *ctx, enum reason reason)
{
	return xdp_finish(ctx, reason, PORT_HOOK);
}

/* A VLAN tag may be in the NIC's metadata, which XDP does not see. Announcements of a VM that migrates are parsed at tcx. */
static __always_inline enum reason port_accept(struct xdp_md *ctx, const struct port *port)
{
	if (port->flags & PORT_VLANS)
		return PASS_VLAN;
	return port->flags & PORT_MIGRATES ? PUNT_NOT_ROUTED : REASON_FORWARDED;
}

/* Leaves the packet to tcx, which clamps its MSS. */
static __always_inline bool port_open(struct xdp_md *ctx, const struct port *port, const struct inner *inner)
{
	return false;
}

static __always_inline int port_redirect(__u32 ifindex, __u32 flags)
{
	return bpf_redirect(ifindex, 0);
}

static __always_inline int port_transmit(struct xdp_md *ctx, const struct nexthop *hop)
{
	return bpf_redirect(hop->ifindex, 0);
}
