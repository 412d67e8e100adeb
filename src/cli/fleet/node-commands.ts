/** `fleet status`, `top`, `drift`, and operators' orders for nodes: `drain`, `undrain`, `disable`, `enable`. */
import { withFleetOption } from '../intent.js';
import { readNumber } from '../options.js';
import type { Command } from 'commander';
import type { Authored, FleetOptions } from '../intent/store.js';

const MAX_SECONDS = 86_400;

export function addNodeCommands(fleet: Command): void {
  const command = (name: string, description: string): Command =>
    withFleetOption(fleet.command(name)).description(description).option('-j, --json', 'JSON');
  command('status', 'print how the nodes are; exit code 3: not all are well')
    .argument('[node]', 'all that is known of one node')
    .option('-a, --all', 'nodes that are well, too')
    .action(async (node: string | undefined, options: FleetOptions & { all?: boolean }) => {
      const { runStatus } = await import('./status.js');
      await runStatus(node, options);
    });
  command('top', 'print how long changes take to the kernel, and what agents cost')
    .option('--interval <seconds>', 'again and again, of what came since')
    .option('--count <n>', 'end after so many', '0')
    .action(async ({ interval, count, ...options }: FleetOptions & { interval?: string; count: string }) => {
      const seconds = interval === undefined ? 0 : readNumber('--interval', interval, 1, MAX_SECONDS, 'seconds');
      const times = readNumber('--count', count, 0, MAX_SECONDS);
      const { runTop } = await import('./top.js');
      await runTop(seconds, times, options);
    });
  command('drift', 'print what is not as it should be on any node; exit code 3: something is').action(
    async (options: FleetOptions) => {
      const { runDrift } = await import('./drift.js');
      await runDrift(options);
    },
  );
  const telling = (name: string, description: string): Command =>
    command(name, description)
      .argument('<node>', "the node's name")
      .requiredOption('--reason <text>', 'why, for the history')
      .option('--author <name>', 'who, for the history (default: the user and the machine)');
  telling('drain', 'give a network node no new flows').action(async (node: string, options: Authored) => {
    const { runDrain } = await import('./operate.js');
    await runDrain(node, true, options);
  });
  telling('undrain', 'take a drain back').action(async (node: string, options: Authored) => {
    const { runDrain } = await import('./operate.js');
    await runDrain(node, false, options);
  });
  telling('disable', 'take a node out of service: no new ports, no new flows; says when it is safe to reboot')
    .option('--wait <seconds>', 'wait so long until it is safe; exit code 1: it is not')
    .action(async (node: string, { wait, ...options }: Authored & { wait?: string }) => {
      const seconds = wait === undefined ? undefined : readNumber('--wait', wait, 0, MAX_SECONDS, 'seconds');
      const { runDisable } = await import('./operate.js');
      await runDisable(node, seconds, options);
    });
  telling('enable', 'take a node into service again').action(async (node: string, options: Authored) => {
    const { runEnable } = await import('./operate.js');
    await runEnable(node, options);
  });
}
