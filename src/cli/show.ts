import { Argument } from 'commander';
import { CommandError, EXIT } from './exit.js';
import { readConfig, readInputs, withInstance, withIntentOptions } from './inputs.js';
import { complain, print, printJson } from './print.js';
import type { Command } from 'commander';
import type { IntentOptions } from './inputs.js';
import type { FlowOptions } from './show/flow.js';
import type { ShowOptions, View } from './show/view.js';
import type { Intent } from '../intent/types.js';

/** What can be shown, in the order of the help. */
export const SHOWN = [
  ...(['vrf', 'sid', 'route', 'nexthop', 'port', 'fastpath', 'counters'] as const),
  ...(['gateway', 'policy', 'flow'] as const),
] as const;
export type ShownName = (typeof SHOWN)[number];

interface ShowFlags extends IntentOptions, ShowOptions, FlowOptions {
  json?: boolean;
}

/** Options of `show flow` alone. */
const FLOW_OPTIONS = ['address', 'port', 'proto', 'limit'] as const;

/** `show`: what the kernel holds of segue's. The kernel is the state: the intent only adds names and what is missing. */
export function addShowCommand(program: Command): void {
  withIntentOptions(program.command('show'))
    .description('what the kernel holds: VRFs, SIDs, routes, next hops, ports, counters, gateways, policies, flows')
    .addArgument(new Argument('<what>').choices(SHOWN))
    .option('-t, --tenant <name>', "only this tenant's")
    .option(
      '-a, --all',
      "route: the kernel's own too (local, broadcast, multicast); flow: fragments and what timed out",
    )
    .option('--address <address>', 'flow: with this address or prefix, of either end')
    .option('--port <port>', 'flow: with this port, of either end')
    .option('--proto <protocol>', 'flow: of this protocol: tcp, udp, icmp or a number')
    .option('--limit <n>', 'flow: so many at most, 0: all; default: 1000')
    .option('-j, --json', 'JSON')
    .action(async (what: ShownName, options: ShowFlags) => {
      const config = readConfig(options);
      refuseForeignOptions(what, options);
      const view = await viewOf(what, options);
      const intent = intentIfReadable(options);

      const { showContext } = await import('../inspect/context.js');
      await withInstance(config, async (instance) => {
        const context = showContext(instance, intent);
        refuseUnknownTenant(options.tenant, [
          ...context.names.vrfs.map(({ tenant }) => tenant),
          ...(intent?.tenants ?? []).map(({ name }) => name),
        ]);
        const shown = await view(context, options);
        if (shown === undefined) return;
        const { json, lines } = shown;
        if (options.json) printJson(json);
        else for (const line of lines) print(line);
      });
    });
}

/** Options that would be passed over in silence. */
function refuseForeignOptions(what: ShownName, options: ShowFlags): void {
  const given = what === 'flow' ? undefined : FLOW_OPTIONS.find((name) => options[name] !== undefined);
  if (given !== undefined) throw new CommandError(`--${given}: expected with show flow, not ${what}`, EXIT.badInput);
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
