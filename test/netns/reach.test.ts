import { describe, expect, it } from 'vitest';
import { bothFamilies, pingMatrix, tenantOf, UNANSWERED } from './lib/matrix.js';
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
  ['End.DT46 on one side, End.DT4 and End.DT6 on the other', { behaviours: { hv1: ['dt46'], hv2: ['dt4', 'dt6'] } }],
  ['three segments on the path', { transits: 2 }],
];

describe.each(VARIANTS)('%s', (_name, options) => {
  const network = useNetwork(selftestTopology(options));

  it('hosts of one tenant reach each other', async () => {
    const reach = await pingMatrix(network, (from, to) => tenantOf(from) === tenantOf(to));
    expect(reach).toEqual({ reached: INSIDE, blocked: [], doubtful: [] });
  });

  it('hosts of different tenants do not reach each other', async () => {
    const reach = await pingMatrix(network, (from, to) => tenantOf(from) !== tenantOf(to), UNANSWERED);
    expect(reach).toEqual({ reached: [], blocked: ACROSS, doubtful: [] });
  });

  it('a second apply finds nothing to do', async () => {
    expect(await network.diff('hv1')).toEqual([]);
    expect(await network.diff('hv2')).toEqual([]);
  });
});

describe('gateways', () => {
  const network = useNetwork(selftestTopology());

  it('answer the VMs at their ports', async () => {
    for (const host of ['t100-1', 't200-4']) {
      for (const address of ['10.0.0.254', 'cafe::254']) {
        expect(await network.ping(host, address), `${host} ${address}`).toMatchObject({ sent: 1, received: 1 });
      }
    }
  });
});
