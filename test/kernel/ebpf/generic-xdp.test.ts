/**
 * Uplinks whose driver has no native XDP: a bridge, a macvlan device. Linux would attach generic XDP there, after which
 * tcx cannot read arriving packets: `xdp: always` attaches none, and doctor reports it.
 */
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { runChecks } from '../../../src/observe/doctor/doctor.js';
import { attachXdp, BpfLink, queryXdp } from 'libbpf-ts';
import { fastpathCounts, since } from '../../netns/lib/fastpath.js';
import { bothFamilies, pingMatrix, tenantOf } from '../../netns/lib/matrix.js';
import { useNetwork } from '../../netns/lib/network.js';
import { selftestTopology } from '../../netns/lib/topologies.js';
import { scopeTo } from '../../../src/app/intent.js';

const INSIDE = bothFamilies(['t100-1 > t100-2', 't100-2 > t100-1', 't200-3 > t200-4', 't200-4 > t200-3']);
const BOTH = { hv1: 'ebpf', hv2: 'ebpf' } as const;

/** Another device takes the uplink's name, MAC address and addresses; the uplink is nic0, below it. */
const above = (add: string): string => `
mac=$(ip -o link show eth0 | grep -o 'link/ether [^ ]*' | cut -d' ' -f2)
addresses=$(ip -o -6 address show dev eth0 scope global | awk '{print $4}')
routes=$(ip -6 route show dev eth0 | grep via || true)
ip link set eth0 down
ip link set eth0 name nic0
ip link set nic0 up
${add}
ip link set eth0 up
for address in $addresses; do ip -6 address add $address dev eth0 nodad; done
echo "$routes" | while read -r route; do [ -z "$route" ] || ip -6 route replace $route dev eth0; done
until ip -6 address show dev eth0 scope link | grep inet6 | grep -v tentative >/dev/null; do sleep 0.1; done
`;

const DEVICES = [
  ['bridge', 'ip link add eth0 address $mac type bridge; ip link set nic0 master eth0'],
  ['macvlan', 'ip link add eth0 link nic0 type macvlan mode passthru'],
] as const;

describe.each(DEVICES)('xdp: always on a %s', (kind, add) => {
  const network = useNetwork(selftestTopology({ dataplane: BOTH, xdp: 'always' }), async (made) => {
    await made.shell('hv1', above(add));
  });
  const where = () => ({ interface: 'eth0', netns: network.netns('hv1') });

  beforeAll(() => network.applyAll());

  const delivers = async (): Promise<void> => {
    const counted = fastpathCounts(network, 'hv1');
    const reach = await pingMatrix(network, (from, to) => tenantOf(from) === tenantOf(to));
    expect(reach).toEqual({ reached: INSIDE, blocked: [], doubtful: [] });
    // Eight pairs, two requests and two replies each.
    expect(since(counted, fastpathCounts(network, 'hv1')).reasons['forward forwarded']).toBe(32);
  };

  it('delivers and counts arriving packets', async () => {
    expect(queryXdp(where())).toBe(0);
    await delivers();
  });

  it('is no drift, and doctor warns of it', async () => {
    const instance = network.instance('hv1');
    const file = join(network.directory, 'hv1.yaml');
    const intent = scopeTo(network.intent(), instance.config.node);
    const { checks } = await runChecks({ instance, file, defaultFile: file, intent, intentError: undefined });
    const found = checks.map(({ name, status, what }) => `${name} ${status} ${what}`);
    expect(found).toContain(
      `uplink.xdp-none.eth0 warn xdp: always, but no XDP at eth0, a ${kind} device: it has no native XDP`,
    );
    expect(await network.diff('hv1')).toEqual([]);
  });

  it('detaches the program of an older build', async () => {
    const instance = network.instance('hv1');
    const { fastpath, links } = instance.kernel;
    const path = fastpath.linkPath('xdp', links.indexOf('eth0'));
    const attachment = { device: 'eth0', hook: 'xdp', program: 'uplink_xdp', alone: true } as const;
    const link = attachXdp(fastpath.makeProgram('uplink_xdp', attachment), { ...where(), mode: 'skb' });
    link.pin(path);
    link.close();
    await network.apply('hv1');
    expect(queryXdp(where())).toBe(0);
    expect(() => BpfLink.openPinned(path)).toThrow(/ENOENT/);
    await delivers();
  });
});
