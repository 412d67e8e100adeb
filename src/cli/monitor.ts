import { withIntentOptions } from './node-options.js';
import { requireRoot } from './privilege.js';
import type { Command } from 'commander';
import type { MonitorFlags } from './events/monitor.js';

export function addMonitorCommand(program: Command): void {
  withIntentOptions(program.command('monitor'))
    .description('print packets that the fast path drops or hands to the kernel, as it happens, until Ctrl-C')
    .option(
      '-r, --reason <reason...>',
      'only these reasons: slugs or words of show counters (punt-no-member, "no member"), drop, punt',
    )
    .option('-t, --tenant <name>', "only this tenant's packets")
    .option('-p, --port <port>', "only this port's: a port of the intent, or its interface")
    .option('--rate <n>', 'events per second, reason and CPU, 0: no limit', '10')
    .option('-j, --json', 'JSON, an object a line')
    .action(async (options: MonitorFlags) => {
      requireRoot();
      const { monitor } = await import('./events/monitor.js');
      await monitor(options);
    });
}
