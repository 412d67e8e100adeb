import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { find, sourceOf, UPLINK } from '../../src/lab/topology.js';
import { bothFamilies, pingMatrix, tenantOf, UNANSWERED } from './lib/matrix.js';
import { useNetwork } from './lib/network.js';
import { selftestTopology } from './lib/topologies.js';
import type { TestNetwork } from './lib/network.js';
import type { SelftestOptions } from './lib/topologies.js';

const PLAIN = fileURLToPath(new URL('plain-hypervisor.sh', import.meta.url));

/** What plain-hypervisor.sh reads: the tenants, the node's own ports, and everybody else. */
function plainLines({ topology }: TestNetwork, node: string): string {
  const lines = topology.tenants.map(
    ({ name, id, subnets }) => `tenant ${name} ${id} ${subnets.map((s) => `${s.prefix}=${s.gateway}`).join(' ')}`,
  );
  for (const vm of topology.vms.filter((one) => one.node === node)) {
    lines.push(`port ${vm.tenant} ${vm.name} ${vm.mac} ${vm.addresses.join(',')}`);
  }
  for (const vm of topology.vms.filter((one) => one.node !== node)) {
    const via = topology.paths.find(({ to }) => to === vm.node)?.via.join(',') ?? '';
    lines.push(`remote ${vm.tenant} ${find(topology.nodes, vm.node).locator} ${vm.addresses.join(',')} ${via}`);
  }
  return `${lines.join('\n')}\n`;
}

/** hv1 by segue, hv2 by plain ip commands. */
async function program(network: TestNetwork): Promise<void> {
  await network.apply('hv1');
  const node = find(network.topology.nodes, 'hv2');
  const env = {
    ...process.env,
    LOCATOR: node.locator,
    SOURCE: sourceOf(node),
    UPLINKS: UPLINK,
    BLOCK: network.topology.sidBlock,
    BEHAVIOURS: (node.behaviours ?? ['dt46']).join(' '),
  };
  await network.output('hv2', ['bash', PLAIN], { input: plainLines(network, 'hv2'), env, timeoutMs: 120_000 });
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

  it('hosts of different tenants do not', async () => {
    const reach = await pingMatrix(network, (from, to) => tenantOf(from) !== tenantOf(to), UNANSWERED);
    expect([reach.reached, reach.doubtful, reach.blocked.length]).toEqual([[], [], 16]);
  });
});
