import { withIntentOptions } from './inputs.js';
import type { Command } from 'commander';
import type { MonitorFlags } from './watch/monitor.js';

export function addMonitorCommand(program: Command): void {
  withIntentOptions(program.command('monitor'))
    .description('what the fast path drops and hands to the kernel, as it happens; ends with Ctrl-C')
    .option('-r, --reason <reason...>', 'only these: as in show counters ("no member"), or drop, or punt')
    .option('-t, --tenant <name>', "only this tenant's packets")
    .option('-p, --port <port>', "only this port's: a port of the intent, or its interface")
    .option('--rate <n>', 'packets a second of each reason and CPU, 0: all', '10')
    .option('-j, --json', 'JSON, an object a line')
    .action(async (options: MonitorFlags) => {
      const { monitor } = await import('./watch/monitor.js');
      await monitor(options);
    });
}
