import { Argument } from 'commander';
import { STORED_KINDS } from '../fleet/types.js';
import { readNumber } from './options.js';
import type { Command } from 'commander';
import type { Authored, FleetOptions } from './intent/store.js';

const DEFAULT_FLEET_FILE = '/etc/segue/fleet.yaml';
const MAX_LISTED = 1_000_000;
const MAX_QUOTA = 10_000_000;

export function withFleetOption(command: Command): Command {
  return command.option('-c, --config <fleet.yaml>', 'the fleet file', DEFAULT_FLEET_FILE);
}

/** `intent`: the intent of a fleet in etcd. The etcd client is loaded when a command runs. */
export function addIntentCommand(program: Command): void {
  const intent = program.command('intent').description('read and change the intent of a fleet, in etcd');
  const command = (name: string, description: string): Command =>
    withFleetOption(intent.command(name)).description(description).option('-j, --json', 'print JSON');
  const writing = (name: string, description: string): Command =>
    command(name, description)
      .option('--reason <text>', 'the reason, for the history', '')
      .option('--author <name>', 'the author, for the history (default: the user and the machine)');
  const kind = (): Argument => new Argument('<kind>', 'kind of the entity').choices(STORED_KINDS);

  command('get', 'print entities, or how many there are of each kind')
    .addArgument(new Argument('[kind]', 'only entities of this kind').choices(STORED_KINDS))
    .argument('[name]', 'only this entity; a path is named by the node that it leads to')
    .action(async (what: string | undefined, name: string | undefined, options: FleetOptions) => {
      const { runGet } = await import('./intent/read.js');
      await runGet(what, name, options);
    });
  writing('set', 'add an entity, or replace the one of the same name')
    .addArgument(kind())
    .argument('<value>', 'file with the entity as in an intent file, YAML or JSON; -: standard input')
    .action(async (what: string, value: string, options: Authored) => {
      const { runSet } = await import('./intent/write.js');
      await runSet(what, value, options);
    });
  writing('delete', 'remove entities of one kind')
    .addArgument(kind())
    .argument(
      '<name...>',
      'names of the entities; a path is named by the node that it leads to, with :tenant,tenant if it names tenants',
    )
    .action(async (what: string, names: string[], options: Authored) => {
      const { runDelete } = await import('./intent/write.js');
      await runDelete(what, names, options);
    });
  command('diff', 'print what apply would change; exit code 0: no changes, 3: changes')
    .requiredOption('-f, --file <intent.yaml>', 'the wanted intent')
    .action(async (options: FleetOptions & { file: string }) => {
      const { runDiff } = await import('./intent/write.js');
      await runDiff(options);
    });
  writing('apply', 'make the intent equal to a file: writes only the differences, and prints them')
    .requiredOption('-f, --file <intent.yaml>', 'the wanted intent')
    .option('--force', 'go ahead even if many ports would be removed')
    .action(async (options: Authored & { file: string; force?: boolean }) => {
      const { runApply } = await import('./intent/write.js');
      await runApply(options);
    });
  command('validate', 'check the stored intent, or whether a file could be applied')
    .option('-f, --file <intent.yaml>', 'check this file instead of the stored intent')
    .action(async (options: FleetOptions & { file?: string }) => {
      const { runValidate } = await import('./intent/write.js');
      await runValidate(options);
    });
  command('history', 'print who changed the intent, when and why, newest first')
    .argument('[sequence]', 'print what this commit changed')
    .option('--limit <n>', 'print at most this many', '20')
    .action(async (sequence: string | undefined, { limit, ...options }: FleetOptions & { limit: string }) => {
      const most = readNumber('--limit', limit, 1, MAX_LISTED);
      const one = sequence === undefined ? undefined : readNumber('sequence', sequence, 1, Number.MAX_SAFE_INTEGER);
      const { runHistory } = await import('./intent/read.js');
      await runHistory(one, most, options);
    });
  withFleetOption(intent.command('export'))
    .description('print the intent as an intent file, YAML; with -j JSON')
    .option('-j, --json', 'print JSON')
    .action(async (options: FleetOptions) => {
      const { runExport } = await import('./intent/read.js');
      await runExport(options);
    });
  writing('rollback', 'restore the intent as it was after a commit, with a new commit')
    .argument('<sequence>', 'sequence of the commit (segue intent history)')
    .option('--force', 'go ahead even if many ports would be removed')
    .action(async (sequence: string, options: Authored & { force?: boolean }) => {
      const one = readNumber('sequence', sequence, 1, Number.MAX_SAFE_INTEGER);
      const { runRollback } = await import('./intent/write.js');
      await runRollback(one, options);
    });
  writing('quota', 'print the quotas of tenants, or set one')
    .argument('[tenant]', 'name of the tenant; default: the quota of tenants that have none of their own')
    .option('--ports <n>', 'most ports')
    .option('--routes <n>', 'most addresses and prefixes of its ports')
    .option('--policies <n>', 'most policies from or to the tenant')
    .option('--none', 'remove the quota')
    .action(async (tenant: string | undefined, { ports, routes, policies, none, ...options }: QuotaFlags) => {
      const given = Object.entries({ ports, routes, policies }).flatMap(([what, text]) =>
        text === undefined ? [] : [[what, readNumber(`--${what}`, text, 0, MAX_QUOTA)] as const],
      );
      const { runQuota } = await import('./intent/write.js');
      await runQuota(tenant, Object.fromEntries(given), none === true, options);
    });
  writing(
    'renew',
    'accept the store as it is, after a restored backup or after a change that segue did not make',
  ).action(async (options: Authored) => {
    const { runRenew } = await import('./intent/write.js');
    await runRenew(options);
  });
}

interface QuotaFlags extends Authored {
  ports?: string;
  routes?: string;
  policies?: string;
  none?: boolean;
}
