/** The TCP section and its charts. Pure. */
import { findRow, ratio } from '../lib/rows.js';
import { spread } from '../lib/statistics.js';
import { references } from './bars.js';
import { groups, PATH_ORDER, pathList, provenance, ratioTable, valueTable } from './rows.js';
import type { Results, Setting } from '../lib/rows.js';
import type { Chart } from './bars.js';
import type { Column, Matrix } from './rows.js';

const GBIT = 1e9;
const FAMILIES = [4, 6];
const UNDERLAYS = [
  { underlay: 'super', title: 'super-packets' },
  { underlay: 'wire', title: 'wire-sized frames' },
];

function bulkSetting(family: number, tenantMtu: number, underlay: string, flows: number): Setting {
  return { tenantMtu, underlay, family, flows };
}

function bulkColumns(underlay: string): Column[] {
  return FAMILIES.flatMap((family) =>
    [1500, 8900].flatMap((mtu) =>
      [1, 4].map((flows) => ({
        title: `IPv${family}, MTU ${mtu}, ${flows === 1 ? '1 flow' : `${flows} flows`}`,
        setting: bulkSetting(family, mtu, underlay, flows),
      })),
    ),
  );
}

const SMALL: Column[] = UNDERLAYS.flatMap(({ underlay, title }) =>
  FAMILIES.map((family) => ({ title: `IPv${family}, ${title}`, setting: { underlay, family } })),
);

function bulk(results: Results, underlay: string): Matrix {
  return { results, metric: 'bulk', columns: bulkColumns(underlay), scale: GBIT, digits: 1 };
}

const TAP: Column[] = FAMILIES.map((family) => ({
  title: `IPv${family}`,
  setting: { tenantMtu: 1500, underlay: 'wire', family, flows: 1 },
}));

/** Tables of what a VM's TAP got; none in results from before it was measured. */
function tapTables(results: Results): string[] {
  const bytes: Matrix = { results, metric: 'tap_packet_bytes', columns: TAP, scale: 1, digits: 0 };
  if (groups(bytes).length === 0) return [];
  return [
    "To a VM's TAP over wire-sized frames, tenant MTU 1500, one flow: mean size of the packets that the VM receives, in bytes:",
    valueTable(bytes),
    'Throughput to the TAP, in Gbit/s:',
    valueTable({ ...bytes, metric: 'tap_bulk', scale: GBIT, digits: 1 }),
  ];
}

function small(results: Results, metric: string, scale: number, digits: number): Matrix {
  return { results, metric, columns: SMALL, scale, digits };
}

export function tcpCharts(results: Results): Record<string, Chart> {
  const charts: Record<string, Chart> = {};
  for (const { underlay, title } of UNDERLAYS) {
    charts[`tcp-bulk-${underlay}.svg`] = {
      title: `Bulk TCP, underlay of ${title}`,
      axis: 'Gbit/s at the receiver (median, min–max)',
      scale: GBIT,
      digits: 1,
      order: PATH_ORDER,
      groups: groups(bulk(results, underlay)),
    };
  }
  const latency = ['p50', 'p99'].flatMap((name) =>
    groups(small(results, `latency_${name}`, 1, 1)).map((group) => ({ ...group, label: `${name}, ${group.label}` })),
  );
  charts['tcp-latency.svg'] = {
    title: 'Round trip of one byte over one connection',
    axis: 'microseconds (median, min–max of rounds)',
    scale: 1,
    digits: 1,
    order: PATH_ORDER,
    groups: latency,
  };
  charts['tcp-connects.svg'] = {
    title: 'Connect, round trip of one byte, close',
    axis: 'thousand connections a second, one at a time (median, min–max)',
    scale: 1000,
    digits: 1,
    order: PATH_ORDER,
    groups: groups(small(results, 'connects', 1000, 1)),
  };
  return charts;
}

export function tcpSection(results: Results): string {
  const bulks = UNDERLAYS.filter(({ underlay }) => groups(bulk(results, underlay)).length > 0);
  return [
    provenance(results),
    pathList(results),
    ...bulks.flatMap(({ underlay, title }) => [
      `Bulk TCP in Gbit/s, underlay of ${title}:`,
      valueTable(bulk(results, underlay)),
      ratioTable(bulk(results, underlay), 'plain'),
    ]),
    ...tapTables(results),
    'Round trip of one byte, microseconds, p50 and p99:',
    valueTable(small(results, 'latency_p50', 1, 1)),
    valueTable(small(results, 'latency_p99', 1, 1)),
    'Thousand connections a second, one at a time:',
    valueTable(small(results, 'connects', 1000, 1)),
    ratioTable(small(results, 'connects', 1000, 1), 'plain'),
    ...references(tcpCharts(results)),
  ].join('\n\n');
}

/** Two sentences for the head of the page: bulk at the smaller MTU, and latency. */
export function tcpSummary(results: Results): string {
  const said = (metric: string, setting: Setting, scale: number, digits: number): string =>
    results.paths
      .flatMap(({ name }) => {
        const row = findRow(results.rows, name, metric, setting);
        const base = findRow(results.rows, 'plain', metric, setting);
        if (row === undefined) return [];
        const times = base === undefined || name === 'plain' ? '' : ` (${ratio(row, base).median.toFixed(2)} ×)`;
        return [`${name} ${(spread(row.values).median / scale).toFixed(digits)}${times}`];
      })
      .join(', ');
  const lines = UNDERLAYS.flatMap(({ underlay, title }) => {
    const text = said('bulk', bulkSetting(4, 1500, underlay, 1), GBIT, 1);
    return text === '' ? [] : [`underlay of ${title}: ${text}`];
  });
  const latency = said('latency_p50', { underlay: 'super', family: 4 }, 1, 1);
  return (
    `**TCP**, one flow, tenant MTU 1500, Gbit/s (against plain); ${lines.join('; ')}. ` +
    `Round trip of one byte, p50 µs: ${latency}.`
  );
}
