import { describe, expect, it } from 'vitest';
import { bothFamilies, pingMatrix, tenantOf, UNANSWERED } from './lib/matrix.js';
import { useNetwork } from './lib/network.js';
import { programPlain } from './lib/plain.js';
import { selftestTopology } from './lib/topologies.js';
import type { TestNetwork } from './lib/network.js';
import type { SelftestOptions } from './lib/topologies.js';

/** hv1 by segue, hv2 by plain ip commands. */
async function program(network: TestNetwork): Promise<void> {
  await network.apply('hv1');
  await programPlain(network, 'hv2');
}

const VARIANTS: [name: string, options: SelftestOptions][] = [
  ['End.DT46', {}],
  [
    'End.DT4 and End.DT6, three segments on the path',
    { transits: 2, behaviours: { hv1: ['dt4', 'dt6'], hv2: ['dt4', 'dt6'] } },
  ],
];

describe.each(VARIANTS)('the other hypervisor programmed by plain ip commands: %s', (_name, options) => {
  const network = useNetwork(selftestTopology(options), program);

  it('hosts of one tenant reach each other in both directions', async () => {
    const reach = await pingMatrix(network, (from, to) => tenantOf(from) === tenantOf(to));
    expect(reach).toEqual({
      reached: bothFamilies(['t100-1 > t100-2', 't100-2 > t100-1', 't200-3 > t200-4', 't200-4 > t200-3']),
      blocked: [],
      doubtful: [],
    });
  });

  it('hosts of different tenants do not reach each other', async () => {
    const reach = await pingMatrix(network, (from, to) => tenantOf(from) !== tenantOf(to), UNANSWERED);
    expect([reach.reached, reach.doubtful, reach.blocked.length]).toEqual([[], [], 16]);
  });
});
