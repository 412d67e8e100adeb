/** A tenant's packets that a network node forwards: bytes in, bytes out. */
import { describe, expect, it } from 'vitest';
import { ethernet, IP, ip4, ip6, srh, tcp, udp, withoutFlowLabel } from '../fastpath/packets.js';
import { arriving, GATEWAY_SIDS, HYPERVISOR, leaving, MACS, NetworkNode, PATHS, ZONES } from './node.js';
import { everyPort } from './policies.js';
import type { Hook, Verdict } from './node.js';

const IN4 = { from: '10.0.0.1', to: '10.1.0.2' } as const;
const IN6 = { from: 'cafe:a::1', to: 'cafe:b::2' } as const;
const FROM_ROUTER = { to: MACS.uplink, from: MACS.router };

interface Case {
  what: string;
  packet: Buffer;
  verdict: Verdict;
  /** absent: the host's own */
  reason?: string;
  out?: Buffer;
}

function passed(what: string, packet: Buffer, inner: Buffer, path = PATHS[2], trafficClass = 0): Case {
  const out = leaving(inner, path, trafficClass);
  return { what, packet, verdict: 'redirect', reason: 'forward forwarded', out };
}

function left(what: string, packet: Buffer, reason?: string): Case {
  return { what, packet, verdict: 'next', ...(reason !== undefined && { reason: `punt ${reason}` }) };
}

function dropped(what: string, packet: Buffer, reason: string): Case {
  return { what, packet, verdict: 'drop', reason: `drop ${reason}` };
}

/** Arrived with an SRH whose segments are used up. */
function withSrh(inner: Buffer, list: readonly string[], segmentsLeft = 0): Buffer {
  const protocol = inner.readUInt8(0) >> 4 === 4 ? IP.ipip : IP.ipv6;
  const payload = Buffer.concat([srh(protocol, list, segmentsLeft), inner]);
  return ethernet(ip6({ from: HYPERVISOR, to: GATEWAY_SIDS.red, next: IP.routing, payload }), FROM_ROUTER);
}

