/**
 * IPv6 extension headers, AH among them, as policies, connections and ICMP errors see them: the header behind them
 * counts, as for nf_conntrack (ipv6_skip_exthdr). In IPv4, AH is a protocol.
 */
import { describe, expect, it } from 'vitest';
import { EXTENSIONS, extension6, IP, ip4, ip6, options6, srh, tcp } from '../fastpath/packets.js';
import { ECHO6, echo, errorAbout } from './icmp.js';
import { arriving, GATEWAY_SIDS, NetworkNode, ZONES } from './node.js';
import { everyPort } from './policies.js';

const SYN = 0x02;
const RED_TO_BLUE = { from: 'cafe:a::1', to: 'cafe:b::2' } as const;
const BLUE_TO_RED = { from: 'cafe:b::2', to: 'cafe:a::1' } as const;
const headers = Object.entries(EXTENSIONS);

/** Of red and blue: TCP to port 80 may be opened, to other ports it is denied, other protocols are. */
function node(): NetworkNode {
  const made = new NetworkNode({ is_hypervisor: false }, 'tc');
  made.policies.give(ZONES.red.id, ZONES.blue.id, {
    rules: [
      {
        protocol: 'tcp',
        ports: [
          { first: 0, action: 'deny', policy: 1, rank: 1 },
          { first: 80, action: 'allow', policy: 2, rank: 1 },
          { first: 81, action: 'deny', policy: 1, rank: 1 },
        ],
      },
      everyPort('other', 'allow'),
    ],
  });
  made.addIcmpSource('red', '::/0', 'cafe:a::fe');
  return made;
}

const open = (destination: number): Buffer => tcp({ destination, flags: SYN });

describe.each(headers)('the header %s', (_name, header) => {
  const behind = (next: number, payload: Buffer, ends: { from: string; to: string } = RED_TO_BLUE): Buffer =>
    ip6({ ...ends, next: header, payload: Buffer.concat([extension6(header, next), payload]) });

  it('hides no port from policies', () => {
    const made = node();
    expect(made.sent('red', behind(IP.tcp, open(80)))).toBe('passed');
    expect(made.sent('red', behind(IP.tcp, open(22)))).toBe('drop policy');
    const two = Buffer.concat([extension6(IP.authentication, header), extension6(header, IP.tcp), open(22)]);
    expect(made.sent('red', ip6({ ...RED_TO_BLUE, next: IP.authentication, payload: two }))).toBe('drop policy');
  });

  it('leaves a packet in its connection', () => {
    const made = node();
    expect(made.sent('red', ip6({ ...RED_TO_BLUE, next: IP.tcp, payload: open(80) }))).toBe('passed');
    const reply = tcp({ source: 80, destination: 4000, flags: 0x12, acked: 2 });
    expect(made.sent('blue', behind(IP.tcp, reply, BLUE_TO_RED))).toBe('passed');
    const stranger = tcp({ source: 80, destination: 4001, flags: 0x12, acked: 2 });
    expect(made.sent('blue', behind(IP.tcp, stranger, BLUE_TO_RED))).toBe('drop not established');
  });

  it('is skipped in the packet that an error quotes', () => {
    const made = node();
    expect(made.sent('red', ip6({ ...RED_TO_BLUE, next: IP.tcp, payload: open(80) }))).toBe('passed');
    const error = (quoted: Buffer): Buffer =>
      ip6({ from: 'cafe:b::fe', to: 'cafe:a::1', next: IP.icmp6, payload: errorAbout(quoted, 2) });
    expect(made.sent('blue', error(behind(IP.tcp, open(80))))).toBe('passed');
    expect(made.sent('blue', error(behind(IP.tcp, open(81))))).toBe('drop not established');
  });

  it('hides no routing header', () => {
    const routing = Buffer.concat([srh(IP.tcp, [GATEWAY_SIDS.red], 0), open(80)]);
    expect(node().sent('red', behind(IP.routing, routing))).toBe('drop routing header');
  });

  it('hides no ICMP error: none is sent about one', () => {
    const told = (payload: Buffer): string[] => {
      const packet = behind(IP.icmp6, payload);
      packet.writeUInt8(1, 7);
      return Object.keys(node().send(arriving('red', packet)).counted);
    };
    expect(told(errorAbout(ip6(RED_TO_BLUE), 1))).toEqual(['drop hop limit']);
    expect(told(echo(ECHO6.request))).toEqual(['answer hop limit']);
  });
});

it('chains of seven headers are not read', () => {
  const chain = Array.from({ length: 7 }, (_, at) => options6(at === 6 ? IP.tcp : IP.destOptions));
  const payload = Buffer.concat([...chain, open(80)]);
  expect(node().sent('red', ip6({ ...RED_TO_BLUE, next: IP.destOptions, payload }))).toBe('drop malformed');
});

it('AH in IPv4 is a protocol like others', () => {
  const payload = Buffer.concat([extension6(IP.authentication, IP.tcp), open(22)]);
  expect(node().sent('red', ip4({ from: '10.0.0.1', to: '10.1.0.2', protocol: IP.authentication, payload }))).toBe(
    'passed',
  );
});
