/**
 * Packets that a tenant's VM must not send, from raw frames. Each case is dropped by the complete ruleset, and the
 * guard counts the reason; the same frames arrive once the one rule that drops them is removed; `apply` restores it.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import * as frames from './lib/frames.js';
import { dropped, removeDrop } from './lib/guard.js';
import { A, B, GATEWAY, isolationTopology, MARK } from './lib/isolation.js';
import { useNetwork } from './lib/network.js';
import { Witness } from './lib/probe.js';
import { macOf, sendFrames } from './lib/raw.js';

const { arp, ipv4, ipv6 } = frames.ETHERTYPE;
/** What the VM sends to: the hypervisor's end of its link takes any unicast that is routed. */
const BROADCAST = 'ff:ff:ff:ff:ff:ff';
const SID = { remote: 'fd00:5e:2:4600:c8::', local: 'fd00:5e:1:4600:c8::' } as const;

const network = useNetwork(isolationTopology());
let redB: Witness;
let blueA: Witness;
let blueB: Witness;
let hypervisorMac: string;

beforeAll(async () => {
  const marked = { marked: `udp dport ${MARK}` };
  redB = await Witness.place(network, 'red-b', 'prerouting priority -400', marked);
  blueA = await Witness.place(network, 'blue-a', 'prerouting priority -400', marked);
  blueB = await Witness.place(network, 'blue-b', 'prerouting priority -400', marked);
  hypervisorMac = macOf(network.netns('hv1'), 'red-a');
});

function send(...packets: Buffer[]): void {
  sendFrames(network.netns('red-a'), 'eth0', packets);
}

function frame(type: number, payload: Buffer, mac: string = A.mac, destination = hypervisorMac): Buffer {
  return frames.ethernet(mac, destination, type, payload);
}

/** How many of this reason one sending adds. */
async function droppedBy(reason: string, sending: () => void): Promise<number> {
  const before = (await dropped(network, 'hv1'))[reason] ?? 0;
  sending();
  return ((await dropped(network, 'hv1'))[reason] ?? 0) - before;
}

/** Everything is back after `apply`, and the counters it has counted are no drift. */
async function repair(node = 'hv1'): Promise<void> {
  expect(await network.diff(node)).not.toEqual([]);
  await network.apply(node);
  expect(await network.diff(node)).toEqual([]);
}

interface Forgery {
  name: string;
  frame: () => Buffer;
  chain: string;
  reason: string;
}

const FORGERIES: Forgery[] = [
  {
    name: 'IPv4 from an address that is not the port’s',
    frame: () => frame(ipv4, frames.udpPacket('10.0.0.99', B[4], MARK)),
    chain: 'inet segue port4',
    reason: 'source',
  },
  {
    name: 'IPv6 from an address that is not the port’s',
    frame: () => frame(ipv6, frames.udpPacket('fd00:10::99', B[6], MARK)),
    chain: 'inet segue port6',
    reason: 'source',
  },
  {
    name: 'IPv4 from a MAC that is not the port’s',
    frame: () => frame(ipv4, frames.udpPacket(A[4], B[4], MARK), '02:00:00:00:00:99'),
    chain: 'inet segue port',
    reason: 'mac',
  },
  {
    name: 'IPv6 from a MAC that is not the port’s',
    frame: () => frame(ipv6, frames.udpPacket(A[6], B[6], MARK), '02:00:00:00:00:99'),
    chain: 'inet segue port',
    reason: 'mac',
  },
  {
    name: 'IPv6 with a segment routing header',
    frame: () => frame(ipv6, frames.udpWithSrh(A[6], B[6], B[6], MARK)),
    chain: 'inet segue port6',
    reason: 'routing-header',
  },
];

describe('forged packets', () => {
  it('genuine packets arrive', async () => {
    expect(await redB.sees('marked', () => send(frame(ipv4, frames.udpPacket(A[4], B[4], MARK))))).toBe(true);
    expect(await redB.sees('marked', () => send(frame(ipv6, frames.udpPacket(A[6], B[6], MARK))))).toBe(true);
  });

  it.each(FORGERIES.map((one) => [one.name, one] as const))(
    '%s is dropped',
    async (_name, { frame: make, chain, reason }) => {
      expect(await redB.countOf('marked', () => send(make(), make()))).toBe(0);
      expect(await droppedBy(reason, () => send(make(), make()))).toBe(2);

      await removeDrop(network, 'hv1', chain, reason);
      expect(await redB.sees('marked', () => send(make()))).toBe(true);
      await repair();
      expect(await redB.countOf('marked', () => send(make()))).toBe(0);
    },
  );
});

