import { resolve } from 'node:path';
import { applyOnce, surveyOnce } from '../agent/apply.js';
import { purge } from '../agent/purge.js';
import { agentConfig, listProcesses, samePath } from '../doctor/processes.js';
import { CommandError, EXIT } from './exit.js';
import {
  DEFAULT_NODE_FILE,
  readConfig,
  readInputs,
  withInstance,
  withIntentOptions,
  withNodeOptions,
} from './inputs.js';
import { changeLine, complain, failureLine, print, printJson, reportJson, summary, waitingLines } from './print.js';
import type { Command } from 'commander';
import type { Instance } from '../agent/instance.js';
import type { Report, Survey } from '../reconcile/change.js';
import type { IntentOptions } from './inputs.js';

interface ApplyFlags extends IntentOptions {
  dryRun?: boolean;
  force?: boolean;
  json?: boolean;
}

/** `apply`, `diff` and `purge`: three questions to the one engine. */
export function addConvergeCommands(program: Command): void {
  withIntentOptions(program.command('apply'))
    .description('bring the node to what the intent wants, once')
    .option('--dry-run', 'only say what would be done')
    .option('--force', 'even if many ports go')
    .option('-j, --json', 'JSON')
    .action(async (options: ApplyFlags) => {
      const { config, intent } = readInputs(options);
      await withInstance(config, async (instance) => {
        if (options.dryRun) {
          const survey = await surveyOnce(instance, intent);
          tellWarnings(survey);
          tellSurvey(instance, survey, options.json);
          return;
        }
        const report = await applyOnce(instance, intent, { force: options.force === true });
        tellWarnings(report);
        tellReport(config.node, report, options.json);
      });
    });

  withIntentOptions(program.command('diff'))
    .description('what apply would do; exit 0: nothing, 3: something')
    .option('-j, --json', 'JSON')
    .action(async (options: ApplyFlags) => {
      const { config, intent } = readInputs(options);
      await withInstance(config, async (instance) => {
        const survey = await surveyOnce(instance, intent);
        tellSurvey(instance, survey, options.json);
        process.exitCode = survey.changes.length === 0 ? EXIT.ok : EXIT.drift;
      });
    });

  withNodeOptions(program.command('purge'))
    .description("remove all that is segue's from the node")
    .option('-j, --json', 'JSON')
    .action(async (options: ApplyFlags) => {
      const config = readConfig(options);
      refuseBesideAgent(config.node, options.config);
      await withInstance(config, async (instance) => {
        tellReport(config.node, await purge(instance), options.json);
      });
    });
}

/** @throws CommandError while an agent works from the node file: it would put everything back at once */
function refuseBesideAgent(node: string, file: string): void {
  const agent = listProcesses().find((process) => agentConfig(process, DEFAULT_NODE_FILE) === samePath(resolve(file)));
  if (agent !== undefined) {
    throw new CommandError(
      `${node}: segue agent runs, pid ${agent.pid}: it would put everything back; stop it first (systemctl stop segue)`,
    );
  }
}

function tellSurvey(instance: Instance, survey: Survey, json: boolean | undefined): void {
  const changes = survey.changes.map((change) => instance.engine.text(change));
  if (json) {
    printJson({ node: instance.config.node, changes, waiting: survey.waiting });
    return;
  }
  for (const change of changes) print(changeLine(change));
  for (const line of waitingLines(survey.waiting)) print(line);
  if (changes.length === 0) print(`${instance.config.node}: nothing to do`);
}

function tellReport(node: string, report: Report, json: boolean | undefined): void {
  if (json) printJson(reportJson(node, report));
  else {
    print(summary(node, report));
    for (const line of waitingLines(report.waiting)) print(line);
    for (const failure of report.failures) complain(failureLine(failure));
  }
  if (report.failures.length > 0) process.exitCode = EXIT.failed;
}

function tellWarnings({ warnings }: { warnings: readonly string[] }): void {
  for (const warning of warnings) complain(`warning: ${warning}`);
}
