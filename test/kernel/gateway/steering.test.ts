/** Traffic between tenants from end to end: VMs, hypervisors and network nodes in namespaces, real packets. */
import { describe, expect, it } from 'vitest';
import { steeringTopology } from '../../../src/lab/steering.js';
import { useNetwork } from '../../netns/lib/network.js';

describe('hypervisors without a kernel beneath', () => {
  const network = useNetwork(steeringTopology('ebpf'));

  it.each(['10.2.0.20', 'fd00:2::b', '10.2.0.10', 'fd00:2::a'])(
    'send to another tenant by a network node: %s',
    async (to) => {
      expect(await network.ping('red-a', to, { count: 3 })).toMatchObject({ sent: 3, received: 3 });
    },
  );

  it('are as planned', async () => {
    for (const node of ['hv1', 'hv2']) expect(await network.diff(node), node).toEqual([]);
  });
});
