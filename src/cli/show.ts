import { Argument } from 'commander';
import { CommandError, EXIT } from './exit.js';
import { readConfig, readInputs, withInstance, withIntentOptions } from './inputs.js';
import { complain, print, printJson } from './print.js';
import type { Command } from 'commander';
import type { IntentOptions } from './inputs.js';
import type { ShowOptions, View } from './show/view.js';
import type { Intent } from '../intent/types.js';

/** What can be shown, in the order of the help. */
export const SHOWN = ['vrf', 'sid', 'route', 'nexthop', 'port', 'fastpath', 'counters'] as const;
export type ShownName = (typeof SHOWN)[number];

interface ShowFlags extends IntentOptions, ShowOptions {
  json?: boolean;
}

/** `show`: what the kernel holds of segue's. The kernel is the state: the intent only adds names and what is missing. */
export function addShowCommand(program: Command): void {
  withIntentOptions(program.command('show'))
    .description('what the kernel holds: VRFs, SIDs, routes, next hops, ports, counters')
    .addArgument(new Argument('<what>').choices(SHOWN))
    .option('-t, --tenant <name>', "only this tenant's")
    .option('-a, --all', "routes: the kernel's own too (local, broadcast, multicast)")
    .option('-j, --json', 'JSON')
    .action(async (what: ShownName, options: ShowFlags) => {
      const config = readConfig(options);
      const intent = intentIfReadable(options);

      const { showContext } = await import('../inspect/context.js');
      const view = await viewOf(what);
      await withInstance(config, async (instance) => {
        const context = showContext(instance, intent);
        refuseUnknownTenant(options.tenant, [
          ...context.names.vrfs.map(({ tenant }) => tenant),
          ...(intent?.tenants ?? []).map(({ name }) => name),
        ]);
        const { json, lines } = await view(context, options);
        if (options.json) printJson(json);
        else for (const line of lines) print(line);
      });
    });
}

/** The node's part of the intent; when it cannot be read, a word of it on standard error, and the kernel alone. */
export function intentIfReadable(options: IntentOptions): Intent | undefined {
  try {
    return readInputs(options).intent;
  } catch (error) {
    const [first] = error instanceof Error ? error.message.split('\n') : [String(error)];
    complain(`names are the kernel's alone, the intent cannot be used: ${first ?? ''}`);
    return undefined;
  }
}

function refuseUnknownTenant(tenant: string | undefined, known: readonly string[]): void {
  if (tenant === undefined || known.includes(tenant)) return;
  const names = [...new Set(known)].sort().join(' ');
  throw new CommandError(
    `--tenant ${tenant}: expected one of ${names === '' ? 'none: there is no tenant' : names}`,
    EXIT.badInput,
  );
}

async function viewOf(what: ShownName): Promise<View> {
  switch (what) {
    case 'vrf':
      return (await import('./show/vrf.js')).showVrf;
    case 'sid':
      return (await import('./show/sid.js')).showSid;
    case 'route':
      return (await import('./show/route.js')).showRoute;
    case 'nexthop':
      return (await import('./show/nexthop.js')).showNexthop;
    case 'port':
      return (await import('./show/port.js')).showPort;
    case 'fastpath':
      return (await import('./show/fastpath.js')).showFastpath;
    case 'counters':
      return (await import('./show/counters.js')).showCounters;
  }
}
