/** What was aimed at, and what was measured: one row each, from the result files that there are. Pure. */
import { findRow, ratio } from '../lib/rows.js';
import { table } from '../lib/markdown.js';
import { spread } from '../lib/statistics.js';
import { silences } from './failover.js';
import { policyCosts } from './policies.js';
import { steerInVm, steerTraffic } from './steer.js';
import type { EntriesResults } from '../entries/results.js';
import type { Results, Setting } from '../lib/rows.js';
import type { Spread } from '../lib/statistics.js';
import type { PoliciesResults } from '../policies/results.js';
import type { VmResults } from '../vm/results.js';
import type { FailoverResults } from './failover.js';
import type { MicroResults } from './micro.js';

/** The result files, those that are there. */
export interface Files {
  packets?: Results | undefined;
  tcp?: Results | undefined;
  micro?: MicroResults | undefined;
  entries?: EntriesResults | undefined;
  steer?: Results | undefined;
  policies?: PoliciesResults | undefined;
  failover?: FailoverResults | undefined;
  vm?: VmResults | undefined;
}

export interface Aim {
  figure: string;
  /** `≥`: at least so much; `>`: more; `≤`: at most. */
  relation: '≥' | '>' | '≤';
  bound: number;
  unit: string;
  measured: Spread;
}

/** Kernel seg6 as segue's own slow path has it, with the same bytes on the wire. */
const SEG6 = 'seg6-encap-red';
/** What `xdp: auto` is on a veth, and XDP at all hops. */
const [AUTO, ALWAYS, XDP] = ['segue-tcx', 'segue-both', 'segue-xdp'] as const;
const FAMILIES = [4, 6] as const;

function exactly(value: number): Spread {
  return { median: value, min: value, max: value, count: 1 };
}

/** One path against another, round by round; nothing where one of them was not measured. */
function against(
  results: Results | undefined,
  metric: string,
  [path, base]: readonly [string, string],
  setting: Setting,
  aim: Omit<Aim, 'measured' | 'unit'>,
): Aim[] {
  const row = findRow(results?.rows ?? [], path, metric, setting);
  const other = findRow(results?.rows ?? [], base, metric, setting);
  return row === undefined || other === undefined ? [] : [{ ...aim, unit: '×', measured: ratio(row, other) }];
}

function packetAims({ packets }: Files): Aim[] {
  const traffic = (family: number, source: string, flows = 1): Setting => ({ family, frameBytes: 64, flows, source });
  const one = (
    figure: string,
    paths: readonly [string, string],
    setting: Setting,
    bound: number,
    relation: Aim['relation'] = '≥',
  ): Aim[] => against(packets, 'one_cpu', paths, setting, { figure, relation, bound });
  return [
    ...FAMILIES.flatMap((family) => [
      ...one(`frames from XDP, 64 B, IPv${family}, against kernel seg6`, [XDP, SEG6], traffic(family, 'xdp'), 5),
      ...one(`frames from XDP, 64 B, IPv${family}, against the ceiling`, [XDP, 'ceiling'], traffic(family, 'xdp'), 0.8),
    ]),
    ...FAMILIES.flatMap((family) => [
      ...one(`sk_buffs, 64 B, IPv${family}, against kernel seg6`, [AUTO, SEG6], traffic(family, 'skb'), 1.8),
      ...one(`sk_buffs, 64 B, IPv${family}, against plain routing`, [AUTO, 'plain'], traffic(family, 'skb'), 1, '>'),
    ]),
    ...one(
      'a million remote ports, 4,096 destinations, against one port',
      [`${XDP}-large`, XDP],
      traffic(4, 'xdp', 4096),
      0.85,
    ),
  ];
}

function tcpAims({ tcp }: Files): Aim[] {
  const aims: Aim[] = [];
  for (const tenantMtu of [1500, 8900]) {
    for (const flows of [1, 4]) {
      const what = `TCP, MTU ${tenantMtu}, ${flows} ${flows === 1 ? 'flow' : 'flows'}`;
      const bulk = (underlay: string, base: string, name: string, bound: number, relation: Aim['relation'] = '≥') =>
        against(
          tcp,
          'bulk',
          [AUTO, base],
          { tenantMtu, underlay, family: 4, flows },
          {
            ...{
              figure: `${what}, ${underlay === 'super' ? 'super-packets' : 'wire-sized frames'}, against ${name}`,
              relation,
              bound,
            },
          },
        );
      aims.push(
        ...bulk('super', SEG6, 'kernel seg6', 1.1),
        ...bulk('super', 'vxlan', 'VXLAN', 1.15),
        ...bulk('super', 'plain', 'plain routing', 1, '>'),
        ...bulk('wire', SEG6, 'kernel seg6', 1),
      );
    }
  }
  for (const family of FAMILIES) {
    const row = tcp?.rows.find(
      ({ path, metric, setting }) => path === ALWAYS && metric === 'tap_packet_bytes' && setting.family === family,
    );
    if (row === undefined) continue;
    const figure = `mean bytes a packet at a VM's TAP, wire-sized frames, XDP, IPv${family}`;
    aims.push({ figure, relation: '>', bound: 16_000, unit: 'B', measured: spread(row.values) });
  }
  const latency = { figure: 'round trip of one byte, p50, against kernel seg6', relation: '≤', bound: 0.9 } as const;
  return [...aims, ...against(tcp, 'latency_p50', [AUTO, SEG6], { underlay: 'super', family: 4 }, latency)];
}

