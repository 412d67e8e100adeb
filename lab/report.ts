/** Results of the demonstration, as data and as text. */
import { describeHeader } from '../src/packet/describe.js';
import { table } from './table.js';
import type { Header } from '../src/packet/headers.js';
import type { SourceName } from './source.js';
import type { Throughput } from './throughput.js';
import type { Demo } from './demo.js';

/** One check. */
export interface Check {
  group: CheckGroup;
  from: string;
  to: string;
  /** what was checked: `ping 10.0.0.20` */
  what: string;
  expected: string;
  seen: string;
  ok: boolean;
}

export type CheckGroup = 'fleet' | 'reach' | 'identity' | 'isolation' | 'silence' | 'wire';

/** A packet on the underlay. */
export interface WirePacket {
  title: string;
  headers: Header[];
}

export interface ThroughputResult extends Partial<Throughput> {
  tenant: string;
  from: string;
  to: string;
  address: string;
  error?: string;
}

export interface LabReport {
  kernel: string;
  /** in the VM of test/vm */
  virtualMachine: boolean;
  source: SourceName;
  /** milliseconds from the start of an agent to its convergence, by hypervisor */
  agentsMs: number;
  checks: Check[];
  packets: WirePacket[];
  throughput: ThroughputResult[];
  seconds: number;
}

const TITLES: Record<CheckGroup, string> = {
  fleet: 'The intent is in etcd, and a feed sends each node its part: segue fleet status',
  reach: 'Within a tenant, every ping is answered',
  identity: 'An address that both tenants use leads to the VM of the same tenant (TCP)',
  isolation: 'Between tenants, no ping is answered',
  silence: 'Packets that the VMs received meanwhile',
  wire: 'Packets on the underlay',
};

/** Whether all checks succeeded. */
export function succeeded(report: LabReport): boolean {
  return report.checks.every(({ ok }) => ok) && report.throughput.every(({ error }) => error === undefined);
}

/** For `-j`: the report and its verdict; packets as headers without payload. */
export function reportJson(report: LabReport): unknown {
  return { ok: succeeded(report), ...report, packets: headersJson(report.packets) };
}

/** Packets as headers without payload. */
export function headersJson(packets: readonly WirePacket[]): unknown {
  return packets.map(({ title, headers }) => ({
    title,
    headers: headers.map((header) =>
      Object.fromEntries(Object.entries(header).filter(([, value]) => !Buffer.isBuffer(value))),
    ),
  }));
}

/** The report as text. */
export function reportText(demo: Demo, report: LabReport): string {
  const sections = [heading(demo, report)];
  if (report.source === 'etcd') sections.push(checkSection(report, 'fleet'));
  for (const group of ['reach', 'identity', 'isolation', 'silence'] as const)
    sections.push(checkSection(report, group));
  sections.push(wireSection(report), throughputSection(report), verdict(report));
  return sections.join('\n\n');
}

function heading(demo: Demo, report: LabReport): string {
  const tenants = demo.tenants.map(({ name, id }) => `${name} (${id})`).join(' and ');
  const vms = demo.vms.map((vm) => [vm.name, vm.node, vm.mac, vm.shared.v4, vm.shared.v6, vm.own.v4, vm.own.v6]);
  return [
    `Two hypervisors, an IPv6 router between them, tenants ${tenants} with the same subnets and addresses.`,
    `Linux ${report.kernel}${report.virtualMachine ? ' in the VM' : ''}; ` +
      `both agents converged ${(report.agentsMs / 1000).toFixed(1)} s after their start.`,
    '',
    ...table(['VM', 'ON', 'MAC', 'ADDRESSES', '', 'UNIQUE', ''], vms),
  ].join('\n');
}

function checkSection(report: LabReport, group: CheckGroup): string {
  const checks = report.checks.filter((check) => check.group === group);
  const rows = checks.map(({ from, to, what, expected, seen, ok }) => [
    from,
    to,
    what,
    seen,
    ok ? 'ok' : `FAILED, expected ${expected}`,
  ]);
  return [TITLES[group], ...table(['FROM', 'TO', 'WHAT', 'SEEN', ''], rows)].join('\n');
}

function wireSection(report: LabReport): string {
  const checks = report.checks.filter(({ group }) => group === 'wire');
  const rows = checks.map(({ what, seen, expected, ok }) => [what, seen, ok ? 'ok' : `FAILED, expected ${expected}`]);
  const packets = report.packets.flatMap(({ title, headers }) => [
    `  ${title}`,
    ...headers.map((header) => `    ${describeHeader(header)}`),
  ]);
  return [TITLES.wire, ...packets, ...table(['HEADER FIELD', 'SEEN', ''], rows)].join('\n');
}

function throughputSection(report: LabReport): string {
  const rows = report.throughput.map((one) => [
    one.tenant,
    one.from,
    one.to,
    one.address,
    one.error ?? rateText(one.bitsPerSecond ?? 0),
    one.error === undefined ? `${one.seconds?.toFixed(1) ?? '?'} s, ${one.retransmits ?? 0} retransmits` : 'FAILED',
  ]);
  const title = 'iperf3, one TCP flow in each tenant, at once';
  return [title, ...table(['TENANT', 'FROM', 'TO', 'ADDRESS', 'RATE', ''], rows)].join('\n');
}

function verdict(report: LabReport): string {
  const wrong =
    report.checks.filter(({ ok }) => !ok).length + report.throughput.filter(({ error }) => error !== undefined).length;
  const total = report.checks.length + report.throughput.length;
  const words = wrong === 0 ? `all ${total} checks passed` : `${wrong} of ${total} checks FAILED`;
  return `${words}, ${report.seconds.toFixed(0)} s`;
}

/** `1.23 Gbit/s` */
export function rateText(bitsPerSecond: number): string {
  if (bitsPerSecond >= 1e9) return `${(bitsPerSecond / 1e9).toFixed(2)} Gbit/s`;
  return `${(bitsPerSecond / 1e6).toFixed(0)} Mbit/s`;
}
