import { withIntentOptions, withNodeOptions } from './node-options.js';
import { requireRoot } from './privilege.js';
import type { Command } from 'commander';
import type { ApplyFlags, PurgeFlags } from './converge/converge.js';

/** `apply`, `diff` and `purge`. Their modules are loaded when they run, so that other commands start faster. */
export function addConvergeCommands(program: Command): void {
  withIntentOptions(program.command('apply'))
    .description('apply the intent to the node, once')
    .option('--dry-run', 'only print what would change')
    .option('--force', 'apply even if many ports would be removed, or an agent is running')
    .option('-j, --json', 'print JSON')
    .action(async (options: ApplyFlags) => {
      requireRoot();
      const { runApply } = await import('./converge/converge.js');
      await runApply(options);
    });

  withIntentOptions(program.command('diff'))
    .description(
      'print what apply would change; exit code 0: no changes, 3: changes, 1: no changes, but a node cannot be reached',
    )
    .option('-j, --json', 'print JSON')
    .action(async (options: ApplyFlags) => {
      requireRoot();
      const { runDiff } = await import('./converge/converge.js');
      await runDiff(options);
    });

  withNodeOptions(program.command('purge'))
    .description('remove everything that segue made on the node')
    .option('--grace <seconds>', 'seconds between withdrawing the announcement and removing the rest', '0')
    .option('-j, --json', 'print JSON')
    .action(async (options: PurgeFlags) => {
      requireRoot();
      const { runPurge } = await import('./converge/converge.js');
      await runPurge(options);
    });
}
