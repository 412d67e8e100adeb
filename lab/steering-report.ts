/** Results of the demonstration of steering, as data and as text. */
import { describeHeader } from '../src/packet/describe.js';
import { headersJson, rateText } from './report.js';
import { endpointsOf, serviceText, SERVICES } from './steering-matrix.js';
import { table } from './table.js';
import type { Check, ThroughputResult, WirePacket } from './report.js';
import type { Reached } from './steering-matrix.js';
import type { SourceName } from './source.js';
import type { SteeringDemo } from './steering.js';
import type { Policy, PolicyEnd } from '../src/gateway/types.js';

/** A network node's share of a VM's new connections. */
export interface Share {
  node: string;
  connections: number;
  /** answered connections of all nodes */
  answered: number;
  opened: number;
}

export interface SteeringReport {
  kernel: string;
  /** in the VM of test/vm */
  virtualMachine: boolean;
  source: SourceName;
  /** milliseconds from the start of the agents to their convergence */
  agentsMs: number;
  reached: Reached[];
  packets: WirePacket[];
  wireChecks: Check[];
  before: Share[];
  after: Share[];
  /** name of the node that was drained */
  drained: string;
  /** an existing connection of that node: answers since then */
  long: { answers: number; broken: boolean };
  throughput: ThroughputResult;
  seconds: number;
}

/** Number of checks, and of failed ones. */
function counts(report: SteeringReport): { total: number; wrong: number } {
  const { reached, wireChecks, throughput } = report;
  const oks = [
    ...reached.map(({ ok }) => ok),
    ...wireChecks.map(({ ok }) => ok),
    ...[sharesAreRight(report.before), sharesAreRight(report.after, report.drained), lasts(report)],
    throughput.error === undefined,
  ];
  return { total: oks.length, wrong: oks.filter((ok) => !ok).length };
}

/** Whether every connection was answered, and every node had some, except for the draining one. */
function sharesAreRight(shares: readonly Share[], drained?: string): boolean {
  return shares.every(
    ({ node, connections, answered, opened }) => connections > 0 === (node !== drained) && answered === opened,
  );
}

function lasts({ long }: SteeringReport): boolean {
  return !long.broken && long.answers > 0;
}

export function steeringSucceeded(report: SteeringReport): boolean {
  return counts(report).wrong === 0;
}

/** For `-j`. */
export function steeringJson(report: SteeringReport): unknown {
  return { ok: steeringSucceeded(report), ...report, packets: headersJson(report.packets) };
}

/** The report as text. */
export function steeringText(demo: SteeringDemo, report: SteeringReport): string {
  return [
    heading(demo, report),
    policySection(demo.policies),
    matrixSection(demo, report),
    wireSection(report),
    drainSection(demo, report),
    throughputSection(report),
    verdict(report),
  ].join('\n\n');
}

function heading(demo: SteeringDemo, report: SteeringReport): string {
  const tenants = demo.tenants.map(({ name, id }) => `${name} (${id})`).join(', ');
  const rows = endpointsOf(demo).map(({ name, addresses }) => {
    const vm = demo.vms.find((one) => one.name === name);
    return [name, vm?.node ?? demo.externals[0].interface, ...addresses];
  });
  return [
    `Two hypervisors, two network nodes, an IPv6 router between them; tenants ${tenants}, the last two with the same addresses;`,
    `${demo.externals[0].name} is a network beyond the network nodes. ` +
      `Linux ${report.kernel}${report.virtualMachine ? ' in the VM' : ''}; ` +
      `all agents converged ${(report.agentsMs / 1000).toFixed(1)} s after their start.`,
    '',
    ...table(['NAME', 'ON', 'ADDRESSES', ''], rows),
  ].join('\n');
}

function policySection(policies: readonly Policy[]): string {
  const rows = policies.map(({ name, from, to, protocol, ports, action, priority }) => {
    const what = ports === undefined ? protocol : `${protocol} ${ports.join(' ')}`;
    return [name, endText(from), endText(to), what, action, String(priority)];
  });
  return ['Policies', ...table(['POLICY', 'FROM', 'TO', 'WHAT', 'ACTION', 'PRIORITY'], rows)].join('\n');
}

