/**
 * Packets from an external network: accepted for tenants' addresses alone, and from permitted sources alone. Bytes in,
 * bytes out.
 */
import { describe, expect, it } from 'vitest';
import { bytesOf, ethernet, IP, ip4, ip6, udp, withoutFlowLabel } from '../fastpath/packets.js';
import { leaving, MACS, NetworkNode, PATHS, ZONES } from './node.js';
import { everyPort } from './policies.js';

const FROM_ROUTER = { to: MACS.uplink, from: MACS.router };
const IN4 = { from: '192.0.2.9', to: '10.0.0.1' } as const;
const IN6 = { from: '2001:db8:d::9', to: 'cafe:a::1' } as const;
const ICMP_SOURCE4 = '192.0.2.1';

/** Anybody in dc may open anything to red; blue talks to red, and to dc nobody else. */
function externalNode(): NetworkNode {
  const node = new NetworkNode({ is_hypervisor: false }, 'external');
  const rules = (['tcp', 'udp', 'icmp', 'other'] as const).map((protocol) => everyPort(protocol, 'allow'));
  node.policies.give(ZONES.dc.id, ZONES.red.id, { rules });
  for (const prefix of ['192.0.2.0/24', '2001:db8::/32', 'fd00::/8', 'cafe::/16', '10.0.0.0/8'])
    node.addExternalSource(prefix);
  for (const prefix of ['0.0.0.0/0', '::/0']) node.addExternalSource(prefix, true);
  for (const prefix of ['10.0.0.0/24', 'cafe:a::/64']) node.addRoute('dc', prefix, 'red', 1400);
  for (const prefix of ['192.0.2.0/24', '2001:db8::/32']) node.addRoute('red', prefix, 'dc');
  node.addIcmpSource('dc', '0.0.0.0/0', ICMP_SOURCE4);
  return node;
}

