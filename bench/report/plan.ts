/** Time and memory of planning, by size. Pure. */
import { range, table } from '../lib/markdown.js';
import type { PlanResults, PlanSize } from '../plan/results.js';

const BYTES_PER_MIB = 2 ** 20;

export function planSection({ machine, rounds, tenants, nodes, sizes }: PlanResults): string {
  const head = ['remote ports', 'load s', 'plan s', 'diff ms', 'one change ms', 'intent MiB', 'plan MiB', 'peak MiB'];
  const row = (size: PlanSize) => [
    String(size.remotePorts),
    range(size.loadMs, 2, 1000),
    range(size.planMs, 2, 1000),
    range(size.diffMs, 1),
    range(size.changeMs, 2),
    range(size.intentMiB, 1),
    range(size.planMiB, 1),
    range(size.peakMiB),
  ];
  return [
    `Linux ${machine.kernel}, Node.js ${machine.node}; commit ${machine.commit.slice(0, 12)}; ${machine.date.slice(0, 10)}. ` +
      `${tenants} tenants, ${nodes} nodes; medians of ${rounds} rounds (min–max), sizes in turn, each in a process of its own.`,
    '',
    table(head, sizes.map(row)),
    ...hybridTable(sizes),
    ...turnTable(sizes),
  ].join('\n');
}

function hybridWords({ intentMiB, hybrid }: PlanSize): string {
  if (hybrid === undefined) return '';
  const held = (intentMiB.median + hybrid.planMiB.median) * BYTES_PER_MIB;
  return ` With the fast path's entries ${(held / 1e6).toFixed(0)} MB.`;
}

/** What a fast path adds; empty in results from before it was measured. */
function hybridTable(sizes: readonly PlanSize[]): string[] {
  const head = [
    'remote ports, hybrid',
    'members',
    'plan s',
    'one change ms',
    'plan MiB',
    'bytes per port beyond kernel mode',
  ];
  const rows = sizes.flatMap(({ remotePorts, planMiB, hybrid }) => {
    if (hybrid === undefined) return [];
    const more = ((hybrid.planMiB.median - planMiB.median) * BYTES_PER_MIB) / remotePorts;
    return [
      [
        String(remotePorts),
        String(hybrid.members),
        range(hybrid.planMs, 2, 1000),
        range(hybrid.changeMs, 2),
        range(hybrid.planMiB, 1),
        more.toFixed(0),
      ],
    ];
  });
  return rows.length === 0 ? [] : ['', table(head, rows)];
}

/** How long the agent's event loop is held; empty in results from before it was measured. */
function turnTable(sizes: readonly PlanSize[]): string[] {
  const head = ['remote ports, longest task of the event loop', 'reading ms', 'planning ms', 'following one change ms'];
  const rows = sizes.flatMap(({ remotePorts, longestTurn }) => {
    if (longestTurn === undefined) return [];
    const { readMs, planMs, followMs } = longestTurn;
    return [[String(remotePorts), range(readMs, 1), range(planMs, 1), range(followMs, 1)]];
  });
  return rows.length === 0 ? [] : ['', table(head, rows)];
}

/** One sentence for the head of the page. */
export function planSummary({ sizes }: PlanResults): string {
  const largest = sizes.reduce((a, b) => (b.remotePorts > a.remotePorts ? b : a));
  const held = (largest.intentMiB.median + largest.planMiB.median) * BYTES_PER_MIB;
  return (
    `**Memory**: the agent holds ${largest.remotePorts.toLocaleString('en')} remote ports of its tenants in ` +
    `${(held / 1e6).toFixed(0)} MB (${(held / largest.remotePorts).toFixed(0)} bytes each), planned in ` +
    `${(largest.planMs.median / 1000).toFixed(1)} s; one port's change is planned in ${largest.changeMs.median.toFixed(1)} ms.${hybridWords(largest)}`
  );
}
