/** The MSS option of SYNs at a port: lowered to the tenant's MTU, its checksum updated, and nothing else changed. */
import { describe, expect, it } from 'vitest';
import { Bench, MACS, MTU, PATHS, SOURCE } from './bench.js';
import { checksum, encapsulated, ethernet, IP, ip4, ip6, withoutFlowLabel } from './packets.js';

const TO_PORT = { to: MACS.port, from: MACS.vm };
const SYN = 0x02;
const SYN_ACK = 0x12;
const NOP = 1;
const mss = (bytes: number): number[] => [2, 4, bytes >> 8, bytes & 0xff];
const WINDOW_SCALE = [3, 3, 7];
const TIMESTAMPS = [8, 10, 1, 2, 3, 4, 5, 6, 7, 8];

/** A segment with options, its checksum right. */
function segment(family: 4 | 6, options: readonly number[], flags = SYN, data = 0): (hops: number) => Buffer {
  const padded = Buffer.concat([Buffer.from(options), Buffer.alloc((4 - (options.length % 4)) % 4)]);
  const payload = Buffer.concat([Buffer.alloc(20), padded, Buffer.alloc(data, 0xee)]);
  payload.writeUInt16BE(4000, 0);
  payload.writeUInt16BE(80, 2);
  payload.writeUInt16BE(((20 + padded.length) << 10) | flags, 12);
  const packet = (hops: number): Buffer =>
    family === 4 ? ip4({ ttl: hops, protocol: IP.tcp, payload }) : ip6({ hopLimit: hops, next: IP.tcp, payload });
  const pseudo = Buffer.alloc(8);
  pseudo.writeUInt32BE(payload.length, 0);
  pseudo.writeUInt32BE(IP.tcp, 4);
  const addresses = family === 4 ? packet(64).subarray(12, 20) : packet(64).subarray(8, 40);
  payload.writeUInt16BE(checksum(Buffer.concat([addresses, pseudo, payload])), 16);
  return packet;
}

const MOST = { 4: MTU - 40, 6: MTU - 60 } as const;

/** what, family, options sent, options that arrive, flags */
const CASES: [what: string, family: 4 | 6, sent: number[], arrive: number[], flags?: number][] = [
  ['of a VM with 1500', 4, mss(1460), mss(MOST[4])],
  ['of a VM with 1500, IPv6', 6, mss(1440), mss(MOST[6])],
  ['with an ACK', 4, mss(1460), mss(MOST[4]), SYN_ACK],
  ['of a VM with 9000', 4, mss(8960), mss(MOST[4])],
  ['of the largest value', 6, mss(0xffff), mss(MOST[6])],
  ['a byte too large', 4, mss(MOST[4] + 1), mss(MOST[4])],
  ['just right', 4, mss(MOST[4]), mss(MOST[4])],
  ['smaller', 6, mss(536), mss(536)],
  ['behind others', 4, [...WINDOW_SCALE, NOP, ...mss(1460)], [...WINDOW_SCALE, NOP, ...mss(MOST[4])]],
  ['at an odd offset', 4, [NOP, ...mss(1460)], [NOP, ...mss(MOST[4])]],
  ['at an odd offset, IPv6', 6, [...WINDOW_SCALE, ...mss(1440)], [...WINDOW_SCALE, ...mss(MOST[6])]],
  [
    'last of forty bytes',
    4,
    [...Array<number>(36).fill(NOP), ...mss(1460)],
    [...Array<number>(36).fill(NOP), ...mss(MOST[4])],
  ],
  [
    'among many',
    4,
    [...TIMESTAMPS, NOP, NOP, ...mss(1460), ...TIMESTAMPS],
    [...TIMESTAMPS, NOP, NOP, ...mss(MOST[4]), ...TIMESTAMPS],
  ],
  ['after the end of options', 4, [0, ...mss(1460)], [0, ...mss(1460)]],
  ['of a wrong length', 4, [2, 3, 5, 0, ...mss(1460)], [2, 3, 5, 0, ...mss(1460)]],
  ['behind an option without length', 4, [8, 0, ...mss(1460)], [8, 0, ...mss(1460)]],
  ['cut off', 4, [...Array<number>(38).fill(NOP), 2, 4], [...Array<number>(38).fill(NOP), 2, 4]],
  ['none', 4, [], []],
  ['without SYN', 4, mss(1460), mss(1460), 0x10],
  ['with RST', 4, mss(1460), mss(1460), 0x06],
];

describe('the MSS', () => {
  it.each(CASES)('is lowered only in a SYN that exceeds it: %s', (_what, family, sent, arrive, flags) => {
    const { verdict, counted, frame } = new Bench().send(
      'port_tc',
      ethernet(segment(family, sent, flags)(64), TO_PORT),
    );
    expect({ verdict, counted }).toEqual({ verdict: 'redirect', counted: { 'forward forwarded': 1 } });
    const inner = segment(family, arrive, flags)(63);
    const out = ethernet(encapsulated(inner, PATHS[2] ?? [], SOURCE), { to: MACS.router, from: MACS.uplink });
    expect(withoutFlowLabel(frame).frame.toString('hex')).toBe(out.toString('hex'));
  });

  it('is lowered towards a port of this node, too', () => {
    const syn = (bytes: number, hops: number): Buffer => {
      const packet = segment(4, mss(bytes))(hops);
      return packet;
    };
    const bench = new Bench();
    bench.addMember('10.0.0.2', 1, 77);
    const { frame } = bench.send('port_tc', ethernet(syn(1460, 64), TO_PORT));
    const out = ethernet(syn(MOST[4], 63), { to: MACS.otherVm, from: MACS.otherPort });
    expect(frame.toString('hex')).toBe(out.toString('hex'));
  });
});
