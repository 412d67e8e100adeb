/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Why a packet did not take the fast path: the one list, for programs, counters and `segue show`. */
#pragma once

/* User-visible: `make gen` derives the text of `segue show counters` from these names. */
enum reason {
	/* It took the fast path. */
	REASON_FORWARDED,
	/* Answered by the program, in the node's place. */
	ANSWER_ARP,
	ANSWER_NEIGHBOUR, /* a neighbour solicitation */
	ANSWER_ECHO, /* a ping of the gateway's address */
	ANSWER_HOP_LIMIT, /* Time Exceeded was sent */
	ANSWER_TOO_BIG, /* Fragmentation Needed or Packet Too Big was sent */
	ANSWER_UNREACHABLE, /* ebpf mode: no endpoint of the tenant has the address, and Destination Unreachable was sent */
	ANSWER_DHCP, /* DHCPv4: an offer or an acknowledgement */
	ANSWER_DHCP_NAK, /* DHCPv4: the VM asked for another address than its own */
	ANSWER_DHCPV6,
	ANSWER_ROUTER, /* a router solicitation */
	ANSWER_SERVICE, /* between a VM and a service of the node: a request, or its answer */
	/* Handed to the kernel, untouched; in ebpf mode these are drops. */
	PUNT_NOT_IP,
	PUNT_NOT_ROUTED, /* multicast, or not for the gateway's MAC */
	PUNT_NO_MEMBER, /* no endpoint of the tenant has the address: gateway, unreachable, not known yet */
	PUNT_NOT_LOCAL, /* decapsulated it would go on to another node */
	PUNT_IP_OPTIONS, /* IPv6 extension headers, more than are read */
	PUNT_HOP_LIMIT, /* Time Exceeded is to be sent */
	PUNT_TOO_BIG, /* larger than the tenant's MTU */
	PUNT_UNRESOLVED, /* no underlay neighbour known */
	PUNT_SEGMENTS, /* segments left, or a routing header of another type */
	PUNT_NO_ROOM, /* no headroom, or a packet that could not be pulled together */
	PUNT_NO_OFFLOAD, /* the interface cannot segment what decapsulation leaves */
	PUNT_NO_PORT, /* the interface has a port's program and no port's entry: it comes or goes */
	/* Never the fast path's: left to the host untouched, in ebpf mode too. */
	PASS_VLAN, /* a frame with a VLAN tag, at an uplink, an external network or below a VLAN device */
	PASS_HOST, /* at an uplink for no SID of this node, at an external network for no tenant; in kernel mode all that the kernel forwards */
	/* Dropped. */
	DROP_MALFORMED,
	DROP_SOURCE_MAC,
	DROP_SOURCE_ADDRESS,
	DROP_NEIGHBOUR_SENDER, /* ARP or a neighbour solicitation of another sender than the port's */
	DROP_DHCP, /* no valid request, or for another server */
	DROP_DHCP_RELEASE, /* a DHCPv4 RELEASE or DECLINE, which have no answer */
	DROP_DOMAIN_ADDRESS, /* from outside, to or from an address of the SR domain */
	DROP_VLAN, /* a frame with a VLAN tag at a port without a VLAN device, or one whose tag was hidden from XDP */
	DROP_DETACHED, /* from or to a port whose interface is in a bridge or another master that is not segue's */
	DROP_ROUTING_HEADER,
	DROP_UNTRUSTED_SOURCE, /* towards a SID from an outer source that is no node's of the SR domain, nor trusted */
	DROP_INNER_SOURCE, /* arrived by a SID, from an inner source that cannot be: no address of the zone, the receiver's own, a martian */
	DROP_BEHAVIOUR, /* the SID does not take that family */
	DROP_NO_ROOM, /* no memory, after the packet was altered */
	DROP_HOP_LIMIT, /* TTL or hop limit 1, and no ICMP error may be sent (for an ICMP error, for a later fragment) */
	DROP_TOO_BIG, /* likewise */
	DROP_ERROR_RATE, /* an error was due, and the port had its share of them */
	DROP_ICMP_RATE, /* a reply of the gateway was due, and the VM had as many as its port's icmpRate says */
	DROP_ECN, /* RFC 6040 section 4.2: congestion experienced, inside not ECN-capable */
	DROP_STANDBY, /* from or for a VM that migrates, at the node where it is not */
	DROP_MIGRATED, /* a notice of the node where a VM has come up: taken in by the one it comes from */
	/* Dropped by a network node. */
	DROP_NO_POLICY, /* none is between the two */
	DROP_NO_POLICY_MATCH, /* there are, but for other addresses, protocols or ports */
	DROP_POLICY, /* denied by one */
	DROP_NOT_ESTABLISHED, /* of no connection, and opens none */
	DROP_FRAGMENT, /* its first fragment did not pass */
	DROP_SEQUENCE, /* a TCP reset outside the receiver's window */
	DROP_CONNECTION_QUOTA, /* it opens a connection, and its pair of zones has as many as it may */
	DROP_CONNECTIONS_FULL, /* it opens a connection, and there is no place for it */
	DROP_NO_NETWORK_NODE, /* none is up */
	/* A hypervisor punts these to its kernel; a network node has no kernel fallback. */
	DROP_NO_MEMBER,
	DROP_UNRESOLVED,
	DROP_SEGMENTS,
	DROP_NO_OFFLOAD,
	/* Dropped at a port. */
	DROP_NO_SERVICE, /* to or from a service of the node, and no request or answer of its: another port or protocol, a fragment */
	REASON_COUNT,
};
