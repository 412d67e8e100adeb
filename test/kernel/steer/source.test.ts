/** Who may send to a network node by a tenant's SID: nodes of the SR domain, from addresses of the tenant. */
import { describe, expect, it } from 'vitest';
import { Mark } from '../../../src/ebpf/generated/layouts.js';
import { ethernet, IP, ip4, ip6, srh, tcp, udp } from '../fastpath/packets.js';
import { echo, errorAbout } from './icmp.js';
import { arriving, GATEWAY_SIDS, HYPERVISOR, MACS, NetworkNode, OTHER_NODE, SOURCE, ZONES } from './node.js';
import { everyPort } from './policies.js';

const STRANGER = '2001:db8:bad::1';
const SYN = 0x02;
const UNTRUSTED = 'drop untrusted source';
const INNER = 'drop inner source';

function nodeFor(hook: 'xdp' | 'tc', rodata: Record<string, boolean> = {}, remembers = false): NetworkNode {
  const node = new NetworkNode({ is_hypervisor: false, ...rodata }, hook, remembers);
  const rules = (['tcp', 'udp', 'icmp', 'other'] as const).map((protocol) => everyPort(protocol, 'allow'));
  node.policies.give(ZONES.red.id, ZONES.blue.id, { rules });
  node.addRoute('red', '192.0.2.0/24', 'dc');
  node.addRoute('blue', '192.0.2.0/24', 'dc');
  return node;
}

/** What opens, of each protocol and family, from an address of each. */
const opening = (from4: string, from6: string): Buffer[] => [
  ip4({ from: from4, to: '10.1.0.2' }),
  ip4({ from: from4, to: '10.1.0.2', protocol: IP.tcp, payload: tcp({ flags: SYN }) }),
  ip4({ from: from4, to: '10.1.0.2', protocol: IP.icmp, payload: echo(8) }),
  ip4({ from: from4, to: '10.1.0.2', fragment: 0x2000, payload: udp({ size: 1000 }) }),
  ip6({ from: from6, to: 'cafe:b::2' }),
  ip6({ from: from6, to: 'cafe:b::2', next: IP.tcp, payload: tcp({ flags: SYN }) }),
  ip6({ from: from6, to: 'cafe:b::2', next: IP.icmp6, payload: echo(128) }),
];
const RED = opening('10.0.0.1', 'cafe:a::1');

describe.each(['xdp', 'tc'] as const)('a network node at %s', (hook) => {
  it('takes packets from nodes of the domain alone', () => {
    const [node, unchecked] = [nodeFor(hook), nodeFor(hook, { check_sources: false })];
    for (const packet of RED) {
      for (const source of [HYPERVISOR, OTHER_NODE]) expect(node.sent('red', packet, source)).toBe('passed');
      expect(node.sent('red', packet, STRANGER)).toBe(UNTRUSTED);
      const protocol = packet.readUInt8(0) >> 4 === 4 ? IP.ipip : IP.ipv6;
      const payload = Buffer.concat([srh(protocol, [GATEWAY_SIDS.red], 0), packet]);
      const segmented = ip6({ from: STRANGER, to: GATEWAY_SIDS.red, next: IP.routing, payload });
      const routed = node.send(ethernet(segmented, { to: MACS.uplink, from: MACS.router }));
      expect(Object.keys(routed.counted)).toEqual([UNTRUSTED]);
      expect(unchecked.sent('red', packet, STRANGER)).toBe('passed');
    }
  });

  it('takes packets from the node itself by their mark alone', () => {
    const node = nodeFor(hook);
    const own = arriving('red', ip4({ from: '10.0.0.1', to: '10.1.0.2' }), SOURCE);
    if (hook === 'xdp') {
      // It sees no marks: tcx decides.
      expect(node.send(own)).toMatchObject({ verdict: 'next', counted: {} });
      return;
    }
    expect(node.send(own).counted).toEqual({ [UNTRUSTED]: 1 });
    expect(node.send(own, { mark: Mark.MARK_LOOPBACK })).toMatchObject({ verdict: 'redirect' });
    expect(node.send(own).counted).toEqual({ [UNTRUSTED]: 1 });
  });

  it.each([
    ['of the tenant that it sends to', '10.1.0.7', 'cafe:b::7'],
    ['of the receiver', '10.1.0.2', 'cafe:b::2'],
    ['of an external network', '192.0.2.9', '2001:db8:d::9'],
    ['that nobody has', '198.51.100.1', '2001:db8:e::1'],
    ['of the loopback', '127.0.0.1', '::1'],
    ['that is unspecified', '0.0.0.0', '::'],
    ['of a multicast group', '224.0.0.5', 'ff02::1'],
  ])('drops packets for red’s SID from an address %s', (_what, from4, from6) => {
    const node = nodeFor(hook);
    for (const packet of [...opening(from4, from6), ...opening(from4, from6)]) {
      expect(node.sent('red', packet)).toBe(INNER);
    }
    expect(node.connections('red')).toEqual([]);
  });

  it('takes ICMP errors from the tenant’s members and gateway alone', () => {
    const node = nodeFor(hook);
    node.addIcmpSource('blue', '0.0.0.0/0', '10.1.0.254');
    node.addMember('blue', '172.20.0.1', 2);
    const asked = ip4({ from: '10.0.0.1', to: '10.1.0.2' });
    expect(node.sent('red', asked)).toBe('passed');
    const error = (from: string): string =>
      node.sent('blue', ip4({ from, to: '10.0.0.1', protocol: IP.icmp, payload: errorAbout(asked, 11) }));
    // The gateway's is outside what policies name here, and so is a member's.
    for (const from of ['10.1.0.2', '10.1.0.99', '10.1.0.254', '172.20.0.1']) expect(error(from), from).toBe('passed');
    for (const from of ['10.0.0.1', '192.0.2.9', '198.51.100.1', '127.0.0.1']) expect(error(from), from).toBe(INNER);
  });

  it('ignores frames for another MAC address', () => {
    const node = nodeFor(hook);
    const frame = arriving('red', ip4({ from: '10.0.0.1', to: '10.1.0.2' }));
    for (const mac of ['020000000299', 'ffffffffffff', '333300000001']) {
      const other = Buffer.concat([Buffer.from(mac, 'hex'), frame.subarray(6)]);
      expect(node.send(other)).toEqual({
        verdict: 'next',
        counted: hook === 'tc' ? { 'pass host': 1 } : {},
        frame: other,
      });
    }
  });
});

it('drops packets from another outer source than the cached flow’s', () => {
  const node = nodeFor('xdp', {}, true);
  const packet = ip4({ from: '10.0.0.1', to: '10.1.0.2' });
  for (let turn = 0; turn < 4; turn++) expect(node.sent('red', packet)).toBe('passed');
  expect(node.remembered()).toBeGreaterThan(0);
  expect(node.sent('red', packet, STRANGER)).toBe(UNTRUSTED);
  expect(node.sent('red', packet, OTHER_NODE)).toBe('passed');
  expect(node.sent('red', packet)).toBe('passed');
});
