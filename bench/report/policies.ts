/** Many policies on a network node: tables and a sentence. Pure. */
import { range, table } from '../lib/markdown.js';
import type { PoliciesResults, PolicySize } from '../policies/results.js';

const MS_DIGITS = 2;

function loading({ policies, pairs, objects, loadMs, planMs, applyMs, cpuMs, adoptMs }: PolicySize): string[] {
  return [
    String(policies),
    String(pairs),
    String(objects),
    ...[loadMs, planMs, applyMs, cpuMs, adoptMs].map((spread) => range(spread, MS_DIGITS, 1000)),
  ];
}

function memory(size: PolicySize): string[] {
  const { policies, agentMiB, peakMiB, policyMapsMiB, connectionMapsMiB, otherMapsMiB, update, updateP50 } = size;
  return [
    String(policies),
    ...[agentMiB, peakMiB].map((spread) => range(spread)),
    range(policyMapsMiB, 1),
    ...[connectionMapsMiB, otherMapsMiB].map((spread) => range(spread)),
    range(updateP50, 1, 1000),
    (update.p99 / 1000).toFixed(1),
    String(update.count),
  ];
}

export function policiesSection({ machine, rounds, tenants, ports, sizes, packets }: PoliciesResults): string {
  const head = ['policies', 'pairs', 'objects', 'load s', 'plan s', 'apply s', 'CPU s', 'adopt s'];
  const other = [
    ...['policies', 'agent MiB', 'peak MiB', "policies' maps MiB", 'connections MiB', 'other maps MiB'],
    ...['one change p50 ms', 'p99 ms', 'changes'],
  ];
  return [
    `Linux ${machine.kernel}, ${machine.processors} × ${machine.processor}, Node.js ${machine.node}; load ${machine.load1.toFixed(1)} at the ` +
      `start; commit ${machine.commit.slice(0, 12)}; ${machine.date.slice(0, 10)}. ${tenants} tenants, ${ports} ports. Medians of ${rounds} rounds ` +
      '(min–max), sizes in turn.',
    table(head, sizes.map(loading)),
    table(other, sizes.map(memory)),
    "Cost of a packet in the network node's program, ns:",
    table(
      ['packets', 'ns'],
      packets.map(({ name, median, spread: [least, most] }) => [
        name,
        `${median.toFixed(0)} (${least.toFixed(0)}–${most.toFixed(0)})`,
      ]),
    ),
  ].join('\n\n');
}

/** Rows by kind of packet: of the fewest policies, of the most with the same traffic, and with traffic between all pairs. */
export function policyCosts({ packets }: PoliciesResults): { kind: string; few: number; same: number; all: number }[] {
  const kinds = [...new Set(packets.map(({ name }) => name.split(', ')[0] ?? ''))];
  return kinds.flatMap((kind) => {
    const [few, same, all] = packets.filter(({ name }) => name.startsWith(`${kind}, `)).map(({ median }) => median);
    return few === undefined || same === undefined || all === undefined ? [] : [{ kind, few, same, all }];
  });
}

/** One sentence for the head of the page. */
export function policiesSummary(results: PoliciesResults): string {
  const most = results.sizes.reduce((a, b) => (b.policies > a.policies ? b : a));
  const seconds = (most.loadMs.median + most.planMs.median + most.applyMs.median) / 1000;
  const costs = policyCosts(results).map(
    ({ kind, few, same, all }) =>
      `${kind} ${(same / few).toFixed(2)} × (between all pairs ${(all / few).toFixed(2)} ×)`,
  );
  return (
    `**Policies**: ${most.policies.toLocaleString('en')} over ${results.tenants} tenants from the intent file to the maps in ${seconds.toFixed(1)} s, ` +
    `${most.policyMapsMiB.median.toFixed(0)} MiB of maps; a change of one takes ${(most.update.p50 / 1000).toFixed(1)} ms. Cost of a packet against few policies: ${costs.join(', ')}.`
  );
}
