import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changeLine } from '../../src/cli/print.js';
import { AgentRun } from './lib/agent-run.js';
import { DRIFTS, driftTopology } from './lib/drift-cases.js';
import { useNetwork } from './lib/network.js';
import type { ChangeText } from '../../src/reconcile/change.js';

const SWEEP_SECONDS = 5;

const TOLD = DRIFTS.filter(({ silent }) => silent !== true);
const SILENT = DRIFTS.filter(({ silent }) => silent === true);

describe('the agent repairs drift that the kernel notifies', () => {
  const network = useNetwork(driftTopology(), () => Promise.resolve());
  const diff = (): Promise<ChangeText[]> => network.diff('hv1');
  const latencies: [kind: string, name: string, ms: number][] = [];
  let run: AgentRun;

  beforeAll(async () => {
    run = await AgentRun.start(network, 'hv1');
    expect(await diff()).toEqual([]);
  });
  afterAll(async () => {
    await run.stop();
    console.log('repair latencies, ms:');
    for (const [kind, name, ms] of latencies) console.log(`  ${kind.padEnd(10)} ${ms.toFixed(0).padStart(6)}  ${name}`);
  });

  it.each(TOLD.map((drift) => [drift.kind, drift.name, drift] as const))('%s: %s', async (kind, name, { script }) => {
    const from = run.lines.length;
    const start = performance.now();
    await network.shell('hv1', script);
    // The agent does not sweep: that it repairs shows that the notification was heeded.
    latencies.push([kind, name, (await run.repaired(diff, from)) - start]);
  });
});

describe('the sweep repairs drift that the kernel does not notify', () => {
  const network = useNetwork(driftTopology(), () => Promise.resolve());

  it.each([
    ['not repaired without a sweep', 3600, false] as const,
    ['repaired with a sweep', SWEEP_SECONDS, true] as const,
  ])('%s', async (_name, sweepSeconds, repaired) => {
    const run = await AgentRun.start(network, 'hv1', { sweepSeconds });
    try {
      // Of the two that befall tunsrc one at a time.
      const damage = SILENT.filter(({ name }) => name !== 'unset');
      for (const { script } of damage) await network.shell('hv1', script);
      let left = await network.diff('hv1');
      if (!repaired) {
        // Proxies are looked at whenever the kernel learns a neighbour at the interface, which may be now. So may others be, for
        // another's sake: what the kernel tells of is repaired each time.
        let gone = damage.filter(({ kind }) => kind !== 'proxy');
        for (let turn = 0; turn < 3 && gone.length > 0; turn++) {
          if (turn > 0) for (const { script } of gone) await network.shell('hv1', script);
          if (turn > 0) left = await network.diff('hv1');
          const lines = left.map(changeLine).join('\n');
          gone = gone.filter(({ line }) => !line.test(lines));
        }
        expect(gone.map(({ name }) => name)).toEqual([]);
      }
      while (repaired && left.length > 0) left = await network.diff('hv1');
    } finally {
      await run.stop();
    }
  });
});
