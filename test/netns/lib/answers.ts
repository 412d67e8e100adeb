/** What the fast path answers itself, with real VMs' kernels asking: the same in every mode that has it. */
import { describe, expect, it } from 'vitest';
import { fastpathCounts, since } from './fastpath.js';
import { useNetwork } from './network.js';
import { encapsulated, findHeader } from './packets.js';
import { selftestTopology } from './topologies.js';
import { complaints } from './tshark.js';
import { ROUTER } from '../../../lab/topology.js';
import { SILENCE_TIMEOUT_S } from '../../../lab/ping.js';
import type { CapturedPacket } from './packets.js';

const FAMILIES = [
  {
    family: 'IPv4',
    flag: '-4',
    to: '10.0.0.2',
    absent: '10.0.0.77',
    gateway: '10.0.0.254',
    layer: 'icmp',
    headerBytes: 20,
  },
  {
    family: 'IPv6',
    flag: '-6',
    to: 'cafe::2',
    absent: 'cafe::77',
    gateway: 'cafe::254',
    layer: 'icmpv6',
    headerBytes: 40,
  },
] as const;
/** Of the selftest's underlay of 1500 bytes: less the outer header. */
const TENANT_MTU = 1460;
const TOO_BIG = { icmp: { type: 3, code: 4 }, icmpv6: { type: 2, code: 0 } } as const;
const EXCEEDED = { icmp: { type: 11, code: 0 }, icmpv6: { type: 3, code: 0 } } as const;

/** ICMP messages of a kind in a capture at a VM. */
function messages(packets: readonly CapturedPacket[], layer: 'icmp' | 'icmpv6', kind: { type: number; code: number }) {
  return packets.flatMap(({ headers }) => {
    const [, ip] = headers;
    const icmp = findHeader(headers, layer);
    if (icmp?.type !== kind.type || icmp.code !== kind.code || (ip?.layer !== 'ipv4' && ip?.layer !== 'ipv6'))
      return [];
    return [{ source: ip.source, destination: ip.destination }];
  });
}

/** The tests of one mode. */
export function describeAnswers(mode: 'hybrid' | 'ebpf'): void {
  describe.each(FAMILIES)(`${mode}, $family`, ({ flag, to, absent, gateway, layer, headerBytes }) => {
    const network = useNetwork(selftestTopology({ dataplane: { hv1: mode, hv2: mode } }));

    it('neighbour resolution works for the gateway and a remote member, not for an unused address', async () => {
      await network.ip('t100-1', 'neigh flush all');
      const before = fastpathCounts(network, 'hv1');
      for (const address of [gateway, to]) {
        expect(await network.ping('t100-1', address), address).toMatchObject({ received: 1 });
      }
      expect(await network.ping('t100-1', absent, { timeoutS: SILENCE_TIMEOUT_S })).toMatchObject({ received: 0 });
      for (const address of [gateway, to]) {
        expect(await network.ip('t100-1', `neigh show ${address}`)).toContain('lladdr 02:73:67:00:00:64');
      }
      expect(await network.ip('t100-1', `neigh show ${absent}`)).not.toContain('lladdr');
      const { reasons } = since(before, fastpathCounts(network, 'hv1'));
      expect(reasons[flag === '-4' ? 'answer arp' : 'answer neighbour']).toBeGreaterThanOrEqual(2);
      expect(reasons['answer echo']).toBe(1);
    });

    it.each([
      ['ICMP', ['-I']],
      // Not the port of DNS, which a decoder would look for in it.
      ['UDP', ['-U', '-p', '40000']],
    ])('traceroute by %s shows the gateway for both hypervisors, then the VM', async (_name, method) => {
      await network.ping('t100-1', to);
      const captures = [await network.capture('t100-1'), await network.capture(ROUTER, 'hv1')];
      const text = await network.output('t100-1', [
        'traceroute',
        flag,
        ...method,
        '-n',
        '-q',
        '1',
        '-N',
        '1',
        '-w',
        '3',
        to,
      ]);
      const [atVm = [], atRouter = []] = await Promise.all(captures.map((capture) => capture.stop()));
      const hops = [...text.matchAll(/^ *\d+ +(\S+)/gm)].map((match) => match[1]);
      expect(hops).toEqual([gateway, gateway, to]);
      expect(messages(atVm, layer, EXCEEDED[layer]).map(({ source }) => source)).toEqual([gateway, gateway]);
      // The second came from the other hypervisor, as the outer source says.
      const carried = encapsulated(atRouter).filter(
        ({ inner }) => findHeader(inner, layer)?.type === EXCEEDED[layer].type,
      );
      expect(carried.map(({ outer }) => outer.source)).toEqual(['fd00:5e:2::1']);
      expect(complaints(network, [...atVm, ...atRouter])).toBe('');
    });

    it('path MTU discovery: the sender of an unfragmentable datagram learns the MTU', async () => {
      // A tap takes what the VM sends, whatever its own MTU; a veth drops what is above it (is_skb_forwardable, net/core/dev.c).
      await network.ip('hv1', 'link set dev t100-1 mtu 1500');
      for (const vm of ['t100-1', 't100-2']) await network.ip(vm, 'link set dev eth0 mtu 1500');
      await network.ip('hv2', 'link set dev t100-2 mtu 1500');
      const capture = await network.capture('t100-1');
      const size = 1500 - headerBytes - 8;
      const refused = await network.ping('t100-1', to, { size, args: ['-M', 'do'], timeoutS: SILENCE_TIMEOUT_S });
      expect(refused.received).toBe(0);
      const packets = await capture.stop();
      expect(messages(packets, layer, TOO_BIG[layer])).toMatchObject([{ source: gateway }]);
      expect(complaints(network, packets)).toBe('');
      expect(await network.ip('t100-1', `route get ${to}`)).toContain(`mtu ${TENANT_MTU}`);
      const fits = { size: TENANT_MTU - headerBytes - 8, args: ['-M', 'do'] };
      expect(await network.ping('t100-1', to, fits)).toMatchObject({ received: 1 });
      // Without DF, each sender fragments by what it learned: the far VM learns by its first answer.
      const { received } = await network.ping('t100-1', to, { size, count: 3, args: ['-M', 'dont'] });
      expect(received).toBeGreaterThan(0);
    });
  });
}
