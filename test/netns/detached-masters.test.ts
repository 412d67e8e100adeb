/**
 * A port whose interface somebody puts into a bond or a team: it is detached, as in a bridge, and nothing passes in
 * either direction.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runChecks } from '../../src/observe/doctor/doctor.js';
import { AgentRun } from './lib/agent-run.js';
import { intentOf, PORT, received, stateOf } from './lib/detached.js';
import { useNetwork } from './lib/network.js';
import { selftestTopology } from './lib/topologies.js';
import type { TestNetwork } from './lib/network.js';

const TIMEOUT_MS = 600_000;
const PATIENCE_MS = 300_000;
const OWN = '10.0.0.1';
const MASTER = 'other0';
const OTHER = '10.0.0.99';
const OTHER6 = 'cafe::99';
const FAR = ['10.0.0.2', 'cafe::2'];

const BOND = 'bond mode active-backup miimon 10';

const expectReached = async (network: TestNetwork): Promise<void> => {
  for (const to of FAR) {
    const answers = async (): Promise<number> => (await network.ping(PORT, to, { count: 1 })).received;
    await expect.poll(answers, { timeout: PATIENCE_MS }).toBe(1);
  }
};

describe.each([
  ['ebpf', BOND],
  ['ebpf', 'team'],
  ['kernel', BOND],
] as const)('%s mode', (dataplane, kind) => {
  describe(`a port in a ${kind}`, () => {
    const network = useNetwork(selftestTopology({ dataplane: { hv1: dataplane, hv2: dataplane } }), (made) =>
      made.apply('hv2').then(() => undefined),
    );
    let run: AgentRun | undefined;

    beforeAll(async () => {
      run = await AgentRun.start(network, 'hv1');
    });
    afterAll(() => run?.stop());

    it(
      'is detached and passes nothing, and is a port again after it leaves the master',
      { timeout: TIMEOUT_MS },
      async () => {
        await expectReached(network);
        // A bond takes an interface that is down, gives it its own MAC address or takes that of the first, and sets it up.
        await network.shell('hv1', `ip link add ${MASTER} type ${kind}; ip addr add ${OTHER}/24 dev ${MASTER}`);
        await network.shell('hv1', `ip addr add ${OTHER6}/64 dev ${MASTER} nodad`);
        await network.shell(
          'hv1',
          // The agent sets a port up again that somebody sets down: who is quicker is there in the end.
          `for i in $(seq 100); do ip link set ${PORT} down; ip link set ${PORT} master ${MASTER} 2>/dev/null && break; done
         ip link set ${PORT} up; ip link set ${MASTER} up`,
        );
        await expect.poll(() => stateOf(network), { timeout: PATIENCE_MS }).toBe('detached');
        await run?.agent.idle();
        const instance = network.instance('hv1');
        const file = join(network.directory, 'hv1.yaml');
        const { checks } = await runChecks({
          ...{ instance, file, defaultFile: file, intent: intentOf(network), intentError: undefined },
        });
        expect(checks.filter(({ name }) => name === 'agent.ports-detached')).toMatchObject([
          { status: 'fail', what: expect.stringContaining(`${PORT} (${PORT} in ${MASTER})`) as string },
        ]);

        const atVm = await received(network, PORT, 'eth0');
        expect(await network.ping('hv1', OWN, { count: 2 })).toMatchObject({ received: 0 });
        for (const to of [OTHER, OTHER6]) {
          expect(await network.ping(PORT, to, { count: 2 })).toMatchObject({ received: 0 });
        }
        for (const to of FAR) expect(await network.ping(PORT, to, { count: 2 }), to).toMatchObject({ received: 0 });
        expect(await received(network, PORT, 'eth0')).toBe(atVm);
        // A bond counts what its members got, dropped or not: what reached it would have left a neighbour.
        expect(await network.ip('hv1', `neigh show dev ${MASTER}`)).not.toMatch(/lladdr/);

        await network.shell('hv1', `ip link set ${PORT} nomaster; ip link del ${MASTER}; ip link set ${PORT} up`);
        await expect.poll(() => network.diff('hv1'), { timeout: PATIENCE_MS }).toEqual([]);
        await run?.agent.idle();
        expect(stateOf(network)).toBe('up');
        await expectReached(network);
      },
    );
  });
});
