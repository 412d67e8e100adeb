import { describe, expect, it } from 'vitest';
import { changeLine } from '../../src/cli/print.js';
import { SEGUE_COMMAND } from '../../lab/paths.js';
import { runIn } from '../../lab/process.js';
import { RESOURCE_ORDER } from '../../src/app/features.js';
import { dhcpFeature } from '../../src/dhcp/feature.js';
import { ebpfFeature } from '../../src/ebpf/feature.js';
import { gatewayFeature } from '../../src/gateway/feature.js';
import { icmpRateFeature } from '../../src/icmp-rate/feature.js';
import { serviceFeature } from '../../src/service/feature.js';
import { migrateFeature } from '../../src/migrate/feature.js';
import { DRIFTS, driftTopology, rounds } from './lib/drift-cases.js';
import { useNetwork } from './lib/network.js';
import type { Drift } from './lib/drift-cases.js';

describe('diff names drift, and apply repairs it', () => {
  const network = useNetwork(driftTopology(), async (built) => {
    await built.apply('hv1');
  });
  const lines = async (): Promise<string> => (await network.diff('hv1')).map(changeLine).join('\n');

  // The fast path's are in drift-fastpath.test.ts, a network node's in test/kernel/gateway, what answers VMs in test/kernel/dhcp/drift.test.ts,
  // test/kernel/service/drift.test.ts and netns/icmp-rate.test.ts, what VMs migrate by in test/kernel/ebpf/migrate.test.ts.
  it('covers every resource of the kernel path', () => {
    const covered = [
      ...DRIFTS.map(({ kind }) => kind),
      ...[ebpfFeature, gatewayFeature, dhcpFeature, icmpRateFeature, serviceFeature, migrateFeature].flatMap(
        ({ resources }) => Object.keys(resources),
      ),
    ];
    expect(new Set(covered)).toEqual(new Set(RESOURCE_ORDER));
  });

  const titleOf = (round: readonly Drift[]): string =>
    round.length > 2
      ? `${round.length} at once, from ${round[0]?.kind} to ${round.at(-1)?.kind}`
      : round.map(({ kind, name }) => `${kind}: ${name}`).join('; ');

  it.each(rounds(DRIFTS).map((round) => [titleOf(round), round] as const))('%s', async (_title, round) => {
    try {
      for (const { script } of round) await network.shell('hv1', script);
      const found = await lines();
      const unnamed = round.filter(({ line }) => !line.test(found)).map(({ kind, name }) => `${kind}: ${name}`);
      expect(unnamed, found).toEqual([]);
    } finally {
      await network.apply('hv1');
    }
    expect(await lines()).toBe('');
  });

  it('the command reports drift with exit code 3', async () => {
    const command = [process.execPath, SEGUE_COMMAND, 'diff', '-c', network.files().nodes.get('hv1') ?? ''];
    expect(await runIn(undefined, command)).toMatchObject({ status: 0 });
    await network.ip('hv1', 'link del sg-100');
    const { status, stdout } = await runIn(undefined, command);
    expect({ status, stdout }).toMatchObject({ status: 3 });
    expect(stdout).toMatch(/^\+ vrf sg-100 table 1577058404$/m);
    await network.apply('hv1');
    expect(await runIn(undefined, command)).toMatchObject({ status: 0 });
  });
});
