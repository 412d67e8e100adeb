/** Traffic between tenants from end to end: VMs, hypervisors and network nodes in namespaces, with real packets. */
import { existsSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { pinDirectory } from '../../../src/agent/instance.js';
import { steeringTopology } from '../../../lab/steering.js';
import { segueNodes } from '../../../lab/topology.js';
import { announce, withdraw } from '../../../lab/underlay.js';
import { diffOnce } from '../../../src/agent/apply.js';
import { Instance } from '../../../src/agent/instance.js';
import { AgentRun } from '../../netns/lib/agent-run.js';
import { fastpathCounts, since } from '../../netns/lib/fastpath.js';
import { useNetwork } from '../../netns/lib/network.js';
import type { Intent } from '../../../src/intent/types.js';
import type { TestNetwork } from '../../netns/lib/network.js';
import { scopeTo } from '../../../src/app/intent.js';

const NETWORK_NODES = ['nn1', 'nn2'] as const;
type NetworkNode = (typeof NETWORK_NODES)[number];
/** Of blue, on both hypervisors; red may ping all of it. */
const BLUE = ['10.2.0.20', 'fd00:2::b', '10.2.0.10', 'fd00:2::a'];

/** Packets that network nodes sent on while something was done. */
async function steeredDuring(network: TestNetwork, work: () => Promise<unknown>): Promise<Record<NetworkNode, number>> {
  const before = NETWORK_NODES.map((name) => fastpathCounts(network, name));
  await work();
  const [nn1 = 0, nn2 = 0] = NETWORK_NODES.map((name, index) => {
    const was = before[index];
    return was === undefined ? 0 : (since(was, fastpathCounts(network, name)).reasons['forward forwarded'] ?? 0);
  });
  return { nn1, nn2 };
}

/** Pings, each a flow of its own. @returns how many were answered */
async function pings(network: TestNetwork, from: string, to: string, flows: number): Promise<number> {
  let answered = 0;
  for (let flow = 0; flow < flows; flow++) answered += (await network.ping(from, to)).received;
  return answered;
}

function draining(network: TestNetwork, name: string): Intent {
  const intent = network.intent();
  return {
    ...intent,
    nodes: intent.nodes.map((node) => (node.name === network.netns(name) ? { ...node, drain: true as const } : node)),
  };
}

describe('hypervisors in ebpf mode', () => {
  const network = useNetwork(steeringTopology('ebpf'));
  const { topology } = network;
  const runs: AgentRun[] = [];
  const start = async (name: string): Promise<AgentRun> => {
    const run = await AgentRun.start(network, name);
    runs.push(run);
    return run;
  };

  afterEach(async () => {
    for (const run of runs.splice(0)) await run.stop();
    for (const name of ['hv1', 'hv2']) await network.apply(name);
  });

  it.each(BLUE)('send to another tenant through a network node: %s', async (to) => {
    const steered = await steeredDuring(network, async () => {
      expect(await network.ping('red-a', to, { count: 3 })).toMatchObject({ sent: 3, received: 3 });
    });
    // A request and its answer meet at one node.
    expect([steered.nn1, steered.nn2].sort()).toEqual([0, 6]);
  });

  it('spread flows over the network nodes', async () => {
    const steered = await steeredDuring(network, async () => {
      expect(await pings(network, 'red-a', '10.2.0.20', 30)).toBe(30);
    });
    expect(steered.nn1 + steered.nn2).toBe(60);
    expect(Math.min(steered.nn1, steered.nn2)).toBeGreaterThan(0);
  });

  it('have no drift, also for another process', async () => {
    for (const name of ['hv1', 'hv2']) {
      expect(await network.diff(name), name).toEqual([]);
      const other = new Instance(network.config(name));
      const { changes } = await diffOnce(other, scopeTo(network.intent(), network.netns(name)));
      other.close();
      expect(changes, name).toEqual([]);
    }
  });

  it('have no maps of network nodes', () => {
    const { fastpath } = network.instance('hv1').kernel;
    expect(fastpath.gateways.maps).toBeDefined();
    expect(fastpath.steering.maps).toBeUndefined();
  });

  it('repair drift', async () => {
    const { maps } = network.instance('hv1').kernel.fastpath.gateways;
    if (maps === undefined) throw new Error('no maps');
    const repaired = async (): Promise<string> => {
      const kinds = (await network.diff('hv1')).map(({ kind }) => kind);
      await network.apply('hv1');
      expect(await network.diff('hv1')).toEqual([]);
      return [...new Set(kinds)].join();
    };
    const found: string[] = [];
    for (const map of [maps.sg_gw_encaps, maps.sg_nn_src]) {
      const [key] = [...map.keys()];
      if (key !== undefined) map.delete(key);
      found.push(await repaired());
    }
    for (const map of [maps.sg_nn_state, maps.sg_maglev]) {
      for (const [key] of map.entries()) map.update(key, Buffer.alloc(map.valueSize));
      found.push(await repaired());
    }
    expect(found).toEqual(['gw-encap', 'gw-node', 'gw-node', 'gw-maglev']);
    expect(await pings(network, 'red-a', '10.2.0.20', 3)).toBe(3);
  });

  it('leave existing flows at a draining node, and send it no new ones', async () => {
    const flow = network.ping('red-a', '10.2.0.20', { count: 40, args: ['-i', '0.1'] });
    const steered = await steeredDuring(network, () => new Promise((resolve) => setTimeout(resolve, 600)));
    const [used, other] = steered.nn1 > 0 ? (['nn1', 'nn2'] as const) : (['nn2', 'nn1'] as const);
    for (const name of ['hv1', 'hv2']) await network.apply(name, draining(network, used));
    const after = await steeredDuring(network, () => new Promise((resolve) => setTimeout(resolve, 600)));
    expect(after[other]).toBe(0);
    expect(after[used]).toBeGreaterThan(4);
    expect(await flow).toMatchObject({ sent: 40, received: 40 });
    const fresh = await steeredDuring(network, async () => {
      expect(await pings(network, 'red-a', '10.2.0.20', 10)).toBe(10);
    });
    expect(fresh).toEqual({ [used]: 0, [other]: 20 });
  });

  it('stop using a network node without a route, individually, and use it again later', async () => {
    const run = await start('hv1');
    const from = run.lines.length;
    withdraw(topology, 'nn1', 'hv1');
    await run.waitFor('followed a change of interfaces or underlay', from);
    await run.agent.idle();
    // hv2 still uses both: its flows go on, and hv1 answers where it can.
    expect(await pings(network, 'red-a', '10.2.0.20', 10)).toBe(10);
    expect(await pings(network, 'red-b', '10.2.0.10', 10)).toBe(10);
    const away = await steeredDuring(network, () => pings(network, 'red-a', '10.2.0.20', 10));
    expect(away.nn2).toBeGreaterThanOrEqual(20);
    const back = run.lines.length;
    announce(topology, 'nn1', 'hv1');
    await run.waitFor('followed a change of interfaces or underlay', back);
    await run.agent.idle();
    const steered = await steeredDuring(network, () => pings(network, 'red-a', '10.2.0.20', 30));
    expect(steered.nn1).toBeGreaterThan(0);
  });

  it('send flows to the same network node after a restart', async () => {
    const flow = network.ping('red-a', '10.2.0.20', { count: 30, args: ['-i', '0.1'] });
    const first = await start('hv1');
    await first.stop();
    runs.splice(0);
    const second = await start('hv1');
    expect(second.lines.find(({ msg }) => msg === 'converged on the intent')).toMatchObject({
      ...{ create: 0, replace: 0, delete: 0 },
    });
    expect(await flow).toMatchObject({ sent: 30, received: 30 });
  });

  it('answer a VM whose packet expires', async () => {
    const { errors } = await network.ping('red-a', '10.2.0.20', { ttl: 1 });
    expect(errors.join()).toContain('10.1.0.1');
  });

  it('replace programs and remove maps when the intent has no gateways', async () => {
    const without = network.intent();
    for (const key of ['gateways', 'externals', 'policies'] as const) delete without[key];
    const { kernel } = network.instance('hv1');
    await network.apply('hv1', without);
    expect(await network.diff('hv1', without)).toEqual([]);
    expect(kernel.fastpath.gateways.maps).toBeUndefined();
    expect(kernel.fastpath.program('port_tc', { alone: true, gateways: true })).toBeUndefined();
    expect(await network.ping('red-a', '10.1.0.20')).toMatchObject({ received: 1 });
    await network.apply('hv1');
    expect(await pings(network, 'red-a', '10.2.0.20', 3)).toBe(3);
  });

  it('have nothing after purge', async () => {
    for (const { name } of segueNodes(topology)) {
      await network.purge(name);
      expect(existsSync(pinDirectory(network.netns(name))), name).toBe(false);
    }
  });
});

describe('a hypervisor that is the only network node', () => {
  const one = steeringTopology('ebpf');
  const network = useNetwork({
    ...one,
    nodes: one.nodes.filter(({ name }) => !name.startsWith('nn')),
    gateways: [{ name: 'gw', nodes: ['hv1'], tenants: ['red', 'blue', 'green'] }],
    externals: [],
    policies: one.policies.filter(({ from, to }) => 'tenant' in from && 'tenant' in to),
  });

  it.each(BLUE)('forwards for its own VMs and for others: %s', async (to) => {
    for (const from of ['red-a', 'red-b']) {
      expect(await network.ping(from, to, { count: 3 }), from).toMatchObject({ sent: 3, received: 3 });
    }
  });

  it('refuses what no policy allows', async () => {
    expect(await network.ping('blue-a', '10.1.0.10', { timeoutS: 1 })).toMatchObject({ received: 0 });
    expect(await network.ping('blue-b', '10.1.0.10', { timeoutS: 1 })).toMatchObject({ received: 0 });
  });

  it('has no drift', async () => {
    for (const name of ['hv1', 'hv2']) expect(await network.diff(name), name).toEqual([]);
  });
});

describe('a hypervisor among network nodes', () => {
  const three = steeringTopology('ebpf');
  const network = useNetwork({
    ...three,
    nodes: three.nodes.filter(({ name }) => name !== 'nn2'),
    gateways: [{ name: 'gw', nodes: ['hv2', 'nn1'], tenants: ['red', 'blue', 'green'] }],
    externals: [],
    policies: three.policies.filter(({ from, to }) => 'tenant' in from && 'tenant' in to),
  });

  it('forwards replies of its VMs itself when another hypervisor uses other nodes', async () => {
    expect(await pings(network, 'red-a', '10.2.0.20', 10)).toBe(10);
    withdraw(network.topology, 'nn1', 'hv1');
    await network.apply('hv1');
    // By its own table half of the answers would go to nn1, which knows nothing of them.
    expect(await pings(network, 'red-a', '10.2.0.20', 20)).toBe(20);
    expect(await pings(network, 'red-a', 'fd00:2::b', 20)).toBe(20);
  });
});
