/** ICMP errors about packets that arrive at an uplink: they go back through the overlay to the sender's node. */
import { describe, expect, it } from 'vitest';
import { Bench, GATEWAYS, MACS, MTU, PATHS, SIDS, SOURCE } from './bench.js';
import { computed, errorAbout, icmp4, QUOTE, withPseudoSum } from './control-packets.js';
import { encapsulated, ethernet, IP, ip4, ip6, srh, tcp, udp, withoutFlowLabel } from './packets.js';

const FROM_ROUTER = { to: MACS.uplink, from: MACS.router };
const TO_ROUTER = { to: MACS.router, from: MACS.uplink };
const REMOTE = 'fd00:5e:2::1';
const IN4 = { from: '10.0.0.2', to: '10.0.0.1' } as const;
const IN6 = { from: 'cafe::2', to: 'cafe::1' } as const;

interface Case {
  what: string;
  inner: Buffer;
  mtu?: number;
  /** of the sender's, as the bench has them; 2 unless told */
  path?: number;
  /** an SRH before it, of so many segments */
  segments?: number;
}

const sid = (segments: number): string[] => [SIDS.dt46, 'fd00:5e:91:1::', 'fd00:5e:92:1::'].slice(0, segments);

function arriving(inner: Buffer, segments = 0): Buffer {
  if (segments === 0) return ethernet(encapsulated(inner, [SIDS.dt46], REMOTE), FROM_ROUTER);
  const protocol = inner.readUInt8(0) >> 4 === 4 ? IP.ipip : IP.ipv6;
  const payload = Buffer.concat([srh(protocol, sid(segments), 0), inner]);
  return ethernet(ip6({ from: REMOTE, to: SIDS.dt46, next: IP.routing, payload }), FROM_ROUTER);
}

const CASES: Case[] = [
  { what: 'at its last hop', inner: ip4({ ...IN4, ttl: 1 }) },
  { what: 'of IPv6', inner: ip6({ ...IN6, hopLimit: 1 }) },
  { what: 'with hop limit 0', inner: ip6({ ...IN6, hopLimit: 0 }) },
  { what: 'with one byte of payload', inner: ip4({ ...IN4, ttl: 1, protocol: 200, payload: Buffer.alloc(1) }) },
  { what: 'with an SRH', inner: ip4({ ...IN4, ttl: 1 }), segments: 2 },
  { what: 'with a long SRH', inner: ip6({ ...IN6, hopLimit: 1 }), segments: 3 },
  { what: 'back by two segments', inner: ip4({ ...IN4, from: '10.0.0.3', ttl: 1 }), path: 3 },
  { what: 'back by four segments', inner: ip6({ ...IN6, from: 'cafe::5', hopLimit: 1 }), path: 5 },
  {
    what: 'with an SRH, back by three segments',
    inner: ip4({ ...IN4, from: '10.0.0.4', ttl: 1 }),
    path: 4,
    segments: 3,
  },
  { what: 'to another port', inner: ip4({ ...IN4, to: '10.0.0.7', ttl: 1 }) },
  { what: 'longer than its quote', inner: ip4({ ...IN4, ttl: 1, payload: udp({ size: 1001 }) }) },
  { what: 'longer than its quote, IPv6', inner: ip6({ ...IN6, hopLimit: 1, payload: udp({ size: MTU - 48 }) }) },
  { what: 'larger than the MTU', inner: ip4({ ...IN4, fragment: 0x4000, payload: udp({ size: MTU }) }), mtu: MTU },
  { what: 'larger than the MTU, IPv6', inner: ip6({ ...IN6, payload: udp({ size: MTU }) }), mtu: MTU },
];

