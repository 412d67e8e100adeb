/**
 * The port guard of kernel mode: nftables tables that depend on no port; ports are elements of their sets. Priorities: raw for packets from a port,
 * ahead of connection tracking; filter - 10 for packets to the hypervisor, ahead of the host's own rules. Each drop is counted by its reason.
 */
export const GUARD_INET = `table inet segue {
  counter drop_mac { }
  counter drop_not_ip { }
  counter drop_source { }
  counter drop_routing_header { }
  counter drop_sid_block { }
  counter drop_inner_source { }
  counter drop_router { }
  counter drop_hypervisor { }
  counter drop_not_enslaved { }
  counter drop_underlay_address { }
  set ports { type ifname; }
  set vrfs { type ifname; }
  set block { type ipv6_addr; flags interval; }
  set macs { type ifname . ether_addr; }
  set sources4 { type ifname . ipv4_addr; }
  set sources6 { type ifname . ipv6_addr; }
  set prefixes4 { type ifname . ipv4_addr; flags interval; }
  set prefixes6 { type ifname . ipv6_addr; flags interval; }
  set gateways4 { type ifname . ipv4_addr; }
  set gateways6 { type ifname . ipv6_addr; }
  set to_themselves4 { type ifname . ipv4_addr . ipv4_addr; }
  set to_themselves6 { type ifname . ipv6_addr . ipv6_addr; }
  map mss4 { typeof iifname : tcp option maxseg size; }
  map mss6 { typeof iifname : tcp option maxseg size; }

  # A packet from a port comes here twice: with the port's name, then with the VRF's. A decapsulated one once, with the VRF's.
  chain prerouting {
    type filter hook prerouting priority raw; policy accept;
    iifname @ports goto port
    iifname @vrfs goto vrf
  }
  chain port {
    notrack
    iifname . ether saddr != @macs counter name "drop_mac" drop
    meta nfproto ipv4 goto port4
    meta nfproto ipv6 goto port6
    counter name "drop_not_ip" drop
  }
  chain port4 {
    iifname . ip saddr @sources4 goto mss4
    iifname . ip saddr @prefixes4 goto mss4
    counter name "drop_source" drop
  }
  chain port6 {
    exthdr rt exists counter name "drop_routing_header" drop
    ip6 daddr @block counter name "drop_sid_block" drop
    icmpv6 type { nd-router-advert, nd-redirect } counter name "drop_router" drop
    iifname . ip6 saddr @sources6 goto mss6
    iifname . ip6 saddr @prefixes6 goto mss6
    ip6 saddr fe80::/10 icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit } accept
    ip6 saddr fe80::/10 ip6 daddr { fe80::/10, ff00::/8 } accept
    ip6 saddr :: icmpv6 type { nd-neighbor-solicit, nd-router-solicit, mld2-listener-report } accept
    counter name "drop_source" drop
  }
  chain mss4 {
    tcp flags & (syn | rst) == syn tcp option maxseg size set iifname map @mss4
  }
  chain mss6 {
    tcp flags & (syn | rst) == syn tcp option maxseg size set iifname map @mss6
  }
  chain vrf {
    notrack
    meta nfproto ipv4 goto vrf4
    ip6 daddr @block counter name "drop_sid_block" drop
    # What was decapsulated comes from any node of the domain: no source that its tenant cannot have. A port's own packets pass here, too:
    # "::" and link-local sources of neighbour discovery are legitimate, and the kernel forwards neither.
    ip6 saddr @block counter name "drop_inner_source" drop
    ip6 saddr { ::1, ::ffff:0.0.0.0/96, ff00::/8 } counter name "drop_inner_source" drop
    iifname . ip6 saddr . ip6 daddr @to_themselves6 counter name "drop_inner_source" drop
    iifname . ip6 saddr @gateways6 goto from_gateway
  }
  chain vrf4 {
    ip saddr { 0.0.0.0/8, 127.0.0.0/8, 224.0.0.0/3 } counter name "drop_inner_source" drop
    iifname . ip saddr . ip daddr @to_themselves4 counter name "drop_inner_source" drop
    iifname . ip saddr @gateways4 goto from_gateway
  }
  # The same gateway address is on every hypervisor: traceroute and path MTU discovery live on the errors of the others.
  chain from_gateway {
    icmp type { destination-unreachable, time-exceeded, parameter-problem } accept
    icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem } accept
    counter name "drop_inner_source" drop
  }

  # To the hypervisor itself: the gateway answers ping and neighbour discovery, nothing else.
  chain input {
    type filter hook input priority filter - 10; policy accept;
    iifname @ports goto input_tenant
    iifname @vrfs goto input_tenant
  }
  chain input_tenant {
    icmp type { echo-request, echo-reply, destination-unreachable, time-exceeded, parameter-problem } accept
    icmpv6 type { echo-request, echo-reply, destination-unreachable, packet-too-big, time-exceeded, parameter-problem } accept
    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit } accept
    counter name "drop_hypervisor" drop
  }
  # Once enslaved, forward sees the VRF's name: a port's name here is a port outside its VRF.
  chain forward {
    type filter hook forward priority filter - 10; policy accept;
    iifname @ports counter name "drop_not_enslaved" drop
    oifname @ports iifname != @vrfs counter name "drop_not_enslaved" drop
  }
  # Encapsulation forgets that the packet was untracked: the outer packet would be invalid to a host's own rules.
  chain forward_raw {
    type filter hook forward priority raw; policy accept;
    iifname @vrfs notrack
  }
  # The kernel picks an underlay address for ICMPv6 errors to a remote member: tenants are not to see those.
  chain output {
    type filter hook output priority raw; policy accept;
    oifname @vrfs icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem } oifname . ip6 saddr != @gateways6 counter name "drop_underlay_address" drop
    oifname @vrfs notrack
    oifname @ports notrack
  }
}
`;

export const GUARD_ARP = `table arp segue {
  counter drop_arp { }
  set ports { type ifname; }
  set senders { type ifname . ether_addr . ipv4_addr; }
  chain input {
    type filter hook input priority filter; policy accept;
    iifname @ports goto port
  }
  chain port {
    iifname . arp saddr ether . arp saddr ip @senders accept
    counter name "drop_arp" drop
  }
}
`;

/**
 * The guard for a fast path that forwards alone. Its programs drop everything they do not forward, so packets of a tenant get here only while a
 * program is missing. The host must not send to VMs either (router solicitations, multicast listener reports).
 */
export const LONE_GUARD_INET = `table inet segue {
  counter drop_no_program { }
  counter drop_host { }
  set ports { type ifname; }

  chain prerouting {
    type filter hook prerouting priority raw; policy accept;
    iifname @ports counter name "drop_no_program" drop
  }
  chain forward {
    type filter hook forward priority filter - 10; policy accept;
    oifname @ports counter name "drop_host" drop
  }
  chain output {
    type filter hook output priority raw; policy accept;
    oifname @ports counter name "drop_host" drop
  }
}
`;

export const LONE_GUARD_ARP = `table arp segue {
  counter drop_no_program_arp { }
  counter drop_host_arp { }
  set ports { type ifname; }
  chain input {
    type filter hook input priority filter; policy accept;
    iifname @ports counter name "drop_no_program_arp" drop
  }
  chain output {
    type filter hook output priority filter; policy accept;
    oifname @ports counter name "drop_host_arp" drop
  }
}
`;

/** Segue's tables, recognised by name. */
export const GUARD_TABLES = ['inet segue', 'arp segue'] as const;

export type GuardTableName = (typeof GUARD_TABLES)[number];
