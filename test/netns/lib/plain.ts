/** A hypervisor programmed by plain `ip` commands: plain-hypervisor.sh. */
import { fileURLToPath } from 'node:url';
import { find, sourceOf, UPLINK } from '../../../lab/topology.js';
import type { TestNetwork } from './network.js';

const PLAIN = fileURLToPath(new URL('../plain-hypervisor.sh', import.meta.url));

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

/** Programs a hypervisor of a network. */
export async function programPlain(network: TestNetwork, name: string): Promise<void> {
  const node = find(network.topology.nodes, name);
  const env = {
    ...process.env,
    LOCATOR: node.locator,
    SOURCE: sourceOf(node),
    UPLINKS: UPLINK,
    BLOCK: network.topology.sidBlock,
    BEHAVIOURS: (node.behaviours ?? ['dt46']).join(' '),
  };
  await network.output(name, ['bash', PLAIN], { input: plainLines(network, name), env, timeoutMs: 120_000 });
}
