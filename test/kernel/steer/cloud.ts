/** What the fuzzers of a network node's programs begin with. */
import { ethernet, IP, ip4, ip6, srh, tcp, udp } from '../fastpath/packets.js';
import { echo, ECHO4, errorAbout } from './icmp.js';
import { arriving, GATEWAY_SIDS, HYPERVISOR, MACS, NetworkNode, OTHER, ZONES } from './node.js';
import { everyPort } from './policies.js';
import type { Hook } from './node.js';

const packetsFrom = (inet: { from: string; to: string }, inet6: { from: string; to: string }): Buffer[] => [
  ip4(inet),
  ip4({ ...inet, to: '10.1.0.3', options: Buffer.from([7, 4, 4, 0]) }),
  ip4({ ...inet, protocol: IP.tcp, payload: tcp({ flags: 2 }) }),
  ip4({ ...inet, protocol: IP.icmp, payload: echo(ECHO4.request) }),
  ip4({ ...inet, protocol: IP.icmp, payload: errorAbout(ip4({ from: '10.1.0.2', to: '10.0.0.1' }), 3) }),
  ip4({ ...inet, ttl: 1 }),
  ip4({ ...inet, fragment: 0x2000 }),
  ip4({ ...inet, fragment: 100 }),
  ip4({ ...inet, payload: udp({ size: 1500 }) }),
  ip6(inet6),
  ip6({ ...inet6, next: IP.hopByHop, payload: Buffer.concat([Buffer.from('1100010400000000', 'hex'), udp()]) }),
  ip6({ ...inet6, next: IP.fragment, payload: Buffer.concat([Buffer.from('1100000100000007', 'hex'), udp()]) }),
  ip6({ ...inet6, hopLimit: 1 }),
];

const RED = packetsFrom({ from: '10.0.0.1', to: '10.1.0.2' }, { from: 'cafe:a::1', to: 'cafe:b::3' });
const DC = packetsFrom({ from: '192.0.2.9', to: '10.1.0.2' }, { from: '2001:db8:d::9', to: 'cafe:b::3' });

/** Frames that a network node's program takes, each of another sort. */
export function corpusOf(hook: Hook): Buffer[] {
  const fromRouter = { to: MACS.uplink, from: MACS.router };
  if (hook === 'external') return DC.map((packet) => ethernet(packet, fromRouter));
  return RED.flatMap((packet) => {
    const protocol = packet.readUInt8(0) >> 4 === 4 ? IP.ipip : IP.ipv6;
    const payload = Buffer.concat([srh(protocol, [GATEWAY_SIDS.red], 0), packet]);
    return [
      arriving('red', packet),
      ethernet(ip6({ from: HYPERVISOR, to: GATEWAY_SIDS.red, next: IP.routing, payload }), fromRouter),
    ];
  });
}

/** A network node of the tests' cloud on which everything may pass, and that sends ICMP errors to any sender. */
export function nodeOf(hook: Hook, isHypervisor = false): NetworkNode {
  const node = new NetworkNode({ is_hypervisor: isHypervisor }, hook);
  const rules = (['tcp', 'udp', 'icmp', 'other'] as const).map((protocol) => everyPort(protocol, 'allow'));
  for (const from of [ZONES.red.id, ZONES.dc.id]) node.policies.give(from, ZONES.blue.id, { rules });
  for (const prefix of ['0.0.0.0/0', '::/0']) {
    node.addExternalSource(prefix);
    node.addIcmpSource('red', prefix, prefix.includes(':') ? 'cafe:a::fe' : '10.0.0.254');
    node.addIcmpSource('dc', prefix, prefix.includes(':') ? '2001:db8::1' : '192.0.2.1');
  }
  for (const [prefix, to] of [
    ['10.1.0.0/24', 'blue'],
    ['cafe:b::/64', 'blue'],
  ] as const) {
    node.addRoute('dc', prefix, to);
  }
  node.setMaglev(OTHER);
  return node;
}
