/** The results of the control-plane benchmark as tables, in Markdown that reads as plain text too. */
import { range, table } from '../lib/markdown.js';
import type { ColdResult, ControlResults, Contender, MoveSeries, Steps, VmScaleResult } from './results.js';

/** All tables of one run. */
export function tables(results: ControlResults): string {
  const { machine } = results;
  const modified = machine.modified === 0 ? '' : ` and ${machine.modified} changed files`;
  return (
    [
      `Linux ${machine.kernel}, ${machine.processors} processors, Node.js ${machine.node}, ${machine.iproute2}; ` +
        `load ${machine.load1.toFixed(1)} at the start; commit ${machine.commit.slice(0, 12)}${modified}; ` +
        `${machine.date.slice(0, 10)}. Medians of ${results.rounds} rounds (min–max), contenders in turn.`,
      ...results.cold.map(coldTable),
      moveTable(results),
    ].join('\n\n') + '\n'
  );
}

function coldTable(result: ColdResult): string {
  const { name, remotePorts, nexthops, segue, second, ipOwn, ipNexthop, ratio } = result;
  const steps = ({ load, plan, diff, execute, total }: Steps) =>
    [load, plan, diff, execute, total].map((step) => range(step, 2, 1000));
  const row = (what: string, contender: Contender, times: string[]) => [
    what,
    ...times,
    range(contender.process, 2, 1000),
    range(contender.routesPerSecond, 1, 1000),
    range(contender.peakMiB),
  ];
  const none = ['', '', '', '', ''];
  const head = ['seconds', 'load', 'plan', 'diff', 'netlink', 'total', 'process', 'k routes/s', 'peak MiB'];
  return [
    `Cold apply, ${name}: ${remotePorts} remote ports, ${nexthops} next-hop objects.`,
    '',
    table(head, [
      row('segue apply', segue, steps(segue.steps)),
      row(`again (${second.changes} changes)`, second, steps(second.steps)),
      row('ip -batch, an encapsulation per route', ipOwn, none),
      row('ip -batch, next-hop objects', ipNexthop, none),
    ]),
    '',
    `Routes a second of segue against ip with an encapsulation per route: netlink alone ${range(ratio.netlink, 2)} ×, from the ` +
      `intent in memory ${range(ratio.intent, 2)} ×, from its file ${range(ratio.apply, 2)} ×, whole process ${range(ratio.process, 2)} ×. ip was run again ` +
      `for ${ipOwn.retried ?? 0} routes and ${ipNexthop.retried ?? 0} objects (ENOMEM).`,
  ].join('\n');
}

function moveTable({ move }: ControlResults): string {
  const head = [
    'remote ports',
    'moves',
    'p50 µs',
    'p99 µs',
    'p50 of rounds',
    'p99 of rounds',
    'agent start s',
    'peak MiB',
  ];
  const row = ({ remotePorts, latency, p50, p99, converge, peakMiB }: MoveSeries) => [
    String(remotePorts),
    String(latency.count),
    latency.p50.toFixed(0),
    latency.p99.toFixed(0),
    range(p50),
    range(p99),
    range(converge, 2, 1000),
    range(peakMiB),
  ];
  const checked = move.reduce((sum, series) => sum + series.checked, 0);
  const touched = move.reduce((sum, series) => sum + series.touched.length, 0);
  return [
    "One port moves to another node, in a running agent: from the source's change to the kernel's acknowledgement.",
    '',
    table(head, move.map(row)),
    '',
    `${checked} moves compared with a dump of all routes and next hops: ${touched} other objects changed.`,
  ].join('\n');
}

/** What bench/control/vm-scale found, in a paragraph. */
export function vmScale({ machine, remotePorts, tenants, nexthops, objects, seconds, peakMiB }: VmScaleResult): string {
  const steps = Object.entries(seconds).map(([what, took]) => `${what} ${took} s`);
  return (
    `In the VM (Linux ${machine.kernel}, ${machine.processor}, ${machine.processors} processor, load ` +
    `${machine.load1.toFixed(1)}, commit ${machine.commit.slice(0, 12)}): ${remotePorts} remote ports over ${tenants} ` +
    `VRFs, ${objects} objects of which ${nexthops} next hops: ${steps.join(', ')}; peak ${peakMiB} MiB.\n`
  );
}
