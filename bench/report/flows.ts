/** The section of packets by number of flows, and its curves. Pure. */
import { Limits } from '../../src/ebpf/generated/layouts.js';
import { findRow } from '../lib/rows.js';
import { spread } from '../lib/statistics.js';
import { curveChart } from './curves.js';
import { PATH_ORDER, pathList, provenance, ratioTable, valueTable } from './rows.js';
import type { Results, Row, Setting } from '../lib/rows.js';
import type { FlowsResults } from '../flows/results.js';
import type { Curve, CurveChart } from './curves.js';
import type { Column, Matrix } from './rows.js';

const MPPS = 1e6;
const NS_PER_S = 1e9;
/** What each path is compared with at its own hook. */
const CEILING = 'ceiling';

function setting(results: FlowsResults, flows: number, order: 'uniform' | 'zipf'): Setting {
  return { family: 4, frameBytes: 64, flows, source: 'xdp', spread: order, endpoints: results.endpoints };
}

function columns(results: FlowsResults): Column[] {
  const most = Math.max(...results.flows);
  const count = (flows: number): string => flows.toLocaleString('en');
  return [
    ...results.flows.map((flows) => ({ title: count(flows), setting: setting(results, flows, 'uniform') })),
    { title: `${count(most)}, Zipf`, setting: setting(results, most, 'zipf') },
  ];
}

function matrix(results: FlowsResults, of: Results, digits = 2): Matrix {
  return { results: of, metric: 'one_cpu', columns: columns(results), scale: MPPS, digits };
}

/** Nanoseconds a packet more than the ceiling takes, round by round. */
function costs(row: Row, ceiling: Row): number[] {
  const rounds = Math.min(row.values.length, ceiling.values.length);
  return Array.from(
    { length: rounds },
    (_, round) => NS_PER_S / (row.values[round] ?? NaN) - NS_PER_S / (ceiling.values[round] ?? NaN),
  );
}

function curves(results: FlowsResults, of: Results): Curve[] {
  return of.paths
    .filter(({ name }) => !name.startsWith(CEILING))
    .map(({ name }) => ({
      label: name,
      points: results.flows.flatMap((flows) => {
        const at = setting(results, flows, 'uniform');
        const row = findRow(of.rows, name, 'one_cpu', at);
        // What takes sk_buffs has a ceiling of its own.
        const own = name.endsWith('-tcx') ? findRow(of.rows, `${CEILING}-tcx`, 'one_cpu', at) : undefined;
        const ceiling = own ?? findRow(of.rows, CEILING, 'one_cpu', at);
        return row === undefined || ceiling === undefined ? [] : [{ x: flows, y: spread(costs(row, ceiling)) }];
      }),
    }))
    .filter(({ points }) => points.length > 0);
}

/** Flows that a CPU remembers: sets of CACHE_WAYS, or single entries (bpf/abi/limits.h). */
const HYPERVISOR_FLOWS = Limits.CACHE_WAYS << Limits.FLOW_CACHE_BITS;
const NETWORK_NODE_FLOWS = Limits.CACHE_WAYS << Limits.NN_FLOW_CACHE_BITS;

function chart(results: FlowsResults, of: Results, title: string, mark: CurveChart['marks'][number]): CurveChart {
  return {
    title,
    xAxis: 'flows (1 Ki = 1,024), uniformly distributed',
    yAxis: 'ns a packet above the bare redirect (median, min–max)',
    curves: curves(results, of),
    marks: [mark],
    order: PATH_ORDER,
  };
}

/** By file name under docs/benchmarks. */
export function flowCharts(results: FlowsResults): Record<string, string> {
  const remembered = (count: number) => ({ x: count, label: `size of a CPU's cache: ${count.toLocaleString('en')}` });
  const charts = {
    'flows-packets.svg': chart(
      results,
      results.packets,
      'Hypervisor to hypervisor, by number of flows',
      remembered(HYPERVISOR_FLOWS),
    ),
    'flows-steer.svg': chart(
      results,
      results.steer,
      'Through a network node, by number of flows',
      remembered(NETWORK_NODE_FLOWS),
    ),
  };
  return Object.fromEntries(Object.entries(charts).map(([name, one]) => [name, curveChart(one)]));
}

export function flowsSection(results: FlowsResults): string {
  const { packets, steer } = results;
  const known = results.endpoints.toLocaleString('en');
  return [
    `64-byte packets over IPv4 from one CPU. Each path has an entry or a route for each of ${known} addresses. Flows go ` +
      'to all of them, uniformly or by Zipf’s law with exponent 1.',
    provenance(packets),
    pathList(packets),
    'Hypervisor to hypervisor, million packets a second at the sink:',
    valueTable(matrix(results, packets)),
    ...['minimal', 'seg6-encap-red', 'plain'].map((base) => ratioTable(matrix(results, packets), base)),
    '![Hypervisor to hypervisor, by number of flows](benchmarks/flows-packets.svg)',
    'Through a network node (all three hops on one CPU):',
    pathList(steer),
    valueTable(matrix(results, steer)),
    ...['plain', 'plain-conntrack'].map((base) => ratioTable(matrix(results, steer), base)),
    '![Through a network node, by number of flows](benchmarks/flows-steer.svg)',
  ].join('\n\n');
}

/** One sentence for the head of the page. */
export function flowsSummary(results: FlowsResults): string {
  const most = Math.max(...results.flows);
  const at = setting(results, most, 'uniform');
  const times = (of: Results, path: string, base: string): string => {
    const [row, other] = [path, base].map((name) => findRow(of.rows, name, 'one_cpu', at));
    if (row === undefined || other === undefined) return `– × ${base}`;
    return `${(spread(row.values).median / spread(other.values).median).toFixed(2)} × ${base}`;
  };
  return (
    `**Many flows**, ${most.toLocaleString('en')} at random over ${results.endpoints.toLocaleString('en')} endpoints: segue-xdp ` +
    `${['minimal', 'seg6-encap-red', 'plain'].map((base) => times(results.packets, 'segue-xdp', base)).join(', ')}; through a network ` +
    `node ${['plain', 'plain-conntrack'].map((base) => times(results.steer, 'segue', base)).join(', ')}.`
  );
}
