import { describe, expect, it } from 'vitest';
import { bothFamilies, pingMatrix, tenantOf } from './lib/matrix.js';
import { useNetwork } from './lib/network.js';
import { selftestTopology } from './lib/topologies.js';
import type { SelftestOptions } from './lib/topologies.js';

const INSIDE = bothFamilies(['t100-1 > t100-2', 't100-2 > t100-1', 't200-3 > t200-4', 't200-4 > t200-3']);
/** The eight pairs of the kernel's selftest. */
const ACROSS = bothFamilies([
  't100-1 > t200-3',
  't100-1 > t200-4',
  't100-2 > t200-3',
  't100-2 > t200-4',
  't200-3 > t100-1',
  't200-3 > t100-2',
  't200-4 > t100-1',
  't200-4 > t100-2',
]);

const VARIANTS: [name: string, options: SelftestOptions][] = [
  ['End.DT46', {}],
  ['End.DT4 and End.DT6', { behaviours: { hv1: ['dt4', 'dt6'], hv2: ['dt4', 'dt6'] } }],
  ['End.DT46 on one side, End.DT4 and End.DT6 on the other', { behaviours: { hv2: ['dt4', 'dt6'] } }],
  ['three segments on the path', { transits: 2 }],
];

describe.each(VARIANTS)('%s', (_name, options) => {
  const network = useNetwork(selftestTopology(options));

  it('hosts of one tenant reach each other', async () => {
    const reach = await pingMatrix(network, (from, to) => tenantOf(from) === tenantOf(to));
    expect(reach).toEqual({ reached: INSIDE, blocked: [], doubtful: [] });
  });

  it('hosts of different tenants do not', async () => {
    const reach = await pingMatrix(network, (from, to) => tenantOf(from) !== tenantOf(to), 1);
    expect(reach).toEqual({ reached: [], blocked: ACROSS, doubtful: [] });
  });

  it('the gateway answers', async () => {
    for (const [host, address] of [
      ['t100-1', '10.0.0.254'],
      ['t100-2', 'cafe::254'],
      ['t200-3', 'cafe::254'],
      ['t200-4', '10.0.0.254'],
    ] as const) {
      expect(await network.ping(host, address), `${host} ${address}`).toMatchObject({ sent: 1, received: 1 });
    }
  });

  it('a second apply finds nothing to do', async () => {
    expect(await network.diff('hv1')).toEqual([]);
    expect(await network.diff('hv2')).toEqual([]);
  });
});
