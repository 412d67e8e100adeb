/**
 * The laboratory's underlay with network nodes: it does what a routing protocol would do, and has a network beyond the
 * nodes.
 */
import { describe, expect, it } from 'vitest';
import { activeNode, linkAddresses } from '../../../lab/external.js';
import { steeringTopology } from '../../../lab/steering.js';
import { announce, connectAgain, cutOff, withdraw } from '../../../lab/underlay.js';
import { useNetwork } from '../../netns/lib/network.js';

const SOURCE = { hv1: 'fd00:5e:1::1', hv2: 'fd00:5e:2::1', nn1: 'fd00:5e:91::1', nn2: 'fd00:5e:92::1' } as const;
type Node = keyof typeof SOURCE;
const NODES = Object.keys(SOURCE) as Node[];

describe('the laboratory of steering', () => {
  const network = useNetwork(steeringTopology('ebpf'));
  const { topology } = network;

  /** Pairs of nodes whose outer addresses reach each other. */
  async function reach(): Promise<string[]> {
    const pairs = NODES.flatMap((from) => NODES.filter((to) => to !== from).map((to) => [from, to] as const));
    const answered = await Promise.all(
      pairs.map(async ([from, to]) => {
        const { received } = await network.ping(from, SOURCE[to], { source: SOURCE[from], timeoutS: 1 });
        return received > 0 ? `${from} > ${to}` : '';
      }),
    );
    return answered.filter((pair) => pair !== '');
  }

  it('has no drift on any node', async () => {
    for (const node of NODES) expect(await network.diff(node), node).toEqual([]);
  });

  it('has a route to each locator on each node, and can withdraw it from one node', async () => {
    const all = await reach();
    expect(all).toHaveLength(NODES.length * (NODES.length - 1));
    withdraw(topology, 'nn1', 'hv1');
    expect(await reach()).toEqual(all.filter((pair) => !['hv1 > nn1', 'nn1 > hv1'].includes(pair)));
    announce(topology, 'nn1', 'hv1');
    expect(await reach()).toEqual(all);
  });

  it('can cut a node off and connect it again', async () => {
    const all = await reach();
    cutOff(topology, 'nn2');
    expect(await reach()).toEqual(all.filter((pair) => !pair.includes('nn2')));
    expect(await network.ip('nn2', '-j link show eth0')).toContain('NO-CARRIER');
    connectAgain(topology, 'nn2');
    await expect.poll(reach, { timeout: 60_000 }).toEqual(all);
  });

  it('has a network beyond the network nodes, with a return route through the active one', async () => {
    const [external] = topology.externals ?? [];
    if (external === undefined) throw new Error('no external network');
    const active = activeNode(topology, external);
    expect(['nn1', 'nn2']).toContain(active);
    for (const node of ['nn1', 'nn2']) {
      for (const { beyond } of linkAddresses(topology, external, node)) {
        expect(await network.ping(node, beyond), `${node} to ${beyond}`).toMatchObject({ received: 1 });
      }
    }
    for (const prefix of ['10.1.0.0/24', '10.2.0.0/24', 'fd00:1::/64', 'fd00:2::/64']) {
      expect(await network.ip('dc', `${prefix.includes(':') ? '-6' : '-4'} route show ${prefix}`)).toContain(
        `dev ${active} `,
      );
    }
  });
});
