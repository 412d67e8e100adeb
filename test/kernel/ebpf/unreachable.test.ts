/**
 * Packets of a VM to an unused address of its tenant: in ebpf mode the gateway answers with the ICMP error that Linux
 * sends in the other modes.
 */
import { describe, expect, it } from 'vitest';
import { fastpathCounts, since } from '../../netns/lib/fastpath.js';
import { useNetwork } from '../../netns/lib/network.js';
import { findHeader } from '../../netns/lib/packets.js';
import { selftestTopology } from '../../netns/lib/topologies.js';

const CASES = [
  ['IPv4', '203.0.113.1', '10.0.0.254', '10.0.0.1', 'icmp', [3, 1], /Destination Host Unreachable/],
  ['IPv6', '2001:db8:9::1', 'cafe::254', 'cafe::1', 'icmpv6', [1, 0], /Destination unreachable: No route/],
] as const;

/** Shell: what Linux sends where a route of type unreachable ends, the seal of a VRF: a router and a host of their own. */
const KERNEL = `
ip netns add ur-$$-router; ip netns add ur-$$-host
trap 'ip netns del ur-$$-router; ip netns del ur-$$-host' EXIT
ip -n ur-$$-router link add r0 type veth peer name h0 netns ur-$$-host
for end in router:r0:254 host:h0:1; do
  IFS=: read -r name device last <<<"$end"
  ip -n ur-$$-$name link set $device up
  ip -n ur-$$-$name address add 10.0.0.$last/24 dev $device
  ip -n ur-$$-$name address add cafe::$last/64 dev $device nodad
done
ip netns exec ur-$$-router sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
ip -n ur-$$-router route add unreachable default metric 4278198272
ip -n ur-$$-router -6 route add unreachable default metric 4278198272
ip -n ur-$$-host route add default via 10.0.0.254
ip -n ur-$$-host -6 route add default via cafe::254
ip netns exec ur-$$-host ping -c 1 -W 2 $TO 2>&1 || true
`;

describe('an unused address', () => {
  const network = useNetwork(selftestTopology({ dataplane: { hv1: 'ebpf', hv2: 'ebpf' } }));

  it.each(CASES)('%s: ping reports the kernel’s error message', async (...parts) => {
    const [, to, gateway, vm, layer, kind, words] = parts;
    const before = fastpathCounts(network, 'hv1');
    const capture = await network.capture('t100-1');
    const said = await network.shell('t100-1', `ping -c 2 -i 0.3 -W 2 ${to} 2>&1 || true`);
    const packets = await capture.stop();
    expect(said).toMatch(words);
    expect(said).toContain(`From ${gateway} `);
    expect(await network.shell('t100-1', `TO=${to}${KERNEL}`)).toMatch(words);
    const messages = packets.flatMap(({ headers }) => {
      const [, ip] = headers;
      const icmp = findHeader(headers, layer);
      if (icmp?.type !== kind[0] || (ip?.layer !== 'ipv4' && ip?.layer !== 'ipv6')) return [];
      return [[ip.source, ip.destination, icmp.code]];
    });
    expect(messages).toEqual([
      [gateway, vm, kind[1]],
      [gateway, vm, kind[1]],
    ]);
    expect(since(before, fastpathCounts(network, 'hv1')).reasons['answer unreachable']).toBe(2);
  });
});
