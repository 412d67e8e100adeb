/**
 * Hosts and VMs outside the SR domain send into it, by every sort of interface that is no uplink: the same in every data plane, and with no
 * agent running.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import * as frames from './frames.js';
import { dropped, removeDrop } from './guard.js';
import { A, B, isolationTopology, MARK } from './isolation.js';
import { useNetwork } from './network.js';
import { Witness } from './probe.js';
import { macOf, sendFrames } from './raw.js';
import { createNetns } from 'netlink-ts';
import type { TestNetwork } from './network.js';
import type { Dataplane, Intent } from '../../../src/intent/types.js';

const LABEL = 0xbad;
const OUTSIDER = 'fd00:bad::1';
const SID = { remote: 'fd00:5e:2:4600:c8::' } as const;
const HV1 = 'fd00:5e:1::1';
const HV2 = 'fd00:5e:2::1';
/** Of the router, outside the domain's prefixes. */
const ROUTER = 'fd00:ffff:1::1';

/** An interface of hv1, and who is behind it. */
interface Place {
  name: string;
  /** where the sender is: its namespace and device */
  from: readonly [netns: string, device: string];
  /** whose MAC is sent to */
  device: string;
}

const PLACES: readonly Place[] = [
  { name: 'another interface of the host', from: ['outside', 'm0'], device: 'mgmt0' },
  { name: 'a TAP before the intent names it', from: ['outside', 't0'], device: 'tap-new' },
  { name: 'a TAP in a bridge', from: ['outside', 'b0'], device: 'br0' },
  { name: 'a port that has left the intent', from: ['blue-a', 'eth0'], device: 'blue-a' },
  { name: 'a TAP that was renamed', from: ['red-a', 'eth0'], device: 'tap-old' },
];

const inner4 = (): Buffer => frames.udpPacket('10.0.0.77', B[4], MARK);
const ATTACKS: readonly [string, () => Buffer, reason: 'outside-destination' | 'outside-source'][] = [
  ['next header 4 to a tenant’s SID', () => frames.tunnelled(OUTSIDER, SID.remote, inner4()), 'outside-destination'],
  [
    'next header 41 to a tenant’s SID',
    () => frames.tunnelled(OUTSIDER, SID.remote, frames.udpPacket('fd00:10::77', B[6], MARK)),
    'outside-destination',
  ],
  ['with the source of a node', () => frames.tunnelled(HV1, SID.remote, inner4()), 'outside-destination'],
  ['to a node’s own address', () => frames.udpPacket(OUTSIDER, HV2, MARK), 'outside-destination'],
  ['from a node’s own address', () => frames.udpPacket(HV2, ROUTER, MARK), 'outside-source'],
];

/** The outside of hv1: interfaces that no plan has. */
async function addOutside(network: TestNetwork): Promise<void> {
  const outside = network.netns('outside');
  createNetns(outside);
  const link = (device: string, peer: string): string =>
    `ip link add ${device} type veth peer name ${peer} netns ${outside}; ip link set ${device} up; ip -n ${outside} link set ${peer} up`;
  await network.shell(
    'hv1',
    `${link('mgmt0', 'm0')}; ${link('tap-new', 't0')}; ${link('tap-br', 'b0')}
     ip link add br0 type bridge; ip link set tap-br master br0; ip link set br0 up
     echo 1 >/proc/sys/net/ipv6/conf/all/forwarding`,
  );
}

/** The intent without blue's port on hv1, and with red's where another name was. */
function withoutPorts(intent: Intent): Intent {
  return { ...intent, ports: intent.ports.filter(({ name }) => name !== 'blue-a' && name !== 'red-a') };
}

/** @param dataplane of both hypervisors */
export function describeOutsiders(dataplane: Dataplane): void {
  describe(`from outside the SR domain, ${dataplane}`, () => {
    const topology = isolationTopology();
    const network = useNetwork({ ...topology, nodes: topology.nodes.map((node) => ({ ...node, dataplane })) });
    const places = PLACES;
    let router: Witness;
    let blueB: Witness;

    beforeAll(async () => {
      await addOutside(network);
      router = await Witness.place(network, 'router', 'prerouting priority -400', {
        marked: `ip6 flowlabel ${LABEL}`,
      });
      blueB = await Witness.place(network, 'blue-b', 'prerouting priority -400', { marked: `udp dport ${MARK}` });
      await network.shell('hv1', 'ip link set red-a down; ip link set red-a name tap-old; ip link set tap-old up');
      // All ports of the node go.
      await network.apply('hv1', withoutPorts(network.intent()), { force: true });
    });

    const sender =
      ({ from: [far, device], device: to }: Place, packet: Buffer) =>
      (): void => {
        const frame = frames.ethernet(
          macOf(network.netns(far), device),
          macOf(network.netns('hv1'), to),
          frames.ETHERTYPE.ipv6,
          frames.labelled(packet, LABEL),
        );
        sendFrames(network.netns(far), device, [frame]);
      };

    it.each(places)('from $name, no packet reaches the underlay', async (place) => {
      for (const [what, make, reason] of ATTACKS) {
        const before = (await dropped(network, 'hv1'))[reason] ?? 0;
        expect(await router.countOf('marked', sender(place, make())), what).toBe(0);
        expect((await dropped(network, 'hv1'))[reason], what).toBe(before + 1);
      }
    });

    it('without the edge, the packets reach the underlay and VMs', async () => {
      for (const reason of ['outside-destination', 'outside-source']) {
        await removeDrop(network, 'hv1', 'inet segue_edge prerouting', reason);
      }
      for (const [at, place] of places.entries()) {
        // Each attack and each place at least once is enough where packets are slow.
        for (const [what, make] of at === 0 ? ATTACKS : ATTACKS.slice(0, 1)) {
          expect(await router.sees('marked', sender(place, make())), `${place.name}: ${what}`).toBe(true);
        }
      }
      // With the source of a node nobody can tell it from the node's own, there.
      const [, , forged] = ATTACKS;
      const [place] = places;
      if (forged === undefined || place === undefined) throw new Error('no attack');
      expect(await blueB.sees('marked', sender(place, forged[1]()))).toBe(true);

      await network.apply('hv1', withoutPorts(network.intent()));
      expect(await blueB.countOf('marked', sender(place, forged[1]()))).toBe(0);
      expect(await router.countOf('marked', sender(place, forged[1]()))).toBe(0);
    });

    it('the host’s own addresses of other interfaces are reached', async () => {
      await network.shell('hv1', 'ip addr add fd00:aa::2/64 dev mgmt0 nodad');
      const own = await Witness.place(network, 'hv1', 'input priority 100', { marked: `ip6 flowlabel ${LABEL}` });
      const [place] = places;
      if (place === undefined) throw new Error('no place');
      expect(await own.sees('marked', sender(place, frames.tcpSyn('fd00:aa::1', 'fd00:aa::2', 22)))).toBe(true);
    });

    it('tenants’ own packets pass', async () => {
      await network.shell('hv1', 'ip link set tap-old down; ip link set tap-old name red-a; ip link set red-a up');
      await network.apply('hv1');
      expect(await network.ping('red-a', B[4])).toMatchObject({ received: 1 });
      expect(await network.ping('red-a', B[6], { source: A[6] })).toMatchObject({ received: 1 });
      expect(await network.ping('blue-a', B[4])).toMatchObject({ received: 1 });
    });
  });
}
