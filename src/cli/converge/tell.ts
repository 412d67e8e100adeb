/** Output of `apply`, `diff` and `purge`. */
import { EXIT } from '../exit.js';
import { changeLine, printError, failureLine, print, printJson, reportJson, summary, waitingLines } from '../print.js';
import type { ApplyReport, Comparison } from '../../agent/apply.js';
import type { Instance } from '../../agent/instance.js';
import type { Intent } from '../../intent/types.js';
import type { Report } from '../../reconcile/change.js';

export function tellDiff(instance: Instance, diff: Comparison, json: boolean | undefined): void {
  const changes = diff.changes.map((change) => instance.engine.text(change));
  if (json) {
    printJson({ node: instance.config.node, changes, waiting: diff.waiting, unreachable: diff.unreachable });
    return;
  }
  for (const change of changes) print(changeLine(change));
  for (const line of waitingLines(diff.waiting)) print(line);
  if (changes.length === 0) print(`${instance.config.node}: nothing to do`);
}

export function tellReport(instance: Instance, report: Report & Partial<ApplyReport>, json: boolean | undefined): void {
  const { node } = instance.config;
  if (json) {
    const { unreachable } = report;
    printJson({ ...reportJson(node, report), ...(unreachable !== undefined && { unreachable }) });
  } else {
    print(summary(node, report));
    for (const line of waitingLines(report.waiting)) print(line);
    for (const failure of report.failures) printError(failureLine(failure));
    for (const change of report.heldBack)
      printError(`held back until nothing fails: ${instance.engine.text(change).object}`);
  }
  if (report.failures.length > 0) process.exitCode = EXIT.failed;
}

export function tellWarnings({ warnings }: { warnings: readonly string[] }): void {
  for (const warning of warnings) printError(`warning: ${warning}`);
}

/** @returns whether there are unreachable underlay destinations */
export function tellUnreachable(intent: Intent, { unreachable }: Pick<Comparison, 'unreachable'>): boolean {
  for (const { destination, reason } of unreachable) {
    const node = intent.nodes.find(({ locator }) => locator === destination);
    printError(`${node?.name ?? destination} cannot be reached: ${reason}`);
  }
  return unreachable.length > 0;
}
