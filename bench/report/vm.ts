/** The section of the VM: packets and TCP of one guest. Pure. */
import { findRow, ratio } from '../lib/rows.js';
import { references } from './bars.js';
import { groups, PATH_ORDER, pathList, provenance, ratioTable, valueTable } from './rows.js';
import type { Results, Setting } from '../lib/rows.js';
import type { Chart } from './bars.js';
import type { Column, Matrix } from './rows.js';

const KPPS = 1e3;
const MBIT = 1e6;

function traffic(family: number, frameBytes: number, source: string): Setting {
  return { family, frameBytes, flows: 1, source };
}

const BASE = traffic(4, 64, 'pktgen');
const PACKETS: Column[] = [
  { title: 'IPv4, 64 B, pktgen', setting: BASE },
  { title: 'IPv6, 78 B, pktgen', setting: traffic(6, 78, 'pktgen') },
  { title: 'IPv4, 1400 B, pktgen', setting: traffic(4, 1400, 'pktgen') },
  { title: 'IPv4, 64 B, xdp', setting: traffic(4, 64, 'xdp') },
];
const BULK: Column[] = ['super', 'wire'].map((underlay) => ({
  title: `MTU 1500, 1 flow, ${underlay}`,
  setting: { tenantMtu: 1500, underlay, family: 4, flows: 1 },
}));
const SMALL: Column[] = [{ title: 'IPv4', setting: { underlay: 'super', family: 4 } }];

function matrix(results: Results, metric: string, columns: readonly Column[], scale: number, digits: number): Matrix {
  return { results, metric, columns, scale, digits };
}

export function vmCharts(results: Results): Record<string, Chart> {
  return {
    'vm-packets.svg': {
      title: 'In the VM: packets (emulated, compare within the chart only)',
      axis: 'thousand packets a second at the sink (median, min–max)',
      scale: KPPS,
      digits: 1,
      order: PATH_ORDER,
      groups: groups(matrix(results, 'one_cpu', PACKETS, KPPS, 1)),
    },
  };
}

export function vmSection(results: Results): string {
  const packets = matrix(results, 'one_cpu', PACKETS, KPPS, 1);
  const bulk = matrix(results, 'bulk', BULK, MBIT, 0);
  return [
    provenance(results),
    pathList(results),
    'Thousand packets a second at the sink, and the ratio to plain routing in the same guest:',
    valueTable(packets),
    ratioTable(packets, 'plain'),
    'Bulk TCP, Mbit/s:',
    valueTable(bulk),
    ratioTable(bulk, 'plain'),
    'Round trip of one byte (p50, µs), and connections a second:',
    valueTable(matrix(results, 'latency_p50', SMALL, 1, 0)),
    valueTable(matrix(results, 'connects', SMALL, 1, 0)),
    ...references(vmCharts(results)),
  ].join('\n\n');
}

/** One sentence for the head of the page: what VRF costs, as ratios. */
export function vmSummary(results: Results): string {
  const base = findRow(results.rows, 'plain', 'one_cpu', BASE);
  const parts = results.paths.flatMap(({ name }) => {
    const row = findRow(results.rows, name, 'one_cpu', BASE);
    if (row === undefined || base === undefined || name === 'plain') return [];
    return [`${name} ${ratio(row, base).median.toFixed(2)} ×`];
  });
  return `**With VRF** (in the VM, pktgen, 64 B, packets against plain routing in the same guest): ${parts.join(', ')}.`;
}
