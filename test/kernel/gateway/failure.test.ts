/**
 * Failure of a network node moves its own flows and no others, and new connections fail only for a bounded time; a
 * hypervisor that alone loses its route to a node affects nobody else. Agents are separate processes and learn of it
 * from the kernel.
 */
import { mkdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEFAULT_POLICY_PRIORITY } from '../../../src/intent/bounds.js';
import { Background } from '../../../lab/process.js';
import { probeAll } from '../../../lab/probe.js';
import { GatewayCapture, nodesOf, nodesOfDatagrams } from '../../../lab/steering-flows.js';
import { Services } from '../../../lab/steering-matrix.js';
import { steeringTopology } from '../../../lab/steering.js';
import { announce, connectAgain, cutOff, withdraw } from '../../../lab/underlay.js';
import { useNetwork } from '../../netns/lib/network.js';
import { Agents, SEQFLOW, STEADY, SteadyConnection, until } from '../../netns/lib/steering.js';

const TIMEOUT_MS = 300_000;
const BLUE_B = '10.2.0.20';
const RED_A = '10.1.0.10';
const FLOWS = 256;
const FLOW_PORT = 5500;
const PACKETS_PER_SECOND = 1024;
const CONNECTIONS = 40;

interface Dialled {
  opened: number;
  lost: number;
  first: number | null;
  last: number | null;
}

describe('network node failure', () => {
  const topology = steeringTopology('ebpf');
  topology.policies.push({
    ...{ name: 'flows', from: { tenant: 'red' }, to: { tenant: 'blue' }, protocol: 'udp', ports: [FLOW_PORT] },
    ...{ action: 'allow', priority: DEFAULT_POLICY_PRIORITY },
  });
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

  const capture = (name: string): Promise<GatewayCapture> =>
    GatewayCapture.start(network.topology, `${network.directory}/captures`, name);

  /** New connections by network node, as the hypervisor of `from` chose. */
  async function nodesOfNew(from: 'red-a' | 'blue-b'): Promise<Map<string, number>> {
    const capturing = await capture('new');
    const probe = from === 'red-a' ? { address: BLUE_B, port: 80 } : { address: RED_A, port: 5432 };
    const probes = Array.from({ length: CONNECTIONS }, () => ({ ...probe, protocol: 'tcp' }) as const);
    const answers = await probeAll(network.netns(from), probes, 3);
    const nodes = [...nodesOf(network.topology, network.vm(from), await capturing.stop()).values()];
    expect(answers.filter((answer) => answer === undefined)).toEqual([]);
    return new Map([...new Set(nodes)].sort().map((node) => [node, nodes.filter((one) => one === node).length]));
  }

  it(
    'moves only the flows of the failed node, and new connections succeed again',
    { timeout: TIMEOUT_MS },
    async () => {
      expect([...(await nodesOfNew('red-a')).keys()]).toEqual(['nn1', 'nn2']);
      const [from, to] = [network.netns('red-a'), network.netns('blue-b')];
      const receiver = new Background(to, [SEQFLOW, 'receive', '-p', String(FLOW_PORT)]);
      await receiver.waitFor(/receiving/, TIMEOUT_MS);
      const flags = ['-p', String(FLOW_PORT), '-n', String(FLOWS), '-r', String(PACKETS_PER_SECOND), '-t', '20'];
      const capturing = await capture('death');
      const sender = new Background(from, [SEQFLOW, 'send', '-a', BLUE_B, ...flags]);
      const dialler = new Background(from, [STEADY, 'dial', '-a', BLUE_B, '-p', '80', '-i', '10']);
      await sleep(5_000);
      const diedAt = Date.now() / 1000;
      cutOff(network.topology, 'nn1');
      await sleep(5_000);
      await dialler.stop();
      await sender.stop();
      await receiver.stop();
      const packets = await capturing.stopWhole();
      const red = network.vm('red-a');
      const before = nodesOfDatagrams(
        network.topology,
        red,
        packets.filter(({ time }) => time < diedAt),
      );
      const after = nodesOfDatagrams(
        network.topology,
        red,
        packets.filter(({ time }) => time > diedAt + 2),
      );
      const had = [...before.values()].filter((node) => node === 'nn1').length;
      const moved = [...before].filter(([port, node]) => after.get(port) !== node);
      const dialled = JSON.parse(dialler.output.trim()) as Dialled;
      const outageMs = dialled.first === null || dialled.last === null ? 0 : dialled.last - dialled.first;
      console.log(
        `nn1 died with ${had} of ${before.size} flows; ${moved.length} moved; of ${dialled.opened + dialled.lost} new connections ` +
          `${dialled.lost} were lost, over ${outageMs.toFixed(0)} ms`,
      );
      expect(before.size).toBe(FLOWS);
      expect(after.size).toBe(FLOWS);
      expect(had).toBeGreaterThan(FLOWS / 4);
      expect(had).toBeLessThan((FLOWS * 3) / 4);
      expect(moved.map(([, node]) => node)).toEqual(new Array(had).fill('nn1'));
      expect(new Set(after.values())).toEqual(new Set(['nn2']));
      expect([...(await nodesOfNew('red-a')).keys()]).toEqual(['nn2']);
      connectAgain(network.topology, 'nn1');
      await until('nn1 is used again', async () => (await nodesOfNew('red-a')).size === 2);
    },
  );

  it('at one hypervisor alone: open connections continue and new ones succeed', { timeout: TIMEOUT_MS }, async () => {
    const [red, blue] = [network.vm('red-a'), network.vm('blue-b')];
    const there: { connection: SteadyConnection; node: string }[] = [];
    // Until each side has opened some by both nodes.
    for (let port = 8001; port < 8060 && (port < 8005 || new Set(there.map(({ node }) => node)).size < 2); port++) {
      const capturing = await capture('open');
      const connection = await SteadyConnection.open(network, 'red-a', 'blue-b', BLUE_B, port);
      const [node = ''] = nodesOf(network.topology, red, await capturing.stop()).values();
      there.push({ connection, node });
    }
    try {
      expect(new Set(there.map(({ node }) => node))).toEqual(new Set(['nn1', 'nn2']));
      for (const [at, other] of [
        ['hv1', 'hv2'],
        ['hv2', 'hv1'],
      ] as const) {
        withdraw(network.topology, 'nn1', at);
        for (const { connection } of there) await connection.goesOn();
        const [blind, seeing] = at === 'hv1' ? ([red, blue] as const) : ([blue, red] as const);
        expect(other).toBe(seeing.node);
        await until(`${at} opens by nn2 alone`, async () => (await nodesOfNew(blind.name as 'red-a')).size === 1);
        expect([...(await nodesOfNew(blind.name as 'red-a')).keys()]).toEqual(['nn2']);
        expect([...(await nodesOfNew(seeing.name as 'red-a')).keys()]).toEqual(['nn1', 'nn2']);
        for (const { connection } of there) await connection.goesOn();
        announce(network.topology, 'nn1', at);
        await until(`${at} opens by both again`, async () => (await nodesOfNew(blind.name as 'red-a')).size === 2);
        for (const { connection } of there) await connection.goesOn();
      }
    } finally {
      for (const { connection } of there) {
        const [client] = await connection.close();
        expect(client.broken).toBeNull();
      }
    }
  });
});
