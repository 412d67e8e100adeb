/** Steering between tenants where one hypervisor has kernel and fast path and the other the kernel alone: together they follow the policies. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askAll, key, questionsOf, Services } from '../../src/lab/steering-matrix.js';
import { steeringTopology } from '../../src/lab/steering.js';
import { intentOf, segueNodes } from '../../src/lab/topology.js';
import { useNetwork } from './lib/network.js';
import { wrongOf } from './lib/steering.js';
import type { Policy } from '../../src/intent/types.js';

const TIMEOUT_MS = 600_000;

describe('a hybrid and a kernel hypervisor', () => {
  const topology = steeringTopology('hybrid');
  const { policies } = topology;
  const nodes = topology.nodes.map((node) => (node.name === 'hv2' ? { ...node, dataplane: 'kernel' as const } : node));
  const network = useNetwork({ ...topology, nodes });
  let services: Services;
  beforeAll(() => {
    services = new Services(network.topology);
  });
  afterAll(() => services.close());

  it('are as planned', async () => {
    for (const { name } of segueNodes(network.topology)) expect(await network.diff(name), name).toEqual([]);
  });

  it('reach whom the policies say, IPv4 and IPv6', { timeout: TIMEOUT_MS }, async () => {
    expect(wrongOf(await askAll(network.topology, questionsOf(network.topology)))).toEqual([]);
  });

  it('reach others with policies inverted, and those alone', { timeout: TIMEOUT_MS }, async () => {
    const inverted = ['web', 'dns'];
    const others = policies.map((policy) =>
      inverted.includes(policy.name) ? ({ ...policy, action: 'deny' } satisfies Policy) : policy,
    );
    const intent = intentOf({ ...network.topology, policies: others });
    for (const { name } of segueNodes(network.topology)) await network.apply(name, intent);
    const asIs = new Map(questionsOf(network.topology).map((one) => [key(one), one]));
    const reached = await askAll(network.topology, questionsOf(network.topology, others));
    expect(wrongOf(reached)).toEqual([]);
    const changed = reached.filter((one) => asIs.get(key(one))?.expected !== one.expected);
    expect(new Set(changed.map((one) => asIs.get(key(one))?.policy))).toEqual(new Set(inverted));
  });
});