describe('an error to a sender on another node', () => {
  it.each(CASES.map((one) => [one.what, one] as const))(
    'is sent about a packet: %s',
    (_what, { inner, mtu, path = 2, segments }) => {
      const sent = new Bench().send('uplink_tc', arriving(inner, segments));
      const reason = mtu === undefined ? 'answer hop limit' : 'answer too big';
      expect({ verdict: sent.verdict, counted: sent.counted }).toEqual({
        verdict: 'redirect',
        counted: { [reason]: 1 },
      });
      const isInet = inner.readUInt8(0) >> 4 === 4;
      const error = errorAbout(inner, { gateway: GATEWAYS[isInet ? 0 : 1], ...(mtu !== undefined && { mtu }) });
      const out = ethernet(encapsulated(error, PATHS[path] ?? [], SOURCE, isInet ? 0xc0 : 0), TO_ROUTER);
      const { frame, flowLabel } = withoutFlowLabel(sent.frame);
      expect(frame.toString('hex')).toBe(out.toString('hex'));
      expect(flowLabel).not.toBe(0);
    },
  );

  it.each(CASES.map((one) => [one.what, one] as const))(
    'is left to tcx when XDP gets the packet: %s',
    (_what, { inner, segments }) => {
      const frame = arriving(inner, segments);
      expect(new Bench().send('uplink_xdp', frame)).toEqual({ verdict: 'next', counted: {}, frame });
    },
  );

  it.each([
    ['an ICMP error', icmp4([11, 0], Buffer.alloc(32), { ...IN4, ttl: 1 }), 'hop limit'],
    ['a later fragment', ip4({ ...IN4, ttl: 1, fragment: 0x0010 }), 'hop limit'],
    ['a later fragment that is too big', ip4({ ...IN4, fragment: 0x0010, payload: udp({ size: MTU }) }), 'too big'],
    ['a packet from an unused address', ip4({ ...IN4, from: '10.0.0.99', ttl: 1 }), 'hop limit'],
    ['a packet from no address', ip4({ ...IN4, from: '0.0.0.0', ttl: 1 }), 'inner source'],
    ['a packet from multicast', ip6({ ...IN6, from: 'ff02::1', hopLimit: 1 }), 'inner source'],
    ['a packet from an address of this node', ip4({ ...IN4, from: '10.0.0.7', ttl: 1 }), 'hop limit'],
    ['a packet from the gateway', ip4({ ...IN4, from: GATEWAYS[0], ttl: 1 }), 'inner source'],
  ])('is not sent about %s', (_what, inner, reason) => {
    const { verdict, counted } = new Bench().send('uplink_tc', arriving(inner));
    expect({ verdict, counted }).toEqual({ verdict: 'drop', counted: { [`drop ${reason}`]: 1 } });
  });

  it.each([
    ['about a packet to an unused address', ip4({ ...IN4, to: '10.0.0.99', ttl: 1 }), 'hop limit'],
    ['about a packet to a member of another node', ip4({ ...IN4, to: '10.0.0.3', ttl: 1 }), 'hop limit'],
  ])('is left to the kernel %s', (_what, inner, reason) => {
    const frame = arriving(inner);
    const sent = new Bench().send('uplink_tc', frame);
    expect(sent).toEqual({ verdict: 'next', counted: { [`punt ${reason}`]: 1 }, frame });
  });

  it('is not sent while the next hop to the sender is unresolved', () => {
    const sent = new Bench().send('uplink_tc', arriving(ip4({ ...IN4, from: '10.0.0.8', ttl: 1 })));
    expect(sent).toMatchObject({ verdict: 'next', counted: { 'punt unresolved': 1 } });
  });

  it('quotes the complete checksum of a packet with checksum offload', () => {
    const inner = withPseudoSum(ip4({ ...IN4, ttl: 1, protocol: IP.tcp, payload: tcp({ size: 1000 }) }));
    const { frame } = new Bench().send('uplink_tc', arriving(inner));
    const quote = frame.subarray(14 + 40 + 28);
    expect(quote).toHaveLength(QUOTE.inet);
    expect(computed(quote).toString('hex')).toBe(quote.toString('hex'));
    const error = errorAbout(Buffer.concat([quote, inner.subarray(QUOTE.inet)]), { gateway: GATEWAYS[0] });
    expect(frame.subarray(54).toString('hex')).toBe(error.toString('hex'));
  });

  it('is limited by its port’s rate', () => {
    expect(new Bench().exhaust('uplink_tc', arriving(ip4({ ...IN4, ttl: 1 })))).toBeGreaterThanOrEqual(50);
  });
});
