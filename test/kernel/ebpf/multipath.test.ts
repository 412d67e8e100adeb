/**
 * Routes of the underlay in each form that the kernel has: many next hops, weights, next-hop objects, destinations on
 * the link.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { listUnderlays } from '../../../src/ebpf/underlay-resource.js';
import { ROUTER } from '../../../lab/topology.js';
import { useNetwork } from '../../netns/lib/network.js';
import { selftestTopology } from '../../netns/lib/topologies.js';

const LOCATOR = 'fd00:5e:2::/48';
const LINKS = 18;
/** Each a UDP packet from a port of its own. */
const FLOWS = 512;

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);
const gateway = (link: number): string => `fd00:ffff:100:${link}::2`;

describe('next hops of the underlay, ebpf', () => {
  const network = useNetwork(selftestTopology({ dataplane: { hv1: 'ebpf', hv2: 'ebpf' } }), (made) => made.applyAll());

  beforeAll(async () => {
    const router = network.netns(ROUTER);
    const lines = (end: 'u' | 'r', host: number): string =>
      numbers(LINKS)
        .map(
          (link) =>
            `ip addr add fd00:ffff:100:${link}::${host}/64 dev ${end}${link} nodad; ip link set ${end}${link} up`,
        )
        .join('\n');
    const made = numbers(LINKS).map((link) => `ip link add u${link} type veth peer name r${link} netns ${router}`);
    await network.shell('hv1', `${made.join('\n')}\n${lines('u', 1)}`);
    await network.shell(ROUTER, lines('r', 2));
  });

  const hops = (): { device: string; weight: number }[] => {
    const { kernel } = network.instance('hv1');
    kernel.links.refresh();
    const entry = listUnderlays(kernel).find(({ key }) => key === LOCATOR);
    const found = (entry?.hops ?? []).map(({ ifindex, weight }) => ({ device: kernel.links.nameOf(ifindex), weight }));
    // The kernel begins with the one that it would take itself.
    return found.sort((a, b) => a.device.localeCompare(b.device));
  };
  /** Apply ends when a way has one next hop: further neighbours may answer after it. */
  const hasHops = async (expected: ReturnType<typeof hops>): Promise<void> => {
    const applied = async (): Promise<ReturnType<typeof hops>> => {
      await network.apply('hv1');
      return hops();
    };
    await expect.poll(applied, { timeout: 60_000 }).toEqual(expected);
  };
  const route = async (words: string): Promise<void> => {
    await network.shell('hv1', `ip -6 route del ${LOCATOR} 2>/dev/null || true; ip -6 route add ${LOCATOR} ${words}`);
    await network.apply('hv1');
    expect(await network.diff('hv1')).toEqual([]);
  };
  const legs = (links: readonly number[], weight: (link: number) => number): string =>
    links.map((link) => `nexthop via ${gateway(link)} dev u${link} weight ${weight(link)}`).join(' ');
  /** Packets of the flows that each link carried. */
  const carried = async (links: readonly number[]): Promise<number[]> => {
    const received = async (): Promise<number[]> => {
      const all = JSON.parse(await network.ip(ROUTER, '-j -s link show')) as {
        ifname: string;
        stats64: { rx: { packets: number } };
      }[];
      return links.map((link) => all.find(({ ifname }) => ifname === `r${link}`)?.stats64.rx.packets ?? NaN);
    };
    const before = await received();
    await network.shell('t100-1', `for i in {1..${FLOWS}}; do echo x >/dev/udp/10.0.0.2/9; done 2>/dev/null || true`);
    const after = await received();
    return after.map((packets, index) => packets - (before[index] ?? 0));
  };
  const works = async (): Promise<void> => {
    expect(await network.ping('t100-1', '10.0.0.2', { count: 2 })).toMatchObject({ received: 2 });
  };

  it('all carry flows when eight have equal cost', async () => {
    const links = numbers(8);
    await route(legs(links, () => 5));
    await hasHops(links.map((link) => ({ device: `u${link}`, weight: 1 })));
    await works();
    const counts = await carried(links);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(FLOWS / 2);
    expect(Math.min(...counts), counts.join(' ')).toBeGreaterThan(FLOWS / 8 / 4);
  });

  it('are limited to sixteen of eighteen', async () => {
    await route(legs(numbers(18), () => 1));
    await expect.poll(async () => (await network.apply('hv1'), hops().length), { timeout: 60_000 }).toBe(16);
    await works();
    // Beside them a link has its neighbour discovery alone.
    const counts = await carried(numbers(18));
    expect(counts.filter((count) => count > FLOWS / 16 / 4).length, counts.join(' ')).toBe(16);
  });

  it('carry flows by their weights', async () => {
    await route(legs([1, 2], (link) => (link === 1 ? 9 : 3)));
    await hasHops([
      { device: 'u1', weight: 3 },
      { device: 'u2', weight: 1 },
    ]);
    const [one = 0, other = 0] = await carried([1, 2]);
    expect(one + other).toBeGreaterThan(FLOWS / 2);
    expect(one / other, `${one} ${other}`).toBeGreaterThan(2);
    expect(one / other, `${one} ${other}`).toBeLessThan(4.5);
  });

  it.each([1, 0])('may be next-hop objects with weights, nexthop_compat_mode %i', async (mode) => {
    await network.shell(
      'hv1',
      `sysctl -qw net.ipv4.nexthop_compat_mode=${mode}
       ip -6 route del ${LOCATOR} || true; ip nexthop flush >/dev/null 2>&1 || true
       ip -6 nexthop add id 1 via ${gateway(1)} dev u1
       ip -6 nexthop add id 2 via ${gateway(2)} dev u2
       ip nexthop add id 10 group 1,2/2,6`,
    );
    await route('nhid 10');
    await hasHops([
      { device: 'u1', weight: 1 },
      { device: 'u2', weight: 3 },
    ]);
    await works();
    await route('nhid 2');
    await hasHops([{ device: 'u2', weight: 1 }]);
    await works();
  });

  it('are the destinations themselves on a link without a router', async () => {
    await network.ip(ROUTER, 'addr add fd00:5e:2::/128 dev hv1 nodad');
    await route('dev eth0');
    await hasHops([{ device: 'eth0', weight: 1 }]);
    await works();
  });
});
