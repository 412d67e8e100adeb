import { Argument } from 'commander';
import { CommandError, EXIT } from './exit.js';
import { withIntentOptions } from './node-options.js';
import { addressGiven, withAddressOption } from './options.js';
import { printAndWait, printError, print, printJson } from './print.js';
import { isRoot, requireRoot } from './privilege.js';
import { refuseForeignOptions, SHOWN, viewOf } from './show/shown.js';
import type { Command } from 'commander';
import type { IntentOptions } from './node-options.js';
import type { ShownName, ShownOptions } from './show/shown.js';

export { SHOWN };

type ShowFlags = IntentOptions & ShownOptions;

/** `show`: segue's objects in the kernel. The state comes from the kernel; the intent only adds names and missing objects. */
export function addShowCommand(program: Command): void {
  const command = withIntentOptions(program.command('show'))
    .description(
      'show what the kernel holds: VRFs, SIDs, routes, next hops, ports, leases, counters, gateways, policies, flows',
    )
    .addArgument(new Argument('<what>', 'what to show').choices(SHOWN).argParser(readShown))
    .option('-t, --tenant <name>', 'only this tenant')
    .option(
      '-p, --port <port>',
      'port, lease, route, counters: only this port: its name in the intent, or its interface',
    );
  withAddressOption(command, 'port, route, counters, flow: only this address, or addresses of this prefix')
    .option(
      '-a, --all',
      "route: include the gateways' addresses and the kernel's own routes; flow: include fragments and expired flows",
    )
    .option('--l4-port <n>', 'flow: only flows with this TCP or UDP port at either end')
    .option('--proto <protocol>', 'flow: only flows of this protocol: tcp, udp, icmp or a number')
    .option('--limit <n>', 'flow: show at most this many, 0: all (default: 1000)')
    .option('-j, --json', 'print JSON')
    .action(async (what: ShownName, { host, ...given }: ShowFlags & { host?: string }) => {
      const address = addressGiven({ ...given, ...(host !== undefined && { host }) })?.text;
      const options: ShowFlags = { ...given, ...(address !== undefined && { address }) };
      refuseForeignOptions(what, options);
      const { askAgent } = await import('./show/ask-agent.js');
      if (options.file === undefined && (await askAgent(what, options))) return;
      const view = await viewOf(what, options);
      if (!isRoot()) requireRoot();
      const { readShownFiles } = await import('./shown-files.js');
      const { withReader } = await import('./open.js');
      const { config, intent, nodeOfPort } = await readShownFiles(options, options.port);

      const { showContext } = await import('../observe/inspect/context.js');
      const { refuseUnknownTenant } = await import('./names.js');
      await withReader(config, async (instance, unreadable) => {
        if (unreadable !== undefined) {
          printError(`the fast path cannot be read and is left out: ${unreadable}`);
          process.exitCode = EXIT.failed;
        }
        const context = showContext(instance, intent, nodeOfPort);
        refuseUnknownTenant(options.tenant, context);
        const shown = await view(context, options, { write: printAndWait, note: printError });
        if (shown === undefined) return;
        const { json, lines, note } = shown;
        if (options.json) {
          printJson(json);
          return;
        }
        for (const line of lines) print(line);
        if (note !== undefined) printError(note);
      });
    });
}

/** Accepts singular and plural. @throws CommandError (bad input) */
function readShown(text: string): ShownName {
  const name = SHOWN.find((one) => [one, `${one}s`, one.replace(/y$/, 'ies'), one.replace(/s$/, '')].includes(text));
  if (name !== undefined) return name;
  throw new CommandError(`show ${text}: expected one of ${SHOWN.join(', ')}`, EXIT.badInput);
}
