/**
 * The edge as an nftables table that depends on neither interfaces nor nodes, which are elements of its sets. It exists in every data plane. Its
 * prerouting chain precedes connection tracking and defragmentation (-450), so that dropped packets cost nothing else. Packets that the node itself
 * encapsulates do not traverse prerouting again, but they do traverse forward, which therefore does not check the domain.
 *
 * `meta l4proto` and `exthdr` skip extension headers (ipv6_find_hdr), so no hop-by-hop or destination option hides the next header.
 */

/** Segue's table, recognised by name. */
export const EDGE_TABLE = 'inet segue_edge';
export const EDGE_TABLES: readonly string[] = [EDGE_TABLE];

/** @param limitsForwarding segue enabled IPv6 forwarding for the whole host: packets that are not for segue are not forwarded */
export function edgeTable(limitsForwarding: boolean): string {
  return `table inet segue_edge {
  counter drop_outside_destination { }
  counter drop_outside_source { }
  counter drop_outside_tunnel { }
  counter drop_untrusted_source { }
  counter drop_host_forwarding { }
  set inside { type ifname; }
  set domain { type ipv6_addr; flags interval; }
  set distant_sources { type ipv6_addr; }
  set locator { type ipv6_addr; flags interval; }
  set own_sources { type ipv6_addr; }
  set sources { type ipv6_addr; }
  set trusted { type ipv6_addr; flags interval; }
  set forwarders { type ifname; }
  set externals { type ifname; }

  chain prerouting {
    type filter hook prerouting priority -450; policy accept;
    meta nfproto != ipv6 accept
    iifname "lo" accept
    iifname @inside goto arriving
    # The second pass of a VRF's member: the first one had the member's own name.
    meta iifkind "vrf" accept
    ip6 daddr @domain counter name "drop_outside_destination" drop
    ip6 saddr @domain counter name "drop_outside_source" drop
    ip6 daddr @distant_sources goto distant
    ip6 saddr @distant_sources goto distant
  }
  # The outer source of a node lies outside the domain's prefixes: it is managed by that address, too, but nothing speaks SRv6 with it here.
  chain distant {
    meta l4proto { 4, 41 } counter name "drop_outside_tunnel" drop
    exthdr rt exists counter name "drop_outside_tunnel" drop
    icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem } counter name "drop_outside_tunnel" drop
  }
  # By an interface of the domain. The node's own address takes SSH, BGP, BFD and ICMPv6 errors from whomever.
  chain arriving {
    ip6 daddr != @locator accept
    ip6 daddr @own_sources accept
    # The node's own packets do not come back to it by an uplink.
    ip6 saddr @own_sources goto encapsulated
    ip6 saddr @sources accept
    ip6 saddr @trusted accept
    goto encapsulated
  }
  chain encapsulated {
    meta l4proto { 4, 41 } counter name "drop_untrusted_source" drop
    exthdr rt exists counter name "drop_untrusted_source" drop
    # A fragment but the first does not show what it is of, and nothing of the domain sends fragments to a SID.
    exthdr frag exists counter name "drop_untrusted_source" drop
  }
${limitsForwarding ? FORWARD : ''}}
`;
}

/** The host forwards only for segue. External networks are reached through the network node's programs, never through the host's routes. */
const FORWARD = `
  chain forward {
    type filter hook forward priority filter - 20; policy accept;
    meta nfproto != ipv6 accept
    iifname @externals counter name "drop_host_forwarding" drop
    oifname @externals counter name "drop_host_forwarding" drop
    iifname @forwarders accept
    oifname @forwarders accept
    counter name "drop_host_forwarding" drop
  }
`;
