/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What tcx and XDP do alike, once: pipelines and the headers they use are written against this. A program includes ctx/skb.h or ctx/xdp.h before
 * them, which say how it is done:
 *
 *   CTX, LOAD_BYTES           the type of the context; how bytes of the frame are copied
 *   ON_XDP                    whether it is XDP
 *   frame_ifindex()           the interface that the frame came in by
 *   frame_bytes()             of the frame, bytes
 *   frame_packet_bytes()      of what is behind its Ethernet header, bytes
 *   frame_vlan(), frame_segments(), frame_segment_bytes(), frame_packets()   tag and super-packet; at XDP neither
 *   ctx_may_transmit()        whether it may go out by an interface
 *   ctx_push_outer()          makes room for an outer header behind the Ethernet header
 *   ctx_pull_outer()          takes one off
 *   ctx_resize_outer()        has one of another length
 *   CTX_NEXT, CTX_DROP        the verdicts that leave a frame to whoever is next, and that drop it
 *
 * After a change of the frame's length all pointers into it are void, and the Ethernet header is to be written anew: XDP moves the frame's
 * beginning, tcx what is behind that header.
 */
#pragma once
#ifndef CTX
#error "include ctx/skb.h or ctx/xdp.h first"
#endif
