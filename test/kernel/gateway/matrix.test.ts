/** Who reaches whom, by policies, natively: three tenants, two network nodes, a network beyond them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askAll, questionsOf, Services } from '../../../src/lab/steering-matrix.js';
import { steeringTopology } from '../../../src/lab/steering.js';
import { useNetwork } from '../../netns/lib/network.js';
import { wrongOf } from '../../netns/lib/steering.js';

describe('policies between tenants', () => {
  const network = useNetwork(steeringTopology('ebpf'));
  let services: Services;
  beforeAll(() => {
    services = new Services(network.topology);
  });
  afterAll(() => services.close());

  it('decide who reaches whom, IPv4 and IPv6', async () => {
    expect(wrongOf(await askAll(network.topology, questionsOf(network.topology)))).toEqual([]);
  });
});
