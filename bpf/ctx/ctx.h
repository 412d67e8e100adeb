/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * For headers that serve tcx and XDP alike: a program includes ctx/skb.h or ctx/xdp.h before them, which say how a frame is read
 * (CTX, LOAD_BYTES, FRAME_IFINDEX, frame_bytes(), frame_vlan(), frame_segments()).
 */
#pragma once
#ifndef CTX
#error "include ctx/skb.h or ctx/xdp.h first"
#endif