const CASES: Case[] = [
  passed('IPv4', arriving('red', ip4(IN4)), ip4({ ...IN4, ttl: 63 })),
  passed('IPv6', arriving('red', ip6(IN6)), ip6({ ...IN6, hopLimit: 63 })),
  passed(
    'to a path of two segments',
    arriving('red', ip4({ ...IN4, to: '10.1.0.3' })),
    ip4({ ...IN4, to: '10.1.0.3', ttl: 63 }),
    PATHS[3],
  ),
  passed(
    'IPv6 to a path of two segments',
    arriving('red', ip6({ ...IN6, to: 'cafe:b::3' })),
    ip6({ ...IN6, to: 'cafe:b::3', hopLimit: 63 }),
    PATHS[3],
  ),
  passed('an SRH of one segment', withSrh(ip4(IN4), [GATEWAY_SIDS.red]), ip4({ ...IN4, ttl: 63 })),
  passed('an SRH of two, IPv6', withSrh(ip6(IN6), [GATEWAY_SIDS.red, 'fd00:5e:91:1::']), ip6({ ...IN6, hopLimit: 63 })),
  passed(
    'an SRH in, an SRH out',
    withSrh(ip4({ ...IN4, to: '10.1.0.3' }), [GATEWAY_SIDS.red]),
    ip4({ ...IN4, to: '10.1.0.3', ttl: 63 }),
    PATHS[3],
  ),
  passed(
    'IPv4 options',
    arriving('red', ip4({ ...IN4, options: Buffer.from([7, 4, 4, 0]) })),
    ip4({ ...IN4, ttl: 63, options: Buffer.from([7, 4, 4, 0]) }),
  ),
  passed('TTL 2', arriving('red', ip4({ ...IN4, ttl: 2 })), ip4({ ...IN4, ttl: 1 })),
  passed(
    "the code point of the hypervisor's choice",
    arriving('red', ip4({ ...IN4, tos: 0xb8 }), HYPERVISOR, 0x28),
    ip4({ ...IN4, tos: 0xb8, ttl: 63 }),
    PATHS[2],
    0x28,
  ),
  passed(
    'ECN of the inner header',
    arriving('red', ip4({ ...IN4, tos: 0x02 }), HYPERVISOR, 0x02),
    ip4({ ...IN4, tos: 0x02, ttl: 63 }),
    PATHS[2],
    0x02,
  ),
  passed(
    'congestion on the underlay',
    arriving('red', ip4({ ...IN4, tos: 0x02 }), HYPERVISOR, 0x03),
    ip4({ ...IN4, tos: 0x03, ttl: 63 }),
    PATHS[2],
    0x03,
  ),
  passed(
    'congestion on the underlay, IPv6',
    arriving('red', ip6({ ...IN6, trafficClass: 0x01 }), HYPERVISOR, 0x03),
    ip6({ ...IN6, trafficClass: 0x03, hopLimit: 63 }),
    PATHS[2],
    0x03,
  ),
  dropped('congestion, inner packet not ECN-capable', arriving('red', ip4(IN4), HYPERVISOR, 0x03), 'ecn'),
  passed(
    '1524 bytes into 1564',
    arriving('red', ip4({ ...IN4, payload: udp({ size: 1524 - 28 }) })),
    ip4({ ...IN4, ttl: 63, payload: udp({ size: 1524 - 28 }) }),
  ),
  left('1525 bytes', arriving('red', ip4({ ...IN4, payload: udp({ size: 1525 - 28 }) })), 'too big'),
  left('TTL 1', arriving('red', ip4({ ...IN4, ttl: 1 })), 'hop limit'),
  left('hop limit 1', arriving('red', ip6({ ...IN6, hopLimit: 1 })), 'hop limit'),
  left('an unused address', arriving('red', ip4({ ...IN4, to: '10.1.0.99' })), 'no member'),
  left('an unresolved next hop', arriving('red', ip4({ ...IN4, to: '10.1.0.8' })), 'unresolved'),
  left('segments left', withSrh(ip4(IN4), [GATEWAY_SIDS.red], 1), 'segments'),
  left('no gateway SID', ethernet(ip6({ from: HYPERVISOR, to: 'fd00:5e:9::1' }), FROM_ROUTER)),
  left('IPv4 on the underlay', ethernet(ip4(), FROM_ROUTER)),
  dropped("an address of nobody's subnet", arriving('red', ip4({ ...IN4, to: '172.16.0.1' })), 'no policy'),
  dropped('its own subnet', arriving('red', ip4({ ...IN4, to: '10.0.0.7' })), 'no policy'),
  dropped('a tenant without policies', arriving('green', ip4(IN4)), 'no policy'),
  dropped(
    'a routing header inside',
    arriving('red', ip6({ ...IN6, next: IP.routing, payload: srh(IP.udp, ['cafe:b::2'], 1) })),
    'routing header',
  ),
  dropped(
    'an inner header with a length beyond the packet',
    arriving('red', ip4({ ...IN4, length: 100 })),
    'malformed',
  ),
  dropped(
    'an inner header with a length beyond the packet, IPv6',
    arriving('red', ip6({ ...IN6, length: 100 })),
    'malformed',
  ),
  dropped('no room for the ports', arriving('red', ip4({ ...IN4, payload: Buffer.alloc(4) })), 'malformed'),
  dropped(
    'half a TCP header',
    arriving('red', ip4({ ...IN4, protocol: IP.tcp, payload: tcp().subarray(0, 12) })),
    'malformed',
  ),
];

/** Red may open anything to blue. */
function openNode(hook: Hook = 'xdp'): NetworkNode {
  const node = new NetworkNode({ is_hypervisor: false }, hook);
  const rules = (['tcp', 'udp', 'icmp', 'other'] as const).map((protocol) => everyPort(protocol, 'allow'));
  node.policies.give(ZONES.red.id, ZONES.blue.id, { rules });
  return node;
}

