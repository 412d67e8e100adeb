import { Argument, Option } from 'commander';
import { CommandError, EXIT } from './exit.js';
import { withIntentOptions } from './node-options.js';
import { printError, print, printJson } from './print.js';
import type { Command } from 'commander';
import type { IntentOptions } from './node-options.js';
import type { FlowOptions } from './show/flow.js';
import type { ShowOptions, View } from './show/view.js';

/** What can be shown, in the order of the help. */
export const SHOWN = [
  ...(['vrf', 'sid', 'route', 'nexthop', 'port', 'fastpath', 'counters'] as const),
  ...(['gateway', 'policy', 'flow'] as const),
] as const;
export type ShownName = (typeof SHOWN)[number];

interface ShowFlags extends IntentOptions, ShowOptions, FlowOptions {
  json?: boolean;
}

/** Options that not everything takes. */
const TAKEN_BY = {
  all: ['route', 'flow'],
  port: ['port', 'route', 'counters'],
  address: ['port', 'route', 'flow'],
  l4Port: ['flow'],
  proto: ['flow'],
  limit: ['flow'],
} as const satisfies Partial<Record<keyof ShowFlags, readonly ShownName[]>>;

/** `show`: what the kernel holds of segue's. The kernel is the state: the intent only adds names and what is missing. */
export function addShowCommand(program: Command): void {
  withIntentOptions(program.command('show'))
    .description(
      'show what the kernel holds: VRFs, SIDs, routes, next hops, ports, counters, gateways, policies, flows',
    )
    .addArgument(new Argument('<what>', 'what is shown').choices(SHOWN).argParser(readShown))
    .option('-t, --tenant <name>', "only this tenant's")
    .option('-p, --port <port>', "port, route, counters: only this port's: a port of the intent, or its interface")
    .option('--address <address>', 'port, route, flow: only with this address, or one of this prefix')
    .addOption(new Option('--host <address>', 'as --address').hideHelp())
    .option(
      '-a, --all',
      "route: include the gateways' addresses and the kernel's own routes; flow: include fragments and expired flows",
    )
    .option('--l4-port <n>', 'flow: only with this TCP or UDP port at either end')
    .option('--proto <protocol>', 'flow: only of this protocol: tcp, udp, icmp or a number')
    .option('--limit <n>', 'flow: at most so many, 0: all (default: 1000)')
    .option('-j, --json', 'JSON')
    .action(async (what: ShownName, { host, ...given }: ShowFlags & { host?: string }) => {
      const address = given.address ?? host;
      const options: ShowFlags = { ...given, ...(address !== undefined && { address }) };
      refuseForeignOptions(what, options);
      const { readShownFiles } = await import('./shown-files.js');
      const { withReader } = await import('./open.js');
      const { config, intent, nodeOfPort } = await readShownFiles(options, options.port);
      const view = await viewOf(what, options);

      const { showContext } = await import('../observe/inspect/context.js');
      const { refuseUnknownTenant } = await import('./names.js');
      await withReader(config, async (instance, unreadable) => {
        if (unreadable !== undefined) {
          printError(`the fast path cannot be read, so it is left out: ${unreadable}`);
          process.exitCode = EXIT.failed;
        }
        const context = showContext(instance, intent, nodeOfPort);
        refuseUnknownTenant(options.tenant, context);
        const shown = await view(context, options);
        if (shown === undefined) return;
        const { json, lines } = shown;
        if (options.json) printJson(json);
        else for (const line of lines) print(line);
      });
    });
}

/** Singular or plural. @throws CommandError (bad input) */
function readShown(text: string): ShownName {
  const name = SHOWN.find((one) => [one, `${one}s`, one.replace(/y$/, 'ies'), one.replace(/s$/, '')].includes(text));
  if (name !== undefined) return name;
  throw new CommandError(`show ${text}: expected one of ${SHOWN.join(', ')}`, EXIT.badInput);
}

/** Options that would be passed over in silence. @throws CommandError (bad input) */
function refuseForeignOptions(what: ShownName, options: ShowFlags): void {
  for (const [name, taken] of Object.entries(TAKEN_BY) as [keyof typeof TAKEN_BY, readonly ShownName[]][]) {
    if (options[name] === undefined || taken.includes(what)) continue;
    const option = name === 'l4Port' ? 'l4-port' : name;
    const hint = what === 'flow' && name === 'port' ? ' (--l4-port: a TCP or UDP port)' : '';
    throw new CommandError(`--${option}: expected with show ${taken.join(', ')}, not ${what}${hint}`, EXIT.badInput);
  }
}

async function viewOf(what: ShownName, options: FlowOptions): Promise<View> {
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
    case 'gateway':
      return (await import('./show/gateway.js')).showGateway;
    case 'policy':
      return (await import('./show/policy.js')).showPolicy;
    case 'flow':
      return (await import('./show/flow.js')).flowView(options);
  }
}
