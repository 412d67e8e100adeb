/**
 * A packet is parsed alike by every program: behind options and extension headers as without them, and without the
 * bytes that follow it in its frame.
 */
import { describe, expect, it } from 'vitest';
import { Bench, GATEWAYS, MACS, MTU, REMOTE_SOURCE, SIDS } from './bench.js';
import { solicitation } from './control-packets.js';
import { encapsulated, ethernet, fragment6, IP, ip4, ip6, options6, tcp, udp, withoutFlowLabel } from './packets.js';
import type { SentOptions } from './bench.js';

const TO_PORT = { to: MACS.port, from: MACS.vm };
const SYN = 0x02;
const MSS_1460 = Buffer.from([2, 4, 1460 >> 8, 1460 & 0xff]);
const ROUTER_ALERT = Buffer.from([0x94, 4, 0, 0]);
const OUTER = 40;

function verdicts(packet: Buffer, options: SentOptions = {}): string {
  return Object.keys(new Bench().send('port_tc', ethernet(packet, TO_PORT), options).counted).join();
}

const behindOptions6 = (next: number, payload: Buffer): Buffer =>
  ip6({ next: IP.destOptions, payload: Buffer.concat([options6(next), payload]) });

describe('behind options and extension headers', () => {
  const syn = tcp({ flags: SYN, options: MSS_1460, size: 0 });

  it.each([
    ['of IPv4', ip4({ options: ROUTER_ALERT, protocol: IP.tcp, payload: syn }), 24],
    ['of IPv6', behindOptions6(IP.tcp, syn), 48],
    [
      'of IPv6, whole in one fragment',
      ip6({ next: IP.fragment, payload: Buffer.concat([fragment6(IP.tcp, 0, false), syn]) }),
      48,
    ],
  ])('the MSS of a SYN is lowered to the MTU: %s', (_what, packet, header) => {
    const bench = new Bench();
    const { frame } = bench.send('port_tc', ethernet(packet, TO_PORT));
    expect(frame.readUInt16BE(14 + OUTER + header + 22)).toBe(MTU - header - 20);
    // XDP leaves it to tcx, which does that.
    expect(bench.send('port_xdp', ethernet(packet, TO_PORT)).verdict).toBe('next');
  });

  it.each([
    ['UDP behind extension headers', (bytes: number) => behindOptions6(IP.udp, udp({ size: bytes })), 40 + 8 + 8],
    [
      'TCP with options behind extension headers',
      (bytes: number) => behindOptions6(IP.tcp, tcp({ options: Buffer.alloc(12, 1), size: bytes })),
      40 + 8 + 32,
    ],
    [
      'TCP with options behind options',
      (bytes: number) =>
        ip4({ options: ROUTER_ALERT, protocol: IP.tcp, payload: tcp({ options: Buffer.alloc(12, 1), size: bytes }) }),
      24 + 32,
    ],
  ])('the segment size of a super-packet includes all headers: %s', (_what, make, headers) => {
    const most = MTU - headers;
    for (const [size, fits] of [
      [most, true],
      [most + 1, false],
    ] as const) {
      const counted = verdicts(make(2 * most), { gsoSize: size, gsoSegs: 2 });
      expect(counted.includes('too big'), `${size} bytes: ${counted}`).toBe(!fits);
    }
  });

  it('neighbour discovery is not forwarded', () => {
    const asked = Buffer.concat([Buffer.from([135, 0, 0, 0]), Buffer.alloc(20)]);
    expect(verdicts(ip6({ next: IP.icmp6, payload: asked }))).toBe('punt not routed');
    expect(verdicts(behindOptions6(IP.icmp6, asked))).toBe('punt not routed');
  });

  it.each(['uplink_tc', 'uplink_xdp'] as const)(
    'ICMP errors of the gateway arrive by %s, and no other packets of it',
    (program) => {
      const arriving = (type: number): string => {
        const message = Buffer.concat([Buffer.from([type, 0, 0, 0, 0, 0, 0, 0]), ip6()]);
        const inner = ip6({
          ...{ from: GATEWAYS[1], to: 'cafe::1', next: IP.destOptions },
          payload: Buffer.concat([options6(IP.icmp6), message]),
        });
        const frame = ethernet(encapsulated(inner, [SIDS.dt46], REMOTE_SOURCE), { to: MACS.uplink, from: MACS.router });
        return Object.keys(new Bench().send(program, frame).counted).join();
      };
      expect(arriving(3)).toBe('forward forwarded');
      expect(arriving(129)).toBe('drop inner source');
    },
  );
});

describe('data behind a packet in its frame', () => {
  it.each([
    ['UDP', 'udp' as const],
    ['TCP', 'tcp' as const],
  ])('is not parsed as a %s header', (_what, protocol) => {
    const bench = new Bench();
    const label = (source: number): number => {
      const payload = protocol === 'udp' ? udp({ source }) : tcp({ source });
      const packet = ip4({ protocol: IP[protocol], payload, length: 20 });
      return withoutFlowLabel(bench.send('port_tc', ethernet(packet, TO_PORT)).frame).flowLabel;
    };
    expect(label(1000)).toBe(label(2000));
  });
});

it('a solicitation with another IP version is not answered', () => {
  const packet = solicitation({ target: 'cafe::2' });
  const frame = (version: number): Buffer => {
    const copy = Buffer.from(packet);
    copy.writeUInt8((version << 4) | (copy.readUInt8(0) & 15), 0);
    return ethernet(copy, { to: '33:33:ff:00:00:02', from: MACS.vm, type: 0x86dd });
  };
  const reasons = (version: number): string => Object.keys(new Bench().send('port_tc', frame(version)).counted).join();
  expect(reasons(6)).toBe('answer neighbour');
  expect(reasons(5)).toBe('punt not routed');
});