describe.each(['xdp', 'tc'] as const)('the program of a network node: %s', (hook) => {
  it.each(CASES.map((one) => [one.what, one.reason, one] as const))(
    '%s: %s',
    (_what, reason, { packet, verdict, out }) => {
      const sent = openNode(hook).send(packet);
      // What XDP hands on meets tcx next, where all that is a gateway's ends.
      const isCounted = reason !== undefined && (verdict !== 'next' || hook === 'tc');
      const ends = isCounted && verdict === 'next';
      const counted: Record<string, number> = {};
      if (isCounted) counted[ends ? reason.replace('punt', 'drop') : reason] = 1;
      else if (hook === 'tc') counted['pass host'] = 1;
      expect({ verdict: sent.verdict, counted: sent.counted }).toEqual({ verdict: ends ? 'drop' : verdict, counted });
      if (ends || verdict === 'drop') return;
      if (out === undefined) {
        expect(sent.frame.toString('hex')).toBe(packet.toString('hex'));
        return;
      }
      const { frame, flowLabel } = withoutFlowLabel(sent.frame);
      expect(frame.toString('hex')).toBe(out.toString('hex'));
      expect(flowLabel).not.toBe(0);
    },
  );

  it('separates tenants with the same addresses', () => {
    const node = openNode(hook);
    expect(node.sent('red', ip4(IN4))).toBe('passed');
    expect(node.sent('green', ip4(IN4))).toBe('drop no policy');
    node.addRoute('green', '10.1.0.0/24', 'blue');
    expect(node.sent('green', ip4(IN4))).toBe('drop no policy');
    // Blue's answer is red's, whoever else has the address.
    const answer = node.send(
      arriving('blue', ip4({ from: IN4.to, to: IN4.from, payload: udp({ source: 53, destination: 4000 }) })),
    );
    expect(withoutFlowLabel(answer.frame).frame.subarray(38, 54).toString('hex')).toBe(
      leaving(ip4(), PATHS[1]).subarray(38, 54).toString('hex'),
    );
  });

  it('sets one flow label for a flow, and different ones for flows', () => {
    const node = openNode(hook);
    const label = (source: number, from: 'red' | 'blue' = 'red'): number => {
      const inner =
        from === 'red'
          ? ip4({ ...IN4, payload: udp({ source }) })
          : ip4({ from: IN4.to, to: IN4.from, payload: udp({ source: 53, destination: source }) });
      return withoutFlowLabel(node.send(arriving(from, inner)).frame).flowLabel;
    };
    expect(label(4000)).toBe(label(4000));
    expect(label(4000, 'blue')).toBe(label(4000));
    expect(new Set(Array.from({ length: 200 }, (_, index) => label(5000 + index))).size).toBeGreaterThan(195);
  });

  it('leaves packets for its own VMs to the hypervisor’s program', () => {
    const node = new NetworkNode({}, hook);
    node.addMember('red', '10.0.0.7', 77, 1);
    expect(node.send(arriving('red', ip4({ ...IN4, from: '10.0.0.1', to: '10.0.0.7' })))).toMatchObject({
      verdict: 'next',
      counted: {},
    });
    const alone = new NetworkNode({ is_hypervisor: false }, hook);
    alone.addMember('red', '10.0.0.7', 77, 1);
    expect(alone.sent('red', ip4({ ...IN4, from: '10.0.0.1', to: '10.0.0.7' }))).toBe('drop no policy');
  });
});

describe('a super-packet', () => {
  const payload = tcp({ size: 3000, flags: 0x02 });
  const super4 = (to: string, ttl = 64): Buffer => ip4({ from: IN4.from, to, ttl, protocol: IP.tcp, payload });
  const gso = { size: 1440, segments: 3 };

  it('is forwarded whole and counted by its segments', () => {
    const node = openNode('tc');
    const sent = node.send(arriving('red', super4('10.1.0.2')), gso);
    expect(sent).toMatchObject({ verdict: 'redirect', counted: { 'forward forwarded': 1 } });
    expect(withoutFlowLabel(sent.frame).frame.toString('hex')).toBe(
      leaving(super4('10.1.0.2', 63), PATHS[2]).toString('hex'),
    );
    expect(node.hits(1)).toEqual({ connections: 1, packets: 3, bytes: super4('10.1.0.2').length });
  });

  // A made one is of no type: of TCP and UDP the kernel does it (test/kernel/gateway/data-plane.test.ts).
  it('is dropped where the kernel cannot change the length of its outer header', () => {
    const sent = openNode('tc').send(arriving('red', super4('10.1.0.3')), gso);
    expect(sent).toMatchObject({ verdict: 'drop', counted: { 'drop no offload': 1 } });
  });

  it('is dropped when its segments exceed the path MTU', () => {
    const sent = openNode('tc').send(arriving('red', super4('10.1.0.2')), { size: 1525 - 40, segments: 3 });
    expect(sent).toMatchObject({ verdict: 'drop', counted: { 'drop too big': 1 } });
  });
});
