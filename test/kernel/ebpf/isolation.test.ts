/**
 * `dataplane: ebpf`: packets that a tenant's VM must not send, from raw frames, and isolation while no program is
 * attached.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { plugVm, unplugVm } from '../../../lab/network.js';
import { describeForgeries } from '../../netns/lib/forgeries.js';
import * as frames from '../../netns/lib/frames.js';
import { dropped, removeDrop } from '../../netns/lib/guard.js';
import { A, B, isolationTopology, MARK } from '../../netns/lib/isolation.js';
import { useNetwork } from '../../netns/lib/network.js';
import { Witness } from '../../netns/lib/probe.js';
import { macOf, sendFrames } from '../../netns/lib/raw.js';

const { arp, ipv4, ipv6 } = frames.ETHERTYPE;
/** Of the hypervisors themselves. */
const OWN = { v4: '192.0.2.1', hv1: 'fd00:ffff:1::2', hv2: 'fd00:ffff:2::2' } as const;

const topology = isolationTopology();
const network = useNetwork({ ...topology, nodes: topology.nodes.map((node) => ({ ...node, dataplane: 'ebpf' })) });
let redB: Witness;
let hv1: Witness;
let router: Witness;
let redA: Witness;
let mac: string;

beforeAll(async () => {
  const marked = { marked: `udp dport ${MARK}` };
  const first = 'prerouting priority -400';
  redB = await Witness.place(network, 'red-b', first, marked);
  hv1 = await Witness.place(network, 'hv1', 'input priority 100', marked);
  router = await Witness.place(network, 'router', first, {
    tenant: 'ip6 saddr fd00:10::/64',
    absent: 'ip6 daddr fd00:5e:1:4600:ffff::',
  });
  redA = await Witness.place(network, 'red-a', first, {
    host: `ip6 saddr ${OWN.hv1}`,
    // Where the test lasts long the VM asks for its gateway anew, and the port's program answers; and of the host that it could not answer, its own stack says so over lo.
    anything: 'iifname != "lo" ip6 saddr fe80::/10 icmpv6 type != nd-neighbor-advert',
  });
  mac = macOf(network.netns('hv1'), 'red-a');
  await network.ip('hv1', `addr add ${OWN.v4}/32 dev lo`);
});

function send(...packets: Buffer[]): void {
  sendFrames(network.netns('red-a'), 'eth0', packets);
}

const frame = (type: number, payload: Buffer, from: string = A.mac): Buffer =>
  frames.ethernet(from, mac, type, payload);

describeForgeries('ebpf');

describe('without programs attached', () => {
  const toOwn = (): Buffer => frame(ipv4, frames.udpPacket(A[4], OWN.v4, MARK));
  const toUnderlay = (): Buffer => frame(ipv6, frames.udpPacket(A[6], OWN.hv2, MARK));
  const asking = (): Buffer => frames.ethernet(A.mac, 'ff:ff:ff:ff:ff:ff', arp, frames.arpRequest(A.mac, A[4], OWN.v4));

  it('a port reaches neither the hypervisor nor the underlay, and gets no reply', async () => {
    unplugVm(network.topology, network.vm('red-a'));
    plugVm(network.topology, network.vm('red-a'));
    mac = macOf(network.netns('hv1'), 'red-a');
    expect(await hv1.countOf('marked', () => send(toOwn()))).toBe(0);
    expect(await router.countOf('tenant', () => send(toUnderlay()))).toBe(0);
    expect((await dropped(network, 'hv1'))['no-program']).toBeGreaterThanOrEqual(2);
    const capture = await network.capture('red-a', 'eth0', 'arp');
    send(asking());
    const answers = (await capture.stop()).filter(
      ({ headers }) =>
        JSON.stringify(headers).includes(mac) && headers[0]?.layer === 'ethernet' && headers[0].source === mac,
    );
    expect(answers).toEqual([]);
    expect((await dropped(network, 'hv1'))['no-program-arp']).toBe(1);

    // The one rule that stops them is what stops them.
    await network.shell(
      'hv1',
      'echo 1 >/proc/sys/net/ipv6/conf/all/forwarding; echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter',
    );
    await removeDrop(network, 'hv1', 'inet segue prerouting', 'no-program');
    expect(await hv1.sees('marked', () => send(toOwn()))).toBe(true);
    expect(await router.sees('tenant', () => send(toUnderlay()))).toBe(true);
    await network.shell('hv1', 'echo 0 >/proc/sys/net/ipv6/conf/all/forwarding');

    expect(await network.diff('hv1')).not.toEqual([]);
    await network.apply('hv1');
    expect(await network.diff('hv1')).toEqual([]);
    expect(await redB.sees('marked', () => send(frame(ipv4, frames.udpPacket(A[4], B[4], MARK))))).toBe(true);
  });

  it('the host sends nothing to a VM', async () => {
    const talk = (): Promise<unknown> =>
      network.run('hv1', ['ping', '-6', '-c', '1', '-W', '1', '-I', 'red-a', 'ff02::1']);
    expect(await redA.countOf('anything', talk)).toBe(0);
    await removeDrop(network, 'hv1', 'inet segue output', 'host');
    expect(await redA.sees('anything', talk)).toBe(true);
    await network.apply('hv1');
    expect(await redA.countOf('anything', talk)).toBe(0);
  });
});

describe('a packet for an unknown SID of the node’s locator', () => {
  it('ends at the node, with forwarding on and off', async () => {
    await network.shell('hv1', 'echo 1 >/proc/sys/net/ipv6/conf/all/forwarding');
    const toAbsent = (): Promise<unknown> => network.ping('hv2', 'fd00:5e:1:4600:ffff::', { count: 1, timeoutS: 1 });
    expect(await router.countOf('absent', toAbsent)).toBe(1);
    // Announced or not: the discard is no route.
    await network.ip('hv1', '-6 route del blackhole fd00:5e:1::/48');
    expect(await router.countOf('absent', toAbsent)).toBe(1);
    await network.ip('hv1', '-6 rule del pref 32764');
    expect(await router.countOf('absent', toAbsent)).toBeGreaterThan(10);
    await network.apply('hv1');
    expect(await router.countOf('absent', toAbsent)).toBe(1);
    await network.shell('hv1', 'echo 0 >/proc/sys/net/ipv6/conf/all/forwarding');
  });
});
