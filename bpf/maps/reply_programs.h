/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* sg_replies[enum reply_program]: programs that answer requests, called by ports' programs. A request without its program gets no answer. */
#pragma once
#include "abi/dhcp_types.h"
#include "maps/map_defs.h"

PROG_ARRAY(fastpath, sg_replies, REPLY_PROGRAMS);
