/** `dataplane: ebpf` on both hypervisors: it needs neither VRF nor seg6, so it runs on kernels without them. */
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { pinDirectory } from '../../../src/agent/instance.js';
import { fastpathCounts, since } from '../../netns/lib/fastpath.js';
import { bothFamilies, pingMatrix, tenantOf, UNANSWERED } from '../../netns/lib/matrix.js';
import { useNetwork } from '../../netns/lib/network.js';
import { differencesOf, QUIET, snapshot } from '../../netns/lib/snapshot.js';
import { selftestTopology } from '../../netns/lib/topologies.js';
import type { Snapshot } from '../../netns/lib/snapshot.js';
import type { SelftestOptions } from '../../netns/lib/topologies.js';

const INSIDE = bothFamilies(['t100-1 > t100-2', 't100-2 > t100-1', 't200-3 > t200-4', 't200-4 > t200-3']);
const ACROSS = bothFamilies(
  ['t100-1', 't100-2'].flatMap((a) => ['t200-3', 't200-4'].flatMap((b) => [`${a} > ${b}`, `${b} > ${a}`])),
);
const BOTH = { hv1: 'ebpf', hv2: 'ebpf' } as const;
const VARIANTS: [name: string, options: SelftestOptions][] = [
  ['End.DT46', { dataplane: BOTH }],
  ['XDP on the uplinks', { dataplane: BOTH, xdp: 'always' }],
  ['End.DT4 and End.DT6', { dataplane: BOTH, behaviours: { hv1: ['dt4', 'dt6'], hv2: ['dt4', 'dt6'] } }],
];

/** Shell: every interface has its link-local address, which comes with the carrier. */
const LINK_LOCAL = `
for device in $(ip -o link show up type veth | cut -d: -f2 | cut -d@ -f1); do
  until ip -6 address show dev $device scope link | grep inet6 >/dev/null; do sleep 0.1; done
done
`;

describe.each(VARIANTS)('%s', (_name, options) => {
  const before = new Map<string, Snapshot>();
  const network = useNetwork(selftestTopology(options), async (made) => {
    for (const name of ['hv1', 'hv2']) {
      await made.shell(name, LINK_LOCAL + QUIET);
      before.set(name, await snapshot(made, name));
    }
    await made.applyAll();
  });

  it('hosts of one tenant reach each other from the first packet on', async () => {
    const counted = fastpathCounts(network, 'hv1');
    const reach = await pingMatrix(network, (from, to) => tenantOf(from) === tenantOf(to));
    expect(reach).toEqual({ reached: INSIDE, blocked: [], doubtful: [] });
    // Each of the eight pairs sends two requests and two replies: hv1 takes each once, outwards or inwards.
    expect(since(counted, fastpathCounts(network, 'hv1')).reasons['forward forwarded']).toBe(32);
  });

  it('hosts of different tenants do not reach each other', async () => {
    const reach = await pingMatrix(network, (from, to) => tenantOf(from) !== tenantOf(to), UNANSWERED);
    expect(reach).toEqual({ reached: [], blocked: ACROSS, doubtful: [] });
  });

  it('the kernel has no object of a tenant', async () => {
    for (const name of ['hv1', 'hv2']) {
      expect(await network.ip(name, '-j link show type vrf').catch(() => '[]')).toMatch(/^\[[^a-z]*\]\s*$|^$/);
      expect(await network.ip(name, '-6 route show proto 94')).toMatch(/^blackhole fd00:5e:[12]::\/48 .*\n$/);
      expect(await network.ip(name, '-4 route show table all proto 94')).toBe('');
      expect(await network.ip(name, 'rule show')).not.toContain('l3mdev');
    }
  });

  it('a second apply finds nothing to do', async () => {
    expect(await network.diff('hv1')).toEqual([]);
    expect(await network.diff('hv2')).toEqual([]);
  });

  it('purge leaves nothing', async () => {
    for (const name of ['hv1', 'hv2']) {
      expect((await network.purge(name)).failures).toEqual([]);
      expect(existsSync(pinDirectory(network.netns(name)))).toBe(false);
      expect(differencesOf(before.get(name) ?? [], await snapshot(network, name))).toEqual({ gone: [], come: [] });
    }
  });
});