function endText(end: PolicyEnd): string {
  return ['tenant' in end ? end.tenant : end.external, ...(end.prefixes ?? [])].join(' ');
}

/** A row for each pair; IPv4 and IPv6 share one if they agree, which is expected. */
function matrixSection(demo: SteeringDemo, { reached }: SteeringReport): string {
  const endpoints = endpointsOf(demo);
  const columns = SERVICES.map(serviceText);
  const rows = new Map<string, Map<string, string[]>>();
  for (const one of reached) {
    const there = endpoints.filter(({ addresses }) => addresses.includes(one.address)).map(({ name }) => name);
    const row = `${one.from} ${there.join(',')}`;
    const cells = rows.get(row) ?? new Map<string, string[]>();
    rows.set(row, cells);
    const service = serviceText(one.service);
    cells.set(service, [...(cells.get(service) ?? []), cellText(one)]);
  }
  const lines = [...rows].map(([row, cells]) => {
    const [from = '', to = ''] = row.split(' ');
    return [from, to, ...columns.map((column) => [...new Set(cells.get(column))].join(' | '))];
  });
  return [
    'Reachability, with the policy that allows it, IPv4 and IPv6 (- no answer, as expected; = same tenant)',
    ...table(['FROM', 'TO', ...columns.map((column) => column.toUpperCase())], lines),
  ].join('\n');
}

function cellText({ policy, expected, seen, ok }: Reached): string {
  if (!ok) return `FAILED: ${seen ?? 'no answer'}`;
  return expected === undefined ? '-' : (policy ?? '=');
}

function wireSection({ packets, wireChecks }: SteeringReport): string {
  const rows = wireChecks.map(({ what, seen, expected, ok }) => [
    what,
    seen,
    ok ? 'ok' : `FAILED, expected ${expected}`,
  ]);
  const shown = packets.flatMap(({ title, headers }) => [
    `  ${title}`,
    ...headers.filter(({ layer }) => layer !== 'ethernet').map((header) => `    ${describeHeader(header)}`),
  ]);
  return [
    'A connection from red-a to blue-b on the underlay',
    ...shown,
    ...table(['PACKET', 'OUTER ADDRESSES', ''], rows),
  ].join('\n');
}

function drainSection(demo: SteeringDemo, report: SteeringReport): string {
  const row = (when: string, shares: readonly Share[], drained?: string): string[] => [
    when,
    ...shares.map(({ connections }) => String(connections)),
    `${shares[0]?.answered ?? 0} of ${shares[0]?.opened ?? 0} answered`,
    sharesAreRight(shares, drained) ? 'ok' : 'FAILED',
  ];
  const { before, after, drained, long } = report;
  const nodes = demo.gateways?.flatMap((gateway) => gateway.nodes) ?? [];
  return [
    `New connections from red-a to blue-b, by network node`,
    ...table(
      ['', ...nodes.map((node) => node.toUpperCase()), '', ''],
      [row('before', before), row(`${drained} drains`, after, drained)],
    ),
    `  an open connection through ${drained}: ` +
      `${long.answers} more replies${long.broken ? ', then none' : ''}  ${lasts(report) ? 'ok' : 'FAILED'}`,
  ].join('\n');
}

function throughputSection({ throughput }: SteeringReport): string {
  const { from, to, address, bitsPerSecond = 0, seconds, retransmits = 0, error } = throughput;
  const row =
    error === undefined
      ? [from, to, address, rateText(bitsPerSecond), `${seconds?.toFixed(1) ?? '?'} s, ${retransmits} retransmits`]
      : [from, to, address, error, 'FAILED'];
  return ['iperf3, one TCP flow through a network node', ...table(['FROM', 'TO', 'ADDRESS', 'RATE', ''], [row])].join(
    '\n',
  );
}

function verdict(report: SteeringReport): string {
  const { total, wrong } = counts(report);
  const words = wrong === 0 ? `all ${total} checks passed` : `${wrong} of ${total} checks FAILED`;
  return `${words}, ${report.seconds.toFixed(0)} s`;
}
