/** Writes docs/benchmarks.md and its charts from the result files: those that are there. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { drawn } from './bars.js';
import { aimsSection, aimsSummary } from './aims.js';
import { failoverSection, failoverSummary } from './failover.js';
import { flowCharts, flowsSection, flowsSummary } from './flows.js';
import { packetCharts, packetSection, packetSummary } from './packets.js';
import { microCharts, microSection, microSummary } from './micro.js';
import { replaceSection } from './page.js';
import { controlSummary } from './control.js';
import { entriesSection, entriesSummary } from './entries.js';
import { planSection, planSummary } from './plan.js';
import { policiesSection, policiesSummary } from './policies.js';
import { scrapeSection, scrapeSummary } from './scrape.js';
import { steerCharts, steerSection, steerSummary, steerVmSection } from './steer.js';
import { tcpCharts, tcpSection, tcpSummary } from './tcp.js';
import type { Chart } from './bars.js';
import { vmCharts, vmSection, vmSummary } from './vm.js';
import { tables, vmScale } from '../control/report.js';
import type { ControlResults, VmScaleResult } from '../control/results.js';
import type { FlowsResults } from '../flows/results.js';
import type { MicroResults } from './micro.js';
import type { EntriesResults } from '../entries/results.js';
import type { PlanResults } from '../plan/results.js';
import type { PoliciesResults } from '../policies/results.js';
import type { ScrapeResults } from '../scrape/results.js';
import type { VmResults } from '../vm/results.js';
import type { FailoverResults } from './failover.js';
import type { Results } from '../lib/rows.js';

const { values } = parseArgs({
  options: {
    results: { type: 'string', default: 'bench/results' },
    /** Its charts go into a folder beside it, `benchmarks`. */
    page: { type: 'string', default: 'docs/benchmarks.md' },
  },
});
const folder = join(dirname(values.page), 'benchmarks');

function read<T>(name: string): T | undefined {
  const file = join(values.results, `${name}.json`);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as T) : undefined;
}

let page = readFileSync(values.page, 'utf8');
const summary: string[] = [];
const charts: Record<string, Chart> = {};

const packets = read<Results>('packets');
if (packets !== undefined) {
  page = replaceSection(page, 'packets', packetSection(packets));
  Object.assign(charts, packetCharts(packets));
  summary.push(packetSummary(packets));
}
const tcp = read<Results>('tcp');
if (tcp !== undefined) {
  page = replaceSection(page, 'tcp', tcpSection(tcp));
  Object.assign(charts, tcpCharts(tcp));
  summary.push(tcpSummary(tcp));
}
const micro = read<MicroResults>('micro');
if (micro !== undefined) {
  page = replaceSection(page, 'micro', microSection(micro));
  Object.assign(charts, microCharts(micro));
  summary.push(microSummary(micro));
}
const control = read<ControlResults>('control');
const scale = read<VmScaleResult>('vm-scale');
if (control !== undefined) {
  page = replaceSection(page, 'control', tables(control) + (scale === undefined ? '' : `\n${vmScale(scale)}`));
  summary.push(controlSummary(control));
}
const entries = read<EntriesResults>('entries');
if (entries !== undefined) {
  page = replaceSection(page, 'entries', entriesSection(entries));
  summary.push(entriesSummary(entries));
}
const plan = read<PlanResults>('plan');
if (plan !== undefined) {
  page = replaceSection(page, 'plan', planSection(plan));
  summary.push(planSummary(plan));
}
const steer = read<Results>('steer');
const vm = read<VmResults>('vm');
if (steer !== undefined) {
  page = replaceSection(page, 'steer', steerSection(steer));
  Object.assign(charts, steerCharts(steer));
  summary.push(steerSummary(steer, vm));
}
const policies = read<PoliciesResults>('policies');
if (policies !== undefined) {
  page = replaceSection(page, 'policies', policiesSection(policies));
  summary.push(policiesSummary(policies));
}
const flows = read<FlowsResults>('flows');
const curves: Record<string, string> = {};
if (flows !== undefined) {
  page = replaceSection(page, 'flows', flowsSection(flows));
  Object.assign(curves, flowCharts(flows));
  summary.push(flowsSummary(flows));
}
const scrape = read<ScrapeResults>('scrape');
if (scrape !== undefined) {
  page = replaceSection(page, 'scrape', scrapeSection(scrape));
  summary.push(scrapeSummary(scrape));
}
const failover = read<FailoverResults>('failover');
if (failover !== undefined) {
  page = replaceSection(page, 'failover', failoverSection(failover));
  summary.push(failoverSummary(failover));
}
if (vm !== undefined) {
  page = replaceSection(page, 'steer-vm', steerVmSection(vm));
  page = replaceSection(page, 'vm', vmSection(vm));
  Object.assign(charts, vmCharts(vm));
  summary.push(vmSummary(vm));
}
const files = { packets, tcp, micro, entries, steer, policies, failover, vm };
page = replaceSection(page, 'aims', aimsSection(files));
summary.push(aimsSummary(files));

page = replaceSection(page, 'summary', summary.map((line) => `- ${line}`).join('\n'));
mkdirSync(folder, { recursive: true });
for (const [name, text] of Object.entries({ ...drawn(charts), ...curves })) writeFileSync(join(folder, name), text);
writeFileSync(values.page, page);
