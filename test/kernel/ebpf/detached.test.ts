/**
 * A port whose interface somebody puts into a bridge or another master: it is detached, and nothing passes in either
 * direction.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applyOnce } from '../../../src/agent/apply.js';
import { runChecks } from '../../../src/observe/doctor/doctor.js';
import { queryTcx } from 'libbpf-ts';
import { AgentRun } from '../../netns/lib/agent-run.js';
import { fastpathCounts, since } from '../../netns/lib/fastpath.js';
import { intentOf, PORT, received, stateOf } from '../../netns/lib/detached.js';
import { useNetwork } from '../../netns/lib/network.js';
import { selftestTopology } from '../../netns/lib/topologies.js';
import type { TestNetwork } from '../../netns/lib/network.js';

const BOTH = { hv1: 'ebpf', hv2: 'ebpf' } as const;
const OWN = '10.0.0.1';
const BRIDGE = '10.0.0.99';

const reaches = async (network: TestNetwork, yes: boolean): Promise<void> => {
  for (const to of ['10.0.0.2', 'cafe::2']) {
    expect(await network.ping(PORT, to, { count: 2 }), to).toMatchObject({ received: yes ? 2 : 0 });
  }
};
const programs = (network: TestNetwork, direction: 'ingress' | 'egress'): number =>
  queryTcx({ interface: PORT, netns: network.netns('hv1'), direction }).programs.length;

/** Frames of any kind, both ways: VM and bridge have each other's MAC address, so that nothing waits for ARP. */
async function expectNothing(network: TestNetwork): Promise<void> {
  const before = fastpathCounts(network, 'hv1');
  const atVm = await received(network, PORT, 'eth0');
  const atBridge = await received(network, 'hv1', 'br0');
  expect(await network.ping('hv1', OWN, { count: 2 })).toMatchObject({ received: 0 });
  expect(await network.ping(PORT, BRIDGE, { count: 2 })).toMatchObject({ received: 0 });
  await reaches(network, false);
  expect(await received(network, PORT, 'eth0')).toBe(atVm);
  expect(await received(network, 'hv1', 'br0')).toBe(atBridge);
  const { reasons } = since(before, fastpathCounts(network, 'hv1'));
  expect(reasons['drop detached']).toBeGreaterThanOrEqual(4);
}

async function bridgeIt(network: TestNetwork): Promise<void> {
  await network.shell('hv1', `ip link add br0 type bridge; ip addr add ${BRIDGE}/24 dev br0; ip link set br0 up`);
  await network.shell('hv1', `ip link set ${PORT} master br0`);
}

describe('a port in a bridge, while an agent runs', () => {
  const network = useNetwork(selftestTopology({ dataplane: BOTH }), (made) => made.apply('hv2').then(() => undefined));
  let run: AgentRun;

  beforeAll(async () => {
    run = await AgentRun.start(network, 'hv1');
  });
  afterAll(() => run.stop());

  it('is detached: nothing passes, and the log reports it once', { timeout: 120_000 }, async () => {
    await reaches(network, true);
    expect(stateOf(network)).toBe('up');
    const from = run.lines.length;
    await bridgeIt(network);
    await expect.poll(() => stateOf(network), { timeout: 60_000 }).toBe('detached');
    await run.agent.idle();
    await expectNothing(network);

    // It is tried again, with pauses, and nothing is said of that.
    const said = (): (string | undefined)[] =>
      run.lines
        .slice(from)
        .flatMap(({ level, msg, err }) => (level > 30 || msg === 'repaired' ? [err?.message ?? msg] : []));
    expect(said().filter((text) => text?.includes('is a member of br0'))).toHaveLength(1);
    const sayings = said().length;
    for (let round = 0; round < 3; round++) {
      await new Promise((resolve) => setTimeout(resolve, 700));
      await run.agent.idle();
    }
    expect(said()).toHaveLength(sayings);
  });

  it('makes doctor fail with port, interface and master', async () => {
    const file = join(network.directory, 'hv1.yaml');
    const instance = network.instance('hv1');
    const { checks } = await runChecks({
      instance,
      file,
      defaultFile: file,
      intent: intentOf(network),
      intentError: undefined,
    });
    expect(checks.filter(({ name }) => name === 'agent.ports-detached')).toMatchObject([
      { status: 'fail', what: `1 of 2 ports are in a bridge or another master: ${PORT} (${PORT} in br0)` },
    ]);
  });

  it('is a port again after it leaves the bridge', async () => {
    await network.ip('hv1', `link set ${PORT} nomaster`);
    await expect.poll(() => network.diff('hv1'), { timeout: 60_000 }).toEqual([]);
    await run.agent.idle();
    expect(stateOf(network)).toBe('up');
    expect(programs(network, 'egress')).toBe(0);
    await reaches(network, true);
  });
});

describe('a port in a bridge, without an agent', () => {
  const network = useNetwork(selftestTopology({ dataplane: BOTH }), (made) => made.applyAll().then(() => undefined));

  it('is refused by name and passes nothing; purge removes all programs', async () => {
    await bridgeIt(network);
    const instance = network.instance('hv1');
    const { failures } = await applyOnce(instance, intentOf(network));
    expect(failures.map(({ error }) => error.message)).toEqual([
      `interface ${PORT} is a member of br0, which is not segue's: expected no master`,
    ]);
    expect([programs(network, 'ingress'), programs(network, 'egress')]).toEqual([1, 1]);
    await expectNothing(network);
    await network.purge('hv1');
    expect([programs(network, 'ingress'), programs(network, 'egress')]).toEqual([0, 0]);
  });
});
