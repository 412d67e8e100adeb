/**
 * Interfaces that are renamed while an agent runs: the intent names interfaces, and the agent follows the kernel's
 * notifications.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SEGUE_COMMAND } from '../../../lab/paths.js';
import { runIn } from '../../../lab/process.js';
import { attachments } from '../../../src/ebpf/attachments.js';
import { AgentRun } from '../../netns/lib/agent-run.js';
import { useNetwork } from '../../netns/lib/network.js';
import { selftestTopology } from '../../netns/lib/topologies.js';

const BOTH = { hv1: 'ebpf', hv2: 'ebpf' } as const;

describe('interfaces renamed under an agent without a sweep', () => {
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

  /** What commands say at once, of the port and of a packet to another node. */
  const said = async (): Promise<{ states: string[]; verdict: string }> => {
    const segue = async (...words: string[]): Promise<string> => {
      const file = join(network.directory, 'hv1.yaml');
      return (await runIn(undefined, [process.execPath, SEGUE_COMMAND, ...words, '-c', file])).stdout;
    };
    const ports = JSON.parse(await segue('show', 'port', '-j')) as { name: string; state: string }[];
    const trace = await segue('trace', '-p', 't100-1', '--to', '10.0.0.2');
    return {
      states: ports.filter(({ name }) => name === 't100-1').map(({ state }) => state),
      verdict: trace.trim().split('\n').at(-1) ?? '',
    };
  };
  const SENT = /^sent: \S+hv2 should deliver it to t100-2 \(by the intent\); on /;

  it.each([
    ['a port', 't100-1', 'waiting', /^dropped: the port waits for its interface/],
    ['an uplink', 'eth0', 'up', /^sent: .*; it leaves by moved, which is not an uplink of the node file/],
  ])('%s is detached under another name, and works again under its own', async (_what, name, state, verdict) => {
    await reaches(true);
    await rename(name, 'moved');
    const renamed = await said();
    expect(renamed).toEqual({ states: [state], verdict: expect.stringMatching(verdict) as string });
    await expect.poll(devices, { timeout: 60_000 }).toEqual(ALL.filter((one) => one !== name));
    await run.agent.idle();
    expect(await network.diff('hv1')).toEqual([]);
    await reaches(false);

    await rename('moved', name);
    await expect.poll(devices, { timeout: 60_000 }).toEqual(ALL);
    await run.agent.idle();
    expect(await network.diff('hv1')).toEqual([]);
    const back = { states: ['up'], verdict: expect.stringMatching(SENT) as string };
    await expect.poll(said, { timeout: 60_000 }).toEqual(back);
    if (name === 'eth0') await network.ping('t100-1', '10.0.0.2', { count: 1 });
    await reaches(true);
  });

  it('two ports that exchange their names are configured by their names', async () => {
    await rename('t100-1', 'moved');
    await rename('t200-3', 't100-1');
    await rename('moved', 't200-3');
    await expect.poll(() => network.diff('hv1'), { timeout: 60_000 }).toEqual([]);
    // The VM behind has another tenant's MAC address and is not let.
    await reaches(false);
    await rename('t100-1', 'moved');
    await rename('t200-3', 't100-1');
    await rename('moved', 't200-3');
    await expect.poll(() => network.diff('hv1'), { timeout: 60_000 }).toEqual([]);
    await reaches(true);
  });
});
