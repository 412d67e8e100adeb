/** An intent that removes all ports of the node is blocked unless the node drains. */
import { writeFileSync } from 'node:fs';
import { expect, describe, it } from 'vitest';
import { AgentRun } from '../../netns/lib/agent-run.js';
import { useNetwork } from '../../netns/lib/network.js';
import { selftestTopology } from '../../netns/lib/topologies.js';
import type { Intent } from '../../../src/intent/types.js';

const BOTH = { hv1: 'ebpf', hv2: 'ebpf' } as const;

describe('an intent without ports', () => {
  const network = useNetwork(selftestTopology({ dataplane: BOTH }));
  const without = (drain: boolean): Intent => {
    const intent = network.intent();
    const nodes = intent.nodes.map((node) =>
      drain && node.name === network.netns('hv1') ? { ...node, drain: true as const } : node,
    );
    return { ...intent, nodes, ports: [] };
  };
  const reaches = async (): Promise<void> => {
    expect(await network.ping('t100-1', '10.0.0.2', { count: 2 })).toMatchObject({ received: 2 });
  };

  it('is blocked by apply and by the agent, and applied once the node drains', { timeout: 120_000 }, async () => {
    const held = { code: 'MASS_REMOVAL', removed: 2, held: 2 };
    await expect(network.apply('hv1', without(false))).rejects.toMatchObject(held);
    const { intent: file } = network.files();
    const run = await AgentRun.start(network, 'hv1');
    try {
      const from = run.lines.length;
      writeFileSync(file, JSON.stringify(without(false)));
      await run.waitFor(({ code }) => code === 'MASS_REMOVAL', from);
      await run.agent.idle();
      await reaches();
      writeFileSync(file, JSON.stringify(without(true)));
      await run.waitFor('followed a change of the intent', from);
      await run.agent.idle();
      expect(await network.diff('hv1', without(true))).toEqual([]);
    } finally {
      await run.stop();
    }
  });
});
