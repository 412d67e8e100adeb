/** Charts of cost against number of flows, and the report section with them. */
import { describe, expect, it } from 'vitest';
import { curveChart } from '../../../bench/report/curves.js';
import { flowCharts, flowsSection, flowsSummary } from '../../../bench/report/flows.js';
import { colourOf } from '../../../bench/report/svg.js';
import type { FlowsResults } from '../../../bench/flows/results.js';
import type { Results, Row } from '../../../bench/lib/rows.js';

const exact = (median: number) => ({ median, min: median, max: median, count: 1 });
const ENDPOINTS = 1000;

function row(path: string, flows: number, spread: string, ns: readonly number[]): Row {
  const setting = { family: 4, frameBytes: 64, flows, source: 'xdp', spread, endpoints: ENDPOINTS };
  return { path, metric: 'one_cpu', unit: 'packet/s', setting, values: ns.map((one) => 1e9 / one) };
}

function results(costs: Readonly<Record<string, readonly number[]>>): Results {
  const machine = {
    kernel: 'k',
    processors: 2,
    processor: 'p',
    node: 'n',
    commit: 'c',
    modified: 0,
    date: '2026-11-30',
  };
  return {
    machine: machine as unknown as Results['machine'],
    busy: { before: 0, after: 0 },
    ...{ rounds: 1, seconds: 60 },
    paths: Object.keys(costs).map((name) => ({ name, describe: name, overhead: 0 })),
    rows: Object.entries(costs).flatMap(([path, [one = 0, many = 0]]) => [
      row(path, 1, 'uniform', [one]),
      row(path, 1024, 'uniform', [many]),
      row(path, 1024, 'zipf', [many]),
    ]),
  };
}

const flows: FlowsResults = {
  endpoints: ENDPOINTS,
  flows: [1, 1024],
  packets: results({
    ...{ ceiling: [100, 100], 'ceiling-tcx': [300, 300], minimal: [150, 300], plain: [600, 900] },
    ...{ 'seg6-encap-red': [900, 1200], 'segue-tcx': [400, 500], 'segue-xdp': [160, 200] },
  }),
  steer: results({ ceiling: [200, 200], plain: [900, 1800], 'plain-conntrack': [1000, 2400], segue: [300, 600] }),
};

describe('curves', () => {
  it('have a point at each number of flows, at its cost', () => {
    const points = [
      { x: 1, y: exact(50) },
      { x: 1024, y: { median: 100, min: 80, max: 120, count: 3 } },
    ];
    const chart = { title: 'a < b', xAxis: 'flows', yAxis: 'ns', marks: [{ x: 32, label: 'cache' }], order: [] };
    const svg = curveChart({ ...chart, curves: [{ label: 'one', points }] });
    // 70 to 590 across; of 150 ns at the top 368 to 44 up.
    expect(svg).toContain('d="M70.0 260.0L590.0 152.0"');
    expect(svg).toContain('d="M590.0 195.2V108.8"');
    expect(svg).toContain('x1="330.0" y1="44"');
    expect(svg).toContain('a &lt; b');
    expect(() => curveChart({ ...chart, curves: [] })).toThrow('nothing to draw');
  });

  it('have one colour for segue that no other path has', () => {
    const labels = ['ceiling', 'segue-tcx', 'plain', 'segue', 'a', 'b', 'c', 'd', 'e'];
    const ours = new Set(labels.filter((label) => label.startsWith('segue')).map((label) => colourOf(label, labels)));
    expect(ours.size).toBe(1);
    for (const label of labels.filter((one) => !one.startsWith('segue'))) {
      expect(ours).not.toContain(colourOf(label, labels));
    }
  });

  it('show nanoseconds above the ceiling of the same hook', () => {
    const { 'flows-packets.svg': packets = '', 'flows-steer.svg': steer = '' } = flowCharts(flows);
    // Of 1,500 ns at the top, 324 pixels: tcx 200 ns above its own ceiling, XDP 100 above the other.
    expect(packets).toContain(`L590.0 ${(368 - (200 / 1500) * 324).toFixed(1)}"`);
    expect(packets).toContain(`L590.0 ${(368 - (100 / 1500) * 324).toFixed(1)}"`);
    expect(packets).not.toContain('>ceiling');
    expect(steer).toContain('plain-conntrack');
  });
});

it('the section has both tables with ratios, and the summary the largest number of flows', () => {
  const section = flowsSection(flows);
  expect(section).toMatch(/\| segue-xdp +\| +6\.25/);
  expect(section).toMatch(/against plain-conntrack/);
  expect(flowsSummary(flows)).toBe(
    '**Many flows**, 1,024 at random over 1,000 endpoints: segue-xdp 1.50 × minimal, 6.00 × seg6-encap-red, 4.50 × plain; ' +
      'through a network node 3.00 × plain, 4.00 × plain-conntrack.',
  );
});
