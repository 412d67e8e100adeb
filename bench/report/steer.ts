/** The section of network nodes: packets that a third node decides on, natively and in the VM. Pure. */
import { findRow, ratio } from '../lib/rows.js';
import { references } from './bars.js';
import { groups, PATH_ORDER, pathList, provenance, ratioTable, valueTable } from './rows.js';
import type { Results, Setting } from '../lib/rows.js';
import type { VmResults } from '../vm/results.js';
import type { Chart } from './bars.js';
import type { Column, Matrix } from './rows.js';

const MPPS = 1e6;
const KPPS = 1e3;

export function steerTraffic(family: number, frameBytes: number, flows: number, source: string): Setting {
  return { family, frameBytes, flows, source };
}

const COLUMNS: Column[] = [
  { title: 'IPv4, 64 B', setting: steerTraffic(4, 64, 1, 'xdp') },
  { title: 'IPv6, 64 B', setting: steerTraffic(6, 64, 1, 'xdp') },
  { title: 'IPv4, 64 B, 1024 flows', setting: steerTraffic(4, 64, 1024, 'xdp') },
  { title: 'IPv4, 1400 B', setting: steerTraffic(4, 1400, 1, 'xdp') },
];
const VM_COLUMNS: Column[] = [
  ...COLUMNS.slice(0, 2),
  { title: 'IPv4, 64 B, pktgen', setting: steerTraffic(4, 64, 1, 'pktgen') },
];

function matrix(results: Results, columns: readonly Column[], scale: number, digits: number): Matrix {
  return { results, metric: 'one_cpu', columns, scale, digits };
}

/** Of the VM, as a result file of its own; undefined where network nodes were not measured there. */
export function steerInVm({ steer, ...rest }: VmResults): Results | undefined {
  return steer === undefined || steer.rows.length === 0 ? undefined : { ...rest, ...steer };
}

export function steerCharts(results: Results): Record<string, Chart> {
  return {
    'steer-packets.svg': {
      title: 'Through a network node',
      axis: 'million packets a second at the sink, one CPU (median, min–max)',
      scale: MPPS,
      digits: 2,
      order: PATH_ORDER,
      groups: groups(matrix(results, COLUMNS, MPPS, 2)),
    },
  };
}

export function steerSection(results: Results): string {
  return [
    provenance(results),
    pathList(results),
    'Million packets a second at the sink, and the ratio to the ceiling of the same three hops:',
    valueTable(matrix(results, COLUMNS, MPPS, 2)),
    ratioTable(matrix(results, COLUMNS, MPPS, 2), 'ceiling'),
    ...references(steerCharts(results)),
  ].join('\n\n');
}

/** The same in the VM, where the kernel has VRF. */
export function steerVmSection(vm: VmResults): string {
  const results = steerInVm(vm);
  if (results === undefined) return '';
  return [
    provenance(results),
    pathList(results),
    'Thousand packets a second at the sink, and the ratio to the kernel in the same guest:',
    valueTable(matrix(results, VM_COLUMNS, KPPS, 1)),
    ratioTable(matrix(results, VM_COLUMNS, KPPS, 1), 'kernel'),
  ].join('\n\n');
}

/** One sentence for the head of the page. */
export function steerSummary(results: Results, vm: VmResults | undefined): string {
  const times = (of: Results | undefined, base: string): string => {
    const parts = ([4, 6] as const).flatMap((family) => {
      const setting = steerTraffic(family, 64, 1, 'xdp');
      const [row, other] = ['segue', base].map((name) => findRow(of?.rows ?? [], name, 'one_cpu', setting));
      return row === undefined || other === undefined ? [] : [`IPv${family} ${ratio(row, other).median.toFixed(2)} ×`];
    });
    return parts.join(', ');
  };
  const inVm = vm === undefined ? '' : times(steerInVm(vm), 'kernel');
  return (
    `**Network nodes**, 64 B, one CPU for all three hops: ${times(results, 'ceiling')} of a bare redirect` +
    (inVm === '' ? '.' : `; in the VM against the kernel's VRFs, leaked routes and nftables ${inVm}.`)
  );
}
