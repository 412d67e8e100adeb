/** Steering between tenants with one hypervisor in hybrid mode and one in kernel mode: both follow the policies. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askAll, key, questionsOf, Services } from '../../lab/steering-matrix.js';
import { steeringTopology } from '../../lab/steering.js';
import { intentOf, segueNodes } from '../../lab/topology.js';
import { announce, withdraw } from '../../lab/underlay.js';
import { AgentRun } from './lib/agent-run.js';
import { useNetwork } from './lib/network.js';
import { SteadyConnection, until, wrongOf } from './lib/steering.js';
import type { Policy } from '../../src/gateway/types.js';

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

  it('have no drift', async () => {
    for (const { name } of segueNodes(network.topology)) expect(await network.diff(name), name).toEqual([]);
  });

  it('reach exactly the peers that the policies allow, over IPv4 and IPv6', { timeout: TIMEOUT_MS }, async () => {
    expect(wrongOf(await askAll(network.topology, questionsOf(network.topology)))).toEqual([]);
  });

  it(
    'stop using a network node without a route in kernel mode, and open connections continue',
    { timeout: TIMEOUT_MS },
    async () => {
      const nodes = async (): Promise<string[]> => {
        const found = (await network.ip('hv2', '-6 nexthop')).match(/fd00:5e:9[12](?=:4600:)/g) ?? [];
        return [...new Set(found)].map((locator) => `nn${locator.slice(-1)}`).sort();
      };
      const run = await AgentRun.start(network, 'hv2');
      try {
        const before = await nodes();
        expect(before).not.toEqual([]);
        const connection = await SteadyConnection.open(network, 'red-a', 'blue-b', '10.2.0.20', 8001);
        await connection.goesOn();
        for (const lost of before) {
          const left = lost === 'nn1' ? 'nn2' : 'nn1';
          withdraw(network.topology, lost, 'hv2');
          await until(`hv2 goes by ${left} alone`, async () => (await nodes()).join() === left);
          await connection.goesOn();
          expect(await network.diff('hv2')).toEqual([]);
          announce(network.topology, lost, 'hv2');
          await until('hv2 goes as before', async () => (await nodes()).join() === before.join());
          await connection.goesOn();
        }
        const [client] = await connection.close();
        expect(client.broken).toBeNull();
      } finally {
        await run.stop();
      }
    },
  );

  it('reach exactly the peers that the inverted policies allow', { timeout: TIMEOUT_MS }, async () => {
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
