// Writes the tables of docs/scaling.md from docs/benchmarks/fleet-*.json, which `segue fleet simulate --json` wrote: `node scripts/scaling-table.js`.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { format, resolveConfig } from 'prettier';

const directory = 'docs/benchmarks';
const page = 'docs/scaling.md';
const [BEGIN, END] = ['<!-- measured: scripts/scaling-table.js writes what follows -->', '<!-- end of measured -->'];

const reports = readdirSync(directory)
  .filter((name) => /^fleet-.*\.json$/.test(name))
  .map((name) => JSON.parse(readFileSync(`${directory}/${name}`, 'utf8')))
  .sort((a, b) => a.options.nodes - b.options.nodes || (a.command < b.command ? -1 : 1));

const rounded = (value) => (value >= 100 ? String(Math.round(value)) : String(Math.round(value * 100) / 100));

function sectionOf(report) {
  const { date, command, load, cpus, memoryGiB, kernel, node, etcd, storage, simplified, results } = report;
  const rows = results.map(({ what, measured, unit, target, of }) => {
    const aim = target === undefined ? '' : `≤ ${target} ${unit}${of === undefined ? '' : ` (${of})`}`;
    return `| ${what} | ${rounded(measured)} ${unit} | ${aim} |`;
  });
  return [
    `### ${report.options.nodes} nodes, ${report.options.ports} ports, ${report.options.workload}`,
    `\`${command}\``,
    `${date.slice(0, 10)}; load ${load.map((one) => one.toFixed(0)).join(' at the begin, ')} at the end, on ${cpus} CPUs and ${memoryGiB} GiB that others used at the same time; ` +
      `Linux ${kernel}, Node.js ${node}, etcd ${etcd} with its data in ${storage}. ${simplified.map((one) => `${one[0].toUpperCase()}${one.slice(1)}.`).join(' ')}`,
    ['| what | measured | target |', '|---|--:|---|', ...rows].join('\n'),
  ].join('\n\n');
}

const text = readFileSync(page, 'utf8');
const [before, rest] = text.split(BEGIN);
const [, after] = rest.split(END);
const made = `${before}${BEGIN}\n\n${reports.map(sectionOf).join('\n\n')}\n\n${END}${after}`;
const written = await format(made, { ...(await resolveConfig(page)), filepath: page });
if (!process.argv.includes('--check')) writeFileSync(page, written);
else if (written !== text) {
  process.stderr.write(`${page}: not as scripts/scaling-table.js writes it\n`);
  process.exitCode = 1;
}
