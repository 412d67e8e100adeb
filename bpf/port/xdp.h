/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* XDP of a port: what it does not take meets tcx next. The steps in which port/pipeline.h differs from tcx's. */
#pragma once
#include "ctx/xdp.h"
#include "ctx/xdp_finish.h"
#include "net/parse.h"

#define PORT_HOOK HOOK_PORT_XDP

/* What is not dropped here meets tcx next, which answers it or counts why it does not take the fast path. */
static __always_inline int port_exception(struct xdp_md *ctx, enum reason reason)
{
	return xdp_finish(ctx, reason, PORT_HOOK);
}

/* A tag may be beside the frame, where XDP does not see it. */
static __always_inline enum reason port_accept(struct xdp_md *ctx, const struct port *port)
{
	return port->flags & PORT_VLANS ? PASS_VLAN : REASON_FORWARDED;
}

/* Its MSS is clamped at tcx. */
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