describe('a packet from an external network', () => {
  it.each([
    ['IPv4', ip4(IN4), ip4({ ...IN4, ttl: 63 }), PATHS[1]],
    ['IPv6', ip6(IN6), ip6({ ...IN6, hopLimit: 63 }), PATHS[1]],
  ])('is sent to the hypervisor: %s', (_what, packet, inner, path) => {
    const sent = externalNode().send(ethernet(packet, FROM_ROUTER));
    expect(sent).toMatchObject({ verdict: 'redirect', counted: { 'forward forwarded': 1 } });
    expect(withoutFlowLabel(sent.frame).frame.toString('hex')).toBe(leaving(inner, path).toString('hex'));
  });

  it.each([
    ["from outside the network's prefixes", ip4({ ...IN4, from: '198.51.100.1' }), 'source address'],
    ["from outside the network's prefixes, IPv6", ip6({ ...IN6, from: '2001:dead::1' }), 'source address'],
    ['from the SID block', ip6({ ...IN6, from: 'fd00:5e:1::1' }), 'domain address'],
    ['from a trusted prefix', ip6({ ...IN6, from: 'fd00:77::1' }), 'domain address'],
    [
      "to a tenant's SID",
      ip6({ from: '2001:db8:d::9', to: 'fd00:5e:9:4600:64::', next: IP.ipip, payload: ip4(IN4) }),
      'domain address',
    ],
    ["to a node's own address", ip6({ from: '2001:db8:d::9', to: 'fd00:5e:9::1' }), 'domain address'],
    ['to a trusted prefix', ip6({ from: '2001:db8:d::9', to: 'fd00:77::1' }), 'domain address'],
    ['from one block to another', ip6({ from: 'fd00:5e:9::1', to: '2001:db8:9::1' }), 'domain address'],
    [
      "from an address of a tenant's that the destination talks to",
      ip4({ ...IN4, from: '10.1.0.2' }),
      'source address',
    ],
    ['from one, IPv6', ip6({ ...IN6, from: 'cafe:b::2' }), 'source address'],
    ['from a multicast group', ip4({ ...IN4, from: '224.0.0.1' }), 'source address'],
    ['to an unused address of the tenant', ip4({ ...IN4, to: '10.0.0.99' }), 'no member'],
    ['truncated headers', ip4({ ...IN4, payload: Buffer.alloc(4) }), 'malformed'],
  ])('is dropped: %s', (_what, packet, reason) => {
    const { verdict, counted } = externalNode().send(ethernet(packet, FROM_ROUTER));
    expect({ verdict, counted }).toEqual({ verdict: 'drop', counted: { [`drop ${reason}`]: 1 } });
  });

  it('is dropped to a SID whatever its destination MAC address, unless it is for another host', () => {
    const toSid = ip6({ from: '2001:db8:d::9', to: 'fd00:5e:9:4600:64::', next: IP.ipip, payload: ip4(IN4) });
    for (const to of ['ff:ff:ff:ff:ff:ff', '33:33:00:00:00:01']) {
      const { verdict, counted } = externalNode().send(ethernet(toSid, { ...FROM_ROUTER, to }));
      expect({ verdict, counted }).toEqual({ verdict: 'drop', counted: { 'drop domain address': 1 } });
    }
    const others = externalNode().send(ethernet(toSid, { ...FROM_ROUTER, to: '02:00:00:00:99:99' }));
    expect(others).toMatchObject({ verdict: 'next', counted: { 'pass host': 1 } });
  });

  it('is dropped without a policy that allows it', () => {
    const node = externalNode();
    for (const key of [...node.map('sg_pol_pairs').keys()]) node.map('sg_pol_pairs').delete(key);
    expect(node.send(ethernet(ip4(IN4), FROM_ROUTER)).counted).toEqual({ 'drop no policy': 1 });
  });

  it.each([
    ['to an address of the node', ethernet(ip4({ ...IN4, to: '192.0.2.1' }), FROM_ROUTER)],
    ['to a tenant that the network has no policy with', ethernet(ip4({ ...IN4, to: '10.1.0.2' }), FROM_ROUTER)],
    [
      'neighbour discovery',
      ethernet(
        ip6({ from: 'fe80::1', to: 'ff02::1:ff00:1', next: IP.icmp6, payload: Buffer.from('8700000000000000', 'hex') }),
        FROM_ROUTER,
      ),
    ],
    ["another machine's frame", ethernet(ip4(IN4), { ...FROM_ROUTER, to: '02:00:00:00:99:99' })],
    [
      'half an IP header to an address of the node',
      ethernet(ip4({ ...IN4, to: '192.0.2.1', length: 9000 }), FROM_ROUTER),
    ],
  ])('is left to the kernel: %s', (_what, frame) => {
    const sent = externalNode().send(frame);
    expect(sent).toEqual({ verdict: 'next', counted: { 'pass host': 1 }, frame });
  });

  it.each([
    ['at its last hop', ip4({ ...IN4, ttl: 1 }), 'answer hop limit', 11, 0],
    ["larger than the tenant's MTU", ip4({ ...IN4, payload: udp({ size: 1373 }) }), 'answer too big', 3, 1400],
  ])("is answered from the node's own address: %s", (_what, packet, reason, type, mtu) => {
    const { verdict, counted, frame } = externalNode().send(ethernet(packet, FROM_ROUTER));
    expect({ verdict, counted }).toEqual({ verdict: 'redirect', counted: { [reason]: 1 } });
    expect(frame.toString('hex', 0, 14)).toBe(`${MACS.router}${MACS.uplink}`.replaceAll(':', '') + '0800');
    expect(frame.toString('hex', 26, 34)).toBe(
      bytesOf(ICMP_SOURCE4).toString('hex') + bytesOf(IN4.from).toString('hex'),
    );
    expect([frame.readUInt8(34), frame.readUInt32BE(38)]).toEqual([type, mtu]);
  });
});
