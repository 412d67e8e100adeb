import { withIntentOptions } from './node-options.js';
import { requireRoot } from './privilege.js';
import type { Command } from 'commander';
import type { MonitorFlags } from './events/monitor.js';

export function addMonitorCommand(program: Command): void {
  withIntentOptions(program.command('monitor'))
    .description('print packets that the fast path drops or hands to the kernel, live, until Ctrl-C')
    .option(
      '-r, --reason <reason...>',
      'only these reasons: a slug or text of show counters (punt-no-member, "no member"), or drop or punt for all of them',
    )
    .option('-t, --tenant <name>', 'only packets of this tenant')
    .option('-p, --port <port>', 'only packets of this port: its name in the intent, or its interface')
    .option('--rate <n>', 'most events per second for each reason and CPU, 0: no limit', '10')
    .option('-j, --json', 'print JSON, one object per line')
    .action(async (options: MonitorFlags) => {
      requireRoot();
      const { monitor } = await import('./events/monitor.js');
      await monitor(options);
    });
}