describe('forged neighbours', () => {
  const knows = async (address: string): Promise<boolean> =>
    (await network.ip('hv1', `neigh show ${address} dev red-a`)).includes('lladdr');

  it('an ARP request from an address that is not the port’s is dropped', async () => {
    const forged = (): void => send(frame(arp, frames.arpRequest(A.mac, '10.0.0.55', GATEWAY[4]), A.mac, BROADCAST));
    expect(await droppedBy('arp', forged)).toBe(1);
    expect(await knows('10.0.0.55')).toBe(false);

    await removeDrop(network, 'hv1', 'arp segue port', 'arp');
    forged();
    await expect.poll(() => knows('10.0.0.55'), { timeout: 60_000 }).toBe(true);
    await repair();
    await network.ip('hv1', 'neigh flush dev red-a nud stale');
  });

  it('a solicitation from an address that is not the port’s is dropped', async () => {
    const solicitation = frames.neighbourSolicitation('fd00:10::55', A.mac, GATEWAY[6]);
    const forged = (): void => send(frame(ipv6, solicitation, A.mac, '33:33:ff:00:00:01'));
    expect(await droppedBy('source', forged)).toBe(1);
    expect(await knows('fd00:10::55')).toBe(false);

    await removeDrop(network, 'hv1', 'inet segue port6', 'source');
    forged();
    await expect.poll(() => knows('fd00:10::55'), { timeout: 60_000 }).toBe(true);
    await repair();
  });

  it('an advertisement with another MAC address changes nothing: neighbours are permanent', async () => {
    const advertisement = frames.neighbourAdvertisement(A[6], '02:00:00:00:00:99', A[6]);
    send(frame(ipv6, advertisement, A.mac, '33:33:00:00:00:01'));
    expect(await network.ip('hv1', `neigh show ${A[6]} dev red-a`)).toContain(`lladdr ${A.mac}`);
  });

  it('a router advertisement is dropped', async () => {
    const advertisement = frame(ipv6, frames.routerAdvertisement('fe80::1'), A.mac, '33:33:00:00:00:01');
    expect(await droppedBy('router', () => send(advertisement))).toBe(1);
  });
});

describe('packets to the SID of another tenant', () => {
  const inner = { 4: () => frames.udpPacket(A[4], B[4], MARK), 6: () => frames.udpPacket(A[6], B[6], MARK) };
  const toLocal = (): Buffer => frames.udpPacket(B[4], A[4], MARK);

  it.each([
    ['UDP', () => frames.udpPacket(A[6], SID.remote, MARK)],
    ['protocol 4', () => frames.tunnelled(A[6], SID.remote, inner[4]())],
    ['protocol 41', () => frames.tunnelled(A[6], SID.remote, inner[6]())],
    ['protocol 4 to the SID of its own hypervisor', () => frames.tunnelled(A[6], SID.local, toLocal())],
  ] as const)('%s is dropped at the port', async (_name, make) => {
    expect(await droppedBy('outside-destination', () => send(frame(ipv6, make())))).toBe(1);
    expect(await blueB.countOf('marked', () => send(frame(ipv6, make())))).toBe(0);
    expect(await blueA.countOf('marked', () => send(frame(ipv6, make())))).toBe(0);
  });

  // Three locks: the edge, the guard at the port, and the rules that hide the block from a tenant's table. A route of the tenant's
  // that covers the block makes the third one count.
  it('each of edge, guard and rules alone stops them', async () => {
    const packets = [4, 6].map((family) => frame(ipv6, frames.tunnelled(A[6], SID.remote, inner[family as 4 | 6]())));
    const openRules =
      'ip -6 rule add pref 989 to fd00:5e::/32 lookup main && ip -6 rule del pref 990 && ip -6 rule del pref 991';
    await network.shell('hv1', openRules);
    for (const packet of packets) expect(await blueB.countOf('marked', () => send(packet))).toBe(0);

    await removeDrop(network, 'hv1', 'inet segue_edge prerouting', 'outside-destination');
    for (const packet of packets) {
      expect(await droppedBy('sid-block', () => send(packet))).toBe(1);
      expect(await blueB.countOf('marked', () => send(packet))).toBe(0);
    }

    // And the other hypervisor takes a tunnel from nodes alone.
    await removeDrop(network, 'hv2', 'inet segue_edge encapsulated', 'untrusted-source');
    for (const chain of ['port6', 'vrf']) await removeDrop(network, 'hv1', `inet segue ${chain}`, 'sid-block');
    for (const packet of packets) expect(await blueB.sees('marked', () => send(packet))).toBe(true);

    // Only the rules again: they stop it alone.
    await network.shell(
      'hv1',
      'ip -6 rule del pref 989 && ' +
        'ip -6 rule add pref 990 from fd00:5e:1::1 to fd00:5e::/32 lookup main protocol 94 && ' +
        'ip -6 rule add pref 991 l3mdev to fd00:5e::/32 unreachable protocol 94',
    );
    for (const packet of packets) expect(await blueB.countOf('marked', () => send(packet))).toBe(0);
    await repair();
    await repair('hv2');
  });
});
