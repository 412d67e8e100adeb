import { resolve } from 'node:path';
import { applyOnce, surveyOnce } from '../agent/apply.js';
import { keepIntentCopy } from '../agent/intent-copy.js';
import { purge, purgeWithoutNetns } from '../agent/purge.js';
import { netnsIdentity } from '../netlink/netns.js';
import { CommandError, EXIT } from './exit.js';
import { readConfig, readInputs, withInstance, withIntentOptions, withNodeOptions } from './inputs.js';
import { changeLine, complain, failureLine, print, printJson, reportJson, summary, waitingLines } from './print.js';
import { withProgress } from './progress.js';
import type { Command } from 'commander';
import type { ApplyReport, Comparison } from '../agent/apply.js';
import type { Instance } from '../agent/instance.js';
import type { Intent } from '../intent/types.js';
import type { Report } from '../reconcile/change.js';
import type { IntentOptions, NodeOptions } from './inputs.js';

interface ApplyFlags extends IntentOptions {
  dryRun?: boolean;
  force?: boolean;
  json?: boolean;
}

interface PurgeFlags extends NodeOptions {
  grace: string;
  json?: boolean;
}

/** No routing protocol takes longer to withdraw a route (BGP's hold time is 180 s). */
const MAX_GRACE_SECONDS = 600;

/** `apply`, `diff` and `purge`: three questions to the one engine. */
export function addConvergeCommands(program: Command): void {
  withIntentOptions(program.command('apply'))
    .description('converge the node on the intent, once')
    .option('--dry-run', 'only print what would change')
    .option('--force', 'apply even if many ports would be removed, or an agent is running')
    .option('-j, --json', 'JSON')
    .action(async (options: ApplyFlags) => {
      const { config, intent, read } = readInputs(options);
      await withInstance(config, async (instance) => {
        const { progress } = instance.kernel;
        if (options.dryRun) {
          const survey = await withProgress(progress, () => surveyOnce(instance, intent));
          tellWarnings(survey);
          tellSurvey(instance, survey, options.json);
          tellUnreachable(intent, survey);
          return;
        }
        const force = options.force === true;
        const report = await withProgress(progress, () => applyOnce(instance, intent, { force }));
        keepIntentCopy(instance.runDirectory, config, read);
        tellWarnings(report);
        tellReport(instance, report, options.json);
        if (tellUnreachable(intent, report)) process.exitCode = EXIT.failed;
      });
    });

  withIntentOptions(program.command('diff'))
    .description(
      'print what apply would change; exit code 0: nothing, 3: something, 1: nothing, but a node cannot be reached',
    )
    .option('-j, --json', 'JSON')
    .action(async (options: ApplyFlags) => {
      const { config, intent } = readInputs(options);
      await withInstance(config, async (instance) => {
        const survey = await withProgress(instance.kernel.progress, () => surveyOnce(instance, intent));
        tellSurvey(instance, survey, options.json);
        const isUnreachable = tellUnreachable(intent, survey);
        process.exitCode = survey.changes.length > 0 ? EXIT.drift : isUnreachable ? EXIT.failed : EXIT.ok;
      });
    });

  withNodeOptions(program.command('purge'))
    .description("remove everything of segue's from the node")
    .option('--grace <seconds>', 'time between withdrawing the announcement and removing the rest', '0')
    .option('-j, --json', 'JSON')
    .action(async (options: PurgeFlags) => {
      const graceSeconds = Number(options.grace);
      if (!Number.isFinite(graceSeconds) || graceSeconds < 0 || graceSeconds > MAX_GRACE_SECONDS) {
        const expected = `a number of seconds from 0 to ${MAX_GRACE_SECONDS}`;
        throw new CommandError(`--grace ${options.grace}: expected ${expected}`, EXIT.badInput);
      }
      const config = readConfig(options);
      const { netns } = config;
      const file = resolve(options.config);
      if (netns !== undefined && netnsIdentity(netns) === undefined) {
        const report = await purgeWithoutNetns(config, file);
        if (options.json) printJson(reportJson(config.node, report));
        else
          print(
            `${config.node}: network namespace ${netns} is gone, and all that was in it; pins and files are removed`,
          );
        return;
      }
      await withInstance(config, async (instance) => {
        const report = await withProgress(instance.kernel.progress, () => purge(instance, { graceSeconds, file }));
        tellReport(instance, report, options.json);
      });
    });
}

function tellSurvey(instance: Instance, survey: Comparison, json: boolean | undefined): void {
  const changes = survey.changes.map((change) => instance.engine.text(change));
  if (json) {
    printJson({ node: instance.config.node, changes, waiting: survey.waiting, unreachable: survey.unreachable });
    return;
  }
  for (const change of changes) print(changeLine(change));
  for (const line of waitingLines(survey.waiting)) print(line);
  if (changes.length === 0) print(`${instance.config.node}: nothing to do`);
}

function tellReport(instance: Instance, report: Report & Partial<ApplyReport>, json: boolean | undefined): void {
  const { node } = instance.config;
  if (json) {
    const { unreachable } = report;
    printJson({ ...reportJson(node, report), ...(unreachable !== undefined && { unreachable }) });
  } else {
    print(summary(node, report));
    for (const line of waitingLines(report.waiting)) print(line);
    for (const failure of report.failures) complain(failureLine(failure));
    for (const change of report.heldBack)
      complain(`held back until nothing fails: ${instance.engine.text(change).object}`);
  }
  if (report.failures.length > 0) process.exitCode = EXIT.failed;
}

function tellWarnings({ warnings }: { warnings: readonly string[] }): void {
  for (const warning of warnings) complain(`warning: ${warning}`);
}

/** @returns whether there is anything that packets cannot be sent to */
function tellUnreachable(intent: Intent, { unreachable }: Pick<Comparison, 'unreachable'>): boolean {
  for (const { destination, reason } of unreachable) {
    const node = intent.nodes.find(({ locator }) => locator === destination);
    complain(`${node?.name ?? destination} cannot be reached: ${reason}`);
  }
  return unreachable.length > 0;
}
