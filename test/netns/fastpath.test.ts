import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { pinDirectory } from '../../src/agent/instance.js';
import { fastpathCounts, since } from './lib/fastpath.js';
import { bothFamilies, pingMatrix, tenantOf, UNANSWERED } from './lib/matrix.js';
import { useNetwork } from './lib/network.js';
import { selftestTopology } from './lib/topologies.js';
import type { SelftestOptions } from './lib/topologies.js';

const INSIDE = bothFamilies(['t100-1 > t100-2', 't100-2 > t100-1', 't200-3 > t200-4', 't200-4 > t200-3']);
const ACROSS = bothFamilies(
  ['t100-1', 't100-2'].flatMap((a) => ['t200-3', 't200-4'].flatMap((b) => [`${a} > ${b}`, `${b} > ${a}`])),
);
const BOTH = { hv1: 'hybrid', hv2: 'hybrid' } as const;

const VARIANTS: [name: string, options: SelftestOptions][] = [
  ['hybrid on both sides', { dataplane: BOTH }],
  ['hybrid on both sides, XDP on the uplinks', { dataplane: BOTH, xdp: 'always' }],
  ['hybrid and kernel', { dataplane: { hv1: 'hybrid', hv2: 'kernel' } }],
  ['hybrid, End.DT4 and End.DT6', { dataplane: BOTH, behaviours: { hv1: ['dt4', 'dt6'], hv2: ['dt4', 'dt6'] } }],
  ['hybrid, three segments on the path', { dataplane: BOTH, transits: 2 }],
];

describe.each(VARIANTS)('%s', (_name, options) => {
  const network = useNetwork(selftestTopology(options));

  it('hosts of one tenant reach each other', async () => {
    const reach = await pingMatrix(network, (from, to) => tenantOf(from) === tenantOf(to));
    expect(reach).toEqual({ reached: INSIDE, blocked: [], doubtful: [] });
  });

  it('hosts of different tenants do not', async () => {
    const reach = await pingMatrix(network, (from, to) => tenantOf(from) !== tenantOf(to), UNANSWERED);
    expect(reach).toEqual({ reached: [], blocked: ACROSS, doubtful: [] });
  });

  it('the packets take the fast path', async () => {
    // The first ones let the kernel resolve the underlay's neighbours, which the agent of a test that applies once has to be told.
    for (const name of ['hv1', 'hv2']) await network.apply(name);
    const before = fastpathCounts(network, 'hv1');
    const reach = await pingMatrix(network, (from, to) => tenantOf(from) === tenantOf(to));
    expect(reach.reached).toEqual(INSIDE);
    const { reasons, slow } = since(before, fastpathCounts(network, 'hv1'));
    // Each of the eight pairs sends two requests and two replies: hv1 takes each once, outwards or inwards.
    expect(reasons['forward forwarded']).toBe(32);
    expect(slow).toBe(0);
  });

  it('a second apply finds nothing to do', async () => {
    expect(await network.diff('hv1')).toEqual([]);
    expect(await network.diff('hv2')).toEqual([]);
  });

  it('purge leaves no pin', async () => {
    expect(existsSync(pinDirectory(network.netns('hv1')))).toBe(true);
    await network.purge('hv1');
    expect(existsSync(pinDirectory(network.netns('hv1')))).toBe(false);
  });
});
