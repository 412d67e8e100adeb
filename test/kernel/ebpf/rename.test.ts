/** Interfaces that are renamed while an agent runs: what the intent names is by its name, and acted on when it is told of. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attachments } from '../../../src/observe/inspect/fastpath.js';
import { AgentRun } from '../../netns/lib/agent-run.js';
import { useNetwork } from '../../netns/lib/network.js';
import { selftestTopology } from '../../netns/lib/topologies.js';

const BOTH = { hv1: 'ebpf', hv2: 'ebpf' } as const;

describe('renamed under an agent that is not to sweep', () => {
  const network = useNetwork(selftestTopology({ dataplane: BOTH }), (made) => made.apply('hv2').then(() => undefined));
  let run: AgentRun;

  const reaches = async (yes: boolean): Promise<void> => {
    for (const address of ['10.0.0.2', 'cafe::2']) {
      expect(await network.ping('t100-1', address, { count: 2 }), address).toMatchObject({ received: yes ? 2 : 0 });
    }
  };
  const devices = (): string[] => {
    const { kernel } = network.instance('hv1');
    kernel.links.refresh();
    return attachments(kernel)
      .map(({ device }) => device)
      .sort();
  };
  const rename = async (from: string, to: string): Promise<void> => {
    await network.ip('hv1', `link set dev ${from} name ${to}`);
  };
  const ALL = ['eth0', 't100-1', 't200-3'];

  beforeAll(async () => {
    run = await AgentRun.start(network, 'hv1');
  });
  afterAll(() => run.stop());

  it.each([
    ['a port', 't100-1'],
    ['an uplink', 'eth0'],
  ])('%s: detached by its old name, back when it is renamed back', { timeout: 120_000 }, async (_what, name) => {
    await reaches(true);
    await rename(name, 'moved');
    await expect.poll(devices, { timeout: 10_000 }).toEqual(ALL.filter((one) => one !== name));
    await run.agent.idle();
    expect(await network.diff('hv1')).toEqual([]);
    await reaches(false);

    await rename('moved', name);
    await expect.poll(devices, { timeout: 10_000 }).toEqual(ALL);
    await run.agent.idle();
    expect(await network.diff('hv1')).toEqual([]);
    if (name === 'eth0') await network.ping('t100-1', '10.0.0.2', { count: 1 });
    await reaches(true);
  });

  it('two ports that exchange their names: each is what its name says', async () => {
    await rename('t100-1', 'moved');
    await rename('t200-3', 't100-1');
    await rename('moved', 't200-3');
    await expect.poll(() => network.diff('hv1'), { timeout: 10_000 }).toEqual([]);
    // The VM behind has another tenant's MAC address and is not let.
    await reaches(false);
    await rename('t100-1', 'moved');
    await rename('t200-3', 't100-1');
    await rename('moved', 't200-3');
    await expect.poll(() => network.diff('hv1'), { timeout: 10_000 }).toEqual([]);
    await reaches(true);
  });
});
