/**
 * Events that a TCP connection across tenants survives: killed agents, changed policies, network nodes that join and
 * drain.
 */
import { mkdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GatewayCapture, nodesOf } from '../../../lab/steering-flows.js';
import { Services } from '../../../lab/steering-matrix.js';
import { steeringTopology } from '../../../lab/steering.js';
import { probeAll } from '../../../lab/probe.js';
import { familyOf } from 'netlink-ts/inet';
import { useNetwork } from '../../netns/lib/network.js';
import { Agents, SteadyConnection } from '../../netns/lib/steering.js';
import type { Topology } from '../../../lab/topology.js';

const TIMEOUT_MS = 300_000;
const BLUE_B = ['10.2.0.20', 'fd00:2::b'] as const;
const NODES = ['hv1', 'hv2', 'nn1', 'nn2'] as const;
const CONNECTIONS = 40;

describe('a TCP connection across tenants', () => {
  const topology = steeringTopology('ebpf');
  let agents: Agents;
  let services: Services;
  const network = useNetwork(topology, async (made) => {
    agents = await Agents.start(made);
  });
  beforeAll(() => {
    services = new Services(network.topology);
    mkdirSync(`${network.directory}/captures`);
  });
  afterAll(async () => {
    await services.close();
    await agents.stop();
  });
  let port = 8001;

  /** Opens one connection a family, does something, and sees that both go on and end well. */
  async function lasts(change: (nodes: Map<4 | 6, string>) => Promise<void>): Promise<void> {
    port += 1;
    const capture = await GatewayCapture.start(network.topology, `${network.directory}/captures`, `open-${port}`);
    const connections: SteadyConnection[] = [];
    for (const address of BLUE_B) {
      connections.push(
        await SteadyConnection.open(network, 'red-a', 'blue-b', address, port + (familyOf(address) === 6 ? 40 : 0)),
      );
    }
    const opened = await capture.stop();
    const red = network.vm('red-a');
    const nodes = new Map(
      BLUE_B.map((address) => {
        const family = familyOf(address);
        const [node = ''] = nodesOf(
          network.topology,
          red,
          opened.filter((one) => familyOf(one.source) === family),
        ).values();
        return [family, node] as const;
      }),
    );
    for (const one of connections) await one.goesOn();
    await change(nodes);
    for (const one of connections) await one.goesOn();
    for (const one of connections) {
      const [client, server] = await one.close();
      expect(client.broken).toBeNull();
      expect(['closed', 'ECONNRESET']).toContain(server.broken);
      expect(Math.abs(client.sent - server.received)).toBeLessThan(200);
    }
  }

  /** Network nodes of new connections. */
  async function nodesOfNew(): Promise<Set<string>> {
    const capture = await GatewayCapture.start(network.topology, `${network.directory}/captures`, 'new');
    const probes = Array.from(
      { length: CONNECTIONS },
      () => ({ address: BLUE_B[0], protocol: 'tcp', port: 80 }) as const,
    );
    const answers = await probeAll(network.netns('red-a'), probes, 3);
    expect(answers.filter((answer) => answer !== 'blue-b')).toEqual([]);
    return new Set(nodesOf(network.topology, network.vm('red-a'), await capture.stop()).values());
  }

  const withNodes = (nodes: string[]): Topology => ({
    ...network.topology,
    gateways: [{ name: 'gw', nodes, tenants: ['red', 'blue', 'green'] }],
  });

  it.each(NODES)('survives kill -9 and restart of the agent on %s', { timeout: TIMEOUT_MS }, async (node) => {
    await lasts(async () => {
      await agents.kill(node);
      await agents.startOne(node);
    });
  });

  it('survives a change of policies that still allows it', { timeout: TIMEOUT_MS }, async () => {
    await lasts(() =>
      agents.follow({
        ...network.topology,
        policies: [
          ...topology.policies.filter(({ name }) => name !== 'web'),
          {
            name: 'other',
            from: { tenant: 'red' },
            to: { tenant: 'blue' },
            protocol: 'tcp',
            ports: ['1-9000'],
            action: 'allow',
            priority: 7,
          },
        ],
      }),
    );
    await agents.follow(network.topology);
  });

  it('survives a second network node, which gets new connections', { timeout: TIMEOUT_MS }, async () => {
    await agents.follow(withNodes(['nn1']));
    expect(await nodesOfNew()).toEqual(new Set(['nn1']));
    await lasts(() => agents.follow(network.topology));
    expect(await nodesOfNew()).toEqual(new Set(['nn1', 'nn2']));
  });

  it('stays at a draining network node, while new ones use others', { timeout: TIMEOUT_MS }, async () => {
    expect(await nodesOfNew()).toEqual(new Set(['nn1', 'nn2']));
    await lasts(async (nodes) => {
      const draining = nodes.get(4) ?? '';
      await agents.follow({
        ...network.topology,
        nodes: network.topology.nodes.map((node) => (node.name === draining ? { ...node, drain: true } : node)),
      });
      expect(await nodesOfNew()).toEqual(new Set(['nn1', 'nn2'].filter((name) => name !== draining)));
    });
    await agents.follow(network.topology);
    expect(await nodesOfNew()).toEqual(new Set(['nn1', 'nn2']));
  });

  it('ends when no policy allows it anymore', { timeout: TIMEOUT_MS }, async () => {
    const connection = await SteadyConnection.open(network, 'red-a', 'blue-b', BLUE_B[0], 8050);
    await connection.goesOn();
    await agents.follow({ ...network.topology, policies: topology.policies.filter(({ name }) => name !== 'web') });
    await expect(connection.goesOn(5_000)).rejects.toThrow('hears on');
    await connection.close();
    await agents.follow(network.topology);
  });
});
