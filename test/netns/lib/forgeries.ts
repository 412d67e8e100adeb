/** What a tenant's VM must not send, from raw frames: the same in every mode that has the fast path. */
import { beforeAll, describe, expect, it } from 'vitest';
import { fastpathCounts, since } from './fastpath.js';
import * as frames from './frames.js';
import { A, B, GATEWAY, isolationTopology, MARK } from './isolation.js';
import { useNetwork } from './network.js';
import { Witness } from './probe.js';
import { macOf, sendFrames } from './raw.js';

const { ipv4, ipv6 } = frames.ETHERTYPE;
const SID = { remote: 'fd00:5e:2:4600:c8::', local: 'fd00:5e:1:4600:c8::' } as const;
/** Of the hypervisors themselves. */
const OWN = { v4: '192.0.2.1', hv1: 'fd00:ffff:1::2', hv2: 'fd00:ffff:2::2' } as const;

/** @param dataplane of both hypervisors */
export function describeForgeries(dataplane: 'hybrid' | 'ebpf'): void {
  const NOBODY = dataplane === 'ebpf' ? 'answer unreachable' : 'punt no member';
  describe(`forged packets, ${dataplane}`, () => {
    const topology = isolationTopology();
    const network = useNetwork({ ...topology, nodes: topology.nodes.map((node) => ({ ...node, dataplane })) });
    let redB: Witness;
    let others: Witness[];
    let mac: string;

    beforeAll(async () => {
      const marked = { marked: `udp dport ${MARK}` };
      const first = 'prerouting priority -400';
      redB = await Witness.place(network, 'red-b', first, marked);
      const blue = await Promise.all(['blue-a', 'blue-b'].map((name) => Witness.place(network, name, first, marked)));
      others = [...blue, await Witness.place(network, 'hv1', 'input priority 100', marked)];
      mac = macOf(network.netns('hv1'), 'red-a');
      await network.ip('hv1', `addr add ${OWN.v4}/32 dev lo`);
    });

    const send = (...packets: Buffer[]): void => {
      sendFrames(network.netns('red-a'), 'eth0', packets);
    };
    const frame = (type: number, payload: Buffer, from: string = A.mac): Buffer =>
      frames.ethernet(from, mac, type, payload);

    /** What the fast path counts of one sending, but for what the VM's kernel says of itself meanwhile (multicast). */
    const counted = async (sending: () => void): Promise<Record<string, number>> => {
      const before = fastpathCounts(network, 'hv1');
      const reasons = (): Record<string, number> =>
        Object.fromEntries(
          Object.entries(since(before, fastpathCounts(network, 'hv1')).reasons).filter(
            ([reason]) => !reason.endsWith(' not routed'),
          ),
        );
      sending();
      await expect.poll(() => Object.keys(reasons()).length, { timeout: 60_000 }).toBeGreaterThan(0);
      return reasons();
    };

    it('genuine packets arrive', async () => {
      expect(await redB.sees('marked', () => send(frame(ipv4, frames.udpPacket(A[4], B[4], MARK))))).toBe(true);
      expect(await redB.sees('marked', () => send(frame(ipv6, frames.udpPacket(A[6], B[6], MARK))))).toBe(true);
    });

    it('the VM reaches the gateway from its link-local address', async () => {
      await network.ip('red-a', 'addr add fe80::a/64 dev eth0 nodad');
      expect(await network.ping('red-a', GATEWAY[6], { source: 'fe80::a%eth0' })).toMatchObject({ received: 1 });
    });

    it.each([
      [
        'IPv4 from an address that is not the port’s',
        () => frame(ipv4, frames.udpPacket('10.0.0.99', B[4], MARK)),
        'drop source address',
      ],
      [
        'IPv6 from an address that is not the port’s',
        () => frame(ipv6, frames.udpPacket('fd00:10::99', B[6], MARK)),
        'drop source address',
      ],
      [
        'IPv6 from the VM’s link-local address to a member',
        () => frame(ipv6, frames.udpPacket('fe80::a', B[6], MARK)),
        'drop source address',
      ],
      [
        'IPv6 from the VM’s link-local address to an underlay address of its hypervisor',
        () => frame(ipv6, frames.udpPacket('fe80::a', OWN.hv1, MARK)),
        'drop source address',
      ],
      [
        'a MAC that is not the port’s',
        () => frame(ipv4, frames.udpPacket(A[4], B[4], MARK), '02:00:00:00:00:99'),
        'drop source mac',
      ],
      ['a segment routing header', () => frame(ipv6, frames.udpWithSrh(A[6], B[6], B[6], MARK)), 'drop routing header'],
      [
        'UDP to the SID of another tenant',
        () => frame(ipv6, frames.udpPacket(A[6], SID.remote, MARK)),
        'drop domain address',
      ],
      [
        'a tunnel to the SID of another tenant',
        () => frame(ipv6, frames.tunnelled(A[6], SID.remote, frames.udpPacket(A[4], B[4], MARK))),
        'drop domain address',
      ],
      [
        'a tunnel to a SID of its own hypervisor',
        () => frame(ipv6, frames.tunnelled(A[6], SID.local, frames.udpPacket(B[4], A[4], MARK))),
        'drop domain address',
      ],
      ['an address of its hypervisor', () => frame(ipv4, frames.udpPacket(A[4], OWN.v4, MARK)), NOBODY],
      ['an underlay address of its hypervisor', () => frame(ipv6, frames.udpPacket(A[6], OWN.hv1, MARK)), NOBODY],
      ['an underlay address of another hypervisor', () => frame(ipv6, frames.udpPacket(A[6], OWN.hv2, MARK)), NOBODY],
    ] as const)('%s ends at the port', async (_name, make, reason) => {
      expect(await counted(() => send(make(), make()))).toEqual({ [reason]: 2 });
      for (const witness of [redB, ...others]) expect(await witness.countOf('marked', () => send(make()))).toBe(0);
    });
  });
}
