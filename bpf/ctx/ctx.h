/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The interface to tcx and XDP contexts that pipelines and their headers are written against. A program first includes ctx/skb.h or ctx/xdp.h,
 * which implement it:
 *
 *   CTX, LOAD_BYTES           the type of the context; the helper that copies bytes of the frame
 *   ON_XDP                    whether this is XDP
 *   frame_ifindex()           the ingress interface
 *   frame_bytes()             bytes of the frame
 *   frame_packet_bytes()      bytes behind the Ethernet header
 *   frame_vlan(), frame_segments(), frame_segment_bytes(), frame_packets()   VLAN tag and super-packet; at XDP there is neither
 *   ctx_may_transmit()        whether an interface can send the frame
 *   ctx_push_outer()          makes room for an outer header behind the Ethernet header
 *   ctx_pull_outer()          removes the outer header
 *   ctx_resize_outer()        changes the length of the outer header
 *   CTX_NEXT, CTX_DROP        verdicts: on to the next program or the kernel; drop
 *
 * After a change of the frame's length all pointers into it are invalid, and the Ethernet header must be rewritten: XDP moves the start of the
 * frame, tcx the bytes behind that header.
 */
#pragma once
#ifndef CTX
#error "include ctx/skb.h or ctx/xdp.h first"
#endif
