import { paint } from './colour.js';
import { EXIT } from './exit.js';
import { DEFAULT_NODE_FILE, withIntentOptions } from './node-options.js';
import { print, printJson } from './print.js';
import { requireRoot } from './privilege.js';
import type { Command } from 'commander';
import type { IntentOptions } from './node-options.js';
import type { Diagnosis } from '../observe/doctor/types.js';
import type { Intent } from '../intent/types.js';

interface DoctorFlags extends IntentOptions {
  json?: boolean;
}

export function addDoctorCommand(program: Command): void {
  withIntentOptions(program.command('doctor'))
    .description(
      'check for causes of silent packet loss: kernel features, sysctls, MTU, routes, firewalls; exit code 1: a check failed',
    )
    .option('-j, --json', 'print JSON')
    .action(async (options: DoctorFlags) => {
      requireRoot();
      const { readConfig, readInputs } = await import('./inputs.js');
      const { withReader } = await import('./open.js');
      const config = readConfig(options);
      const { runChecks } = await import('../observe/doctor/doctor.js');
      await withReader(config, async (instance, unreadable) => {
        const diagnosis = await runChecks({
          instance,
          file: options.config,
          defaultFile: DEFAULT_NODE_FILE,
          unreadable,
          ...intentOrError(() => readInputs(options).intent),
        });
        if (options.json) printJson(diagnosis);
        else for (const line of diagnosisLines(diagnosis)) print(line);
        if (diagnosis.fail > 0) process.exitCode = EXIT.failed;
      });
    });
}

function intentOrError(read: () => Intent): { intent: Intent | undefined; intentError: string | undefined } {
  try {
    return { intent: read(), intentError: undefined };
  } catch (error) {
    return { intent: undefined, intentError: error instanceof Error ? error.message.split('\n')[0] : String(error) };
  }
}

const COLOURS = { ok: 'green', warn: 'yellow', fail: 'red' } as const;

/** A line for each check below its group's name; a failed check is followed by advice. */
export function diagnosisLines({ node, ok, warn, fail, checks }: Diagnosis): string[] {
  const lines: string[] = [];
  let group: string | undefined;
  for (const check of checks) {
    if (check.group !== group) {
      group = check.group;
      lines.push(group);
    }
    lines.push(`  ${paint(COLOURS[check.status], check.status.padEnd(4))}  ${check.what}`);
    if (check.advice !== undefined) lines.push(`        ${check.advice}`);
  }
  return [...lines, `${node}: ${ok} ok, ${counted(warn, 'warning')}, ${counted(fail, 'failure')}`];
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
