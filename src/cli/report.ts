import { Option } from 'commander';
import { withNodeOptions } from './node-options.js';
import { print, printJson } from './print.js';
import type { Command } from 'commander';
import type { NodeReport } from '../observe/report/report.js';
import type { NodeOptions } from './node-options.js';

/** The API runs doctor and diff: two commands that take seconds on a busy machine. */
const FIRST_MS = 150_000;

/** Error codes of agents that do not concern this node file. */
const OTHERS = ['other-node-file', 'not-found'];

interface ReportFlags extends NodeOptions {
  json?: boolean;
  html?: boolean;
  output?: string;
}

export function addReportCommand(program: Command): void {
  withNodeOptions(program.command('report'))
    .description(
      'print what happened in the last 24 hours: drift, repairs, failures, refused and held intents, doctor, drops',
    )
    .addOption(new Option('-j, --json', 'print JSON').conflicts('html'))
    .option('--html', 'print an HTML page, fit for mail')
    .option('--output <file>', 'write to this file, replaced atomically')
    .action(async (options: ReportFlags) => {
      const report = await reportOf(options.config);
      if (options.json === true && options.output === undefined) {
        printJson(report);
        return;
      }
      const text = await textOf(report, options);
      if (options.output === undefined) {
        print(text.replace(/\n$/, ''));
        return;
      }
      const { writeOutput } = await import('./output-file.js');
      writeOutput('--output', options.output, text);
    });
}

async function textOf(report: NodeReport, { json, html }: ReportFlags): Promise<string> {
  if (json === true) return `${JSON.stringify(report)}\n`;
  if (html === true) return (await import('../observe/report/html.js')).reportHtml(report);
  const { reportLines } = await import('./report-text.js');
  return reportLines(report)
    .map((line) => `${line}\n`)
    .join('');
}

async function reportOf(config: string): Promise<NodeReport> {
  const { answersTo, readProblem } = await import('./agent-client.js');
  let reason = 'no agent answers (systemctl status segue)';
  for await (const answer of answersTo({
    path: '/v1/report',
    accept: 'application/json',
    nodeFile: config,
    firstMs: FIRST_MS,
  })) {
    if (answer.statusCode !== 200) {
      const problem = await readProblem(answer);
      // Ignores agents of other nodes on the machine, and of earlier versions.
      if (problem !== undefined && !OTHERS.includes(problem.code)) reason = problem.detail;
      continue;
    }
    let text = '';
    for await (const chunk of answer.setEncoding('utf8')) text += String(chunk);
    return JSON.parse(text) as NodeReport;
  }
  const { readConfig } = await import('./inputs.js');
  const { localReport } = await import('../observe/report/local-report.js');
  const command = [process.execPath, process.argv[1] ?? ''];
  return localReport(readConfig({ config }), config, command, reason);
}