function programAims({ micro, entries }: Files): Aim[] {
  const aims: Aim[] = [];
  for (const [name, bound] of [
    ['encapsulation at XDP', 80],
    ['decapsulation at XDP', 60],
  ] as const) {
    for (const family of FAMILIES) {
      const row = micro?.rows.find((one) => one.name === `${name}, IPv${family}`);
      if (row === undefined) continue;
      const [min, max] = row.spread;
      const measured = { median: row.median, min, max, count: 1 };
      aims.push({ figure: row.name, relation: '≤', bound, unit: 'ns', measured });
    }
  }
  if (entries === undefined) return aims;
  const { remotePorts, cold, moves } = entries;
  const ports = remotePorts.toLocaleString('en');
  const { total } = cold;
  const seconds = { ...total, median: total.median / 1000, min: total.min / 1000, max: total.max / 1000 };
  aims.push({
    figure: `entries of ${ports} remote ports, cold`,
    relation: '≤',
    bound: 1.5,
    unit: 's',
    measured: seconds,
  });
  const largest = moves.reduce((a, b) => (b.remotePorts > a.remotePorts ? b : a));
  for (const which of ['p50', 'p99'] as const) {
    const figure = `one port's change among ${largest.remotePorts.toLocaleString('en')} reaches the map, ${which}`;
    const { median, min, max, count } = largest[which];
    const measured = { median: median / 1000, min: min / 1000, max: max / 1000, count };
    aims.push({ figure, relation: '≤', bound: 1, unit: 'ms', measured });
  }
  return aims;
}

function failoverAims({ failover }: Files): Aim[] {
  if (failover === undefined) return [];
  const downs = [...new Set(failover.measured.map(({ event }) => event))].filter((event) => event.includes('down'));
  return downs.map((event) => {
    const measured = spread(silences(failover, event));
    return { figure: `${event} under load, longest silence of a flow`, relation: '≤', bound: 50, unit: 'ms', measured };
  });
}

function steeringAims({ steer, vm, policies, micro }: Files): Aim[] {
  const inVm = vm === undefined ? undefined : steerInVm(vm);
  const aims = FAMILIES.flatMap((family) => {
    const setting = steerTraffic(family, 64, 1, 'xdp');
    const of = { relation: '≥' } as const;
    return [
      ...against(steer, 'one_cpu', ['segue', 'ceiling'], setting, {
        ...{ ...of, figure: `through a network node, 64 B, IPv${family}, against the ceiling`, bound: 0.7 },
      }),
      ...against(inVm, 'one_cpu', ['segue', 'kernel'], setting, {
        ...{ ...of, figure: `through a network node, 64 B, IPv${family}, in the VM, against the kernel`, bound: 5 },
      }),
    ];
  });
  if (policies !== undefined) {
    const most = Math.max(...policies.sizes.map(({ policies: count }) => count)).toLocaleString('en');
    for (const { kind, few, same, all } of policyCosts(policies)) {
      const figure = `${kind}, ${most} policies against few`;
      aims.push({
        figure: `${figure}, the same traffic`,
        relation: '≤',
        bound: 1.3,
        unit: '×',
        measured: exactly(same / few),
      });
      aims.push({
        figure: `${figure}, traffic of all pairs`,
        relation: '≤',
        bound: 1.3,
        unit: '×',
        measured: exactly(all / few),
      });
    }
  }
  const lost = micro?.rows.find(({ name }) => name.endsWith('of these lost'));
  if (lost !== undefined) {
    aims.push({
      figure: lost.name.replace(/^steering: /, ''),
      relation: '≤',
      bound: 0,
      unit: 'packets',
      measured: exactly(lost.median),
    });
  }
  return aims;
}

function aimsOf(files: Files): Aim[] {
  return [packetAims, tcpAims, programAims, failoverAims, steeringAims].flatMap((of) => of(files));
}

/** By its median. */
function holds({ relation, bound, measured }: Aim, value = measured.median): boolean {
  if (relation === '≤') return value <= bound;
  return relation === '≥' ? value >= bound : value > bound;
}

function text(value: number, unit: string): string {
  if (unit === '×' || unit === 's' || unit === 'ms') return value.toFixed(2);
  return value.toFixed(0);
}

export function aimsSection(files: Files): string {
  const rows = aimsOf(files).map((aim) => {
    const { figure, relation, bound, unit, measured } = aim;
    const [median, min, max] = [measured.median, measured.min, measured.max].map((value) => text(value, unit));
    const worst = relation === '≤' ? measured.max : measured.min;
    const answer = holds(aim) ? (holds(aim, worst) ? 'yes' : 'yes, not in every round') : 'no';
    const range = measured.count > 1 || min !== max ? ` (${min}–${max})` : '';
    return [figure, `${relation} ${bound.toLocaleString('en')} ${unit}`, `${median}${range}`, answer];
  });
  return table(['figure', 'aim', 'measured', 'met?'], rows);
}

/** One sentence for the head of the page. */
export function aimsSummary(files: Files): string {
  const aims = aimsOf(files);
  return `**Aims**: ${aims.filter((aim) => holds(aim)).length} of ${aims.length} are met ([table](#aims)).`;
}
