/**
 * Packets that arrive by an uplink for the kernel's decapsulation: the outer source must be of the SR domain, and the
 * inner source one that a member can have.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import * as frames from './lib/frames.js';
import { dropped, removeDrop } from './lib/guard.js';
import { A, B, GATEWAY, isolationTopology, MARK } from './lib/isolation.js';
import { useNetwork } from './lib/network.js';
import { Witness } from './lib/probe.js';
import { macOf, sendFrames } from './lib/raw.js';

const SID = 'fd00:5e:1:4600:64::';
const HV1 = 'fd00:5e:1::1';
const HV2 = 'fd00:5e:2::1';
const OUTSIDER = 'fd00:bad::1';

const network = useNetwork(isolationTopology());
let redA: Witness;

beforeAll(async () => {
  redA = await Witness.place(network, 'red-a', 'prerouting priority -400', {
    marked: `udp dport ${MARK}`,
    errors4: `ip saddr ${GATEWAY[4]} icmp type { destination-unreachable, time-exceeded, parameter-problem }`,
    errors6: `ip6 saddr ${GATEWAY[6]} icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem }`,
  });
});

/** From the underlay. */
const sending = (packet: Buffer) => (): void => {
  const [from, to] = [macOf(network.netns('router'), 'hv1'), macOf(network.netns('hv1'), 'eth0')];
  sendFrames(network.netns('router'), 'hv1', [frames.ethernet(from, to, frames.ETHERTYPE.ipv6, packet)]);
};
const count = async (reason: string): Promise<number> => (await dropped(network, 'hv1'))[reason] ?? 0;

describe('encapsulated packets', () => {
  const inner = { 4: frames.udpPacket(B[4], A[4], MARK), 6: frames.udpPacket(B[6], A[6], MARK) };
  const CASES: readonly [string, (source: string) => Buffer][] = [
    ['next header 4', (source) => frames.tunnelled(source, SID, inner[4])],
    ['next header 41', (source) => frames.tunnelled(source, SID, inner[6])],
    ['behind a hop-by-hop option', (source) => frames.behind(frames.tunnelled(source, SID, inner[6]), 'hop-by-hop')],
    ['behind a destination option', (source) => frames.behind(frames.tunnelled(source, SID, inner[4]), 'destination')],
    ['a first fragment', (source) => frames.behind(frames.tunnelled(source, SID, inner[4]), 'fragment')],
  ];

  it.each(CASES)('an encapsulated packet needs the outer source of a node: %s', async (_name, make) => {
    expect(await redA.sees('marked', sending(make(HV2)))).toBe(true);
    for (const source of [OUTSIDER, HV1]) {
      const before = await count('untrusted-source');
      expect(await redA.countOf('marked', sending(make(source)))).toBe(0);
      expect(await count('untrusted-source')).toBe(before + 1);
    }
  });

  it('without the rule, the kernel decapsulates all of them', async () => {
    await removeDrop(network, 'hv1', 'inet segue_edge encapsulated', 'untrusted-source');
    for (const [what, make] of CASES) expect(await redA.sees('marked', sending(make(OUTSIDER))), what).toBe(true);
    await network.apply('hv1');
    for (const [what, make] of CASES) expect(await redA.countOf('marked', sending(make(OUTSIDER))), what).toBe(0);
  });
});

describe('inner sources', () => {
  const to = (source: string): string => (source.includes(':') ? A[6] : A[4]);
  const packet = (source: string): Buffer => frames.tunnelled(HV2, SID, frames.udpPacket(source, to(source), MARK));
  /** The kernel forwards these by itself; the others it drops, too, uncounted. */
  const FORWARDED = [A[4], A[6], '0.0.0.1', '240.0.0.1', '::ffff:1.2.3.4', GATEWAY[4], GATEWAY[6], HV2];
  const MARTIANS = ['127.0.0.1', '224.0.0.5', '::1', 'ff02::5'];

  it.each([...FORWARDED, ...MARTIANS])('%s is dropped and counted', async (source) => {
    const before = await count('inner-source');
    expect(await redA.countOf('marked', sending(packet(source)))).toBe(0);
    expect(await count('inner-source')).toBe(before + 1);
  });

  it.each(['fe80::5', '::'])('%s is not forwarded by the kernel', async (source) => {
    expect(await redA.countOf('marked', sending(packet(source)))).toBe(0);
  });

  it('without the rules, they arrive', async () => {
    for (const chain of ['vrf', 'vrf4', 'from_gateway']) {
      await removeDrop(network, 'hv1', `inet segue ${chain}`, 'inner-source');
    }
    for (const source of FORWARDED) expect(await redA.sees('marked', sending(packet(source))), source).toBe(true);
    await network.apply('hv1');
    for (const source of FORWARDED) expect(await redA.countOf('marked', sending(packet(source))), source).toBe(0);
  });

  it('ICMP errors from the gateway arrive, as traceroute and path MTU discovery need them', async () => {
    const about = { 4: frames.udpPacket(A[4], B[4], MARK), 6: frames.udpPacket(A[6], B[6], MARK) };
    for (const type of [3, 11, 12]) {
      const error = frames.tunnelled(HV2, SID, frames.icmpError(type, GATEWAY[4], A[4], about[4]));
      expect(await redA.sees('errors4', sending(error)), String(type)).toBe(true);
    }
    for (const type of [1, 2, 3, 4] as const) {
      const error = frames.tunnelled(HV2, SID, frames.icmpv6Error(type, GATEWAY[6], A[6], about[6]));
      expect(await redA.sees('errors6', sending(error)), String(type)).toBe(true);
    }
  });

  it('a tenant’s own packets pass: the gateway and members answer', async () => {
    const before = await count('inner-source');
    for (const address of [GATEWAY[4], GATEWAY[6], B[4], B[6]]) {
      expect(await network.ping('red-a', address), address).toMatchObject({ received: 1 });
    }
    await network.run('red-a', ['ip', 'neigh', 'flush', 'all']);
    expect(await network.ping('red-a', GATEWAY[6])).toMatchObject({ received: 1 });
    expect(await count('inner-source')).toBe(before);
  });
});
