/**
 * Reachability by policies in ebpf mode: three tenants, two of them with the same addresses, two network nodes, a
 * network beyond them.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askAll, key, questionsOf, Services } from '../../../lab/steering-matrix.js';
import { steeringTopology } from '../../../lab/steering.js';
import { intentOf, segueNodes } from '../../../lab/topology.js';
import { familyOf } from 'netlink-ts/inet';
import { useNetwork } from '../../netns/lib/network.js';
import { wrongOf } from '../../netns/lib/steering.js';
import type { Policy } from '../../../src/gateway/types.js';

const TIMEOUT_MS = 300_000;

describe('policies between tenants', () => {
  const topology = steeringTopology('ebpf');
  const network = useNetwork(topology);
  const { policies } = topology;
  let services: Services;
  beforeAll(() => {
    services = new Services(network.topology);
  });
  afterAll(() => services.close());

  async function applyPolicies(all: Policy[]): Promise<void> {
    const intent = intentOf({ ...network.topology, policies: all });
    for (const { name } of segueNodes(network.topology)) await network.apply(name, intent);
  }

  it('decide reachability over IPv4 and IPv6', { timeout: TIMEOUT_MS }, async () => {
    const questions = questionsOf(network.topology);
    expect(questions.filter(({ policy }) => policy !== undefined).length).toBeGreaterThan(50);
    expect(wrongOf(await askAll(network.topology, questions))).toEqual([]);
  });

  it.each(policies.map(({ name }) => name))(
    'decide differently exactly where %s decides, when it is inverted',
    { timeout: TIMEOUT_MS },
    async (inverted) => {
      const others = policies.map((policy) =>
        policy.name === inverted
          ? ({ ...policy, action: policy.action === 'allow' ? 'deny' : 'allow' } satisfies Policy)
          : policy,
      );
      const asIs = new Map(questionsOf(network.topology).map((one) => [key(one), one]));
      const questions = questionsOf(network.topology, others);
      await applyPolicies(others);
      try {
        const reached = await askAll(network.topology, questions);
        expect(wrongOf(reached)).toEqual([]);
        // Held against the policies as they were, the same answers are wrong, in both families, and nowhere else.
        const changed = reached.filter((one) => asIs.get(key(one))?.expected !== one.expected);
        expect(new Set(changed.map(({ address }) => familyOf(address)))).toEqual(new Set([4, 6]));
        const seen = reached.filter((one) => (asIs.get(key(one))?.expected !== undefined) !== (one.seen !== undefined));
        expect(seen.map(key)).toEqual(changed.map(key));
      } finally {
        await applyPolicies(policies);
      }
    },
  );

  it('decide as before once they are restored', { timeout: TIMEOUT_MS }, async () => {
    expect(wrongOf(await askAll(network.topology, questionsOf(network.topology)))).toEqual([]);
  });
});
