/** `fleet status`, `top`, `drift`, and operators' orders for nodes: `drain`, `undrain`, `disable`, `enable`. */
import { withFleetOption } from '../intent.js';
import { readNumber } from '../options.js';
import type { Command } from 'commander';
import type { Authored, FleetOptions } from '../intent/store.js';

const MAX_SECONDS = 86_400;

export function addNodeCommands(fleet: Command): void {
  const command = (name: string, description: string): Command =>
    withFleetOption(fleet.command(name)).description(description).option('-j, --json', 'print JSON');
  command('status', 'print the state of the nodes; exit code 3: not all are ok')
    .argument('[node]', 'print everything that is known about this node')
    .option('-a, --all', 'include nodes that are ok')
    .action(async (node: string | undefined, options: FleetOptions & { all?: boolean }) => {
      const { runStatus } = await import('./status.js');
      await runStatus(node, options);
    });
  command('top', 'print how long changes take to reach the kernel, and what the agents cost')
    .option('--interval <seconds>', 'repeat at this interval, each time for the changes since')
    .option('--count <n>', 'stop after this many', '0')
    .action(async ({ interval, count, ...options }: FleetOptions & { interval?: string; count: string }) => {
      const seconds = interval === undefined ? 0 : readNumber('--interval', interval, 1, MAX_SECONDS, 'seconds');
      const times = readNumber('--count', count, 0, MAX_SECONDS);
      const { runTop } = await import('./top.js');
      await runTop(seconds, times, options);
    });
  command('drift', 'print drift, failures and findings of the doctor on all nodes; exit code 3: there are some').action(
    async (options: FleetOptions) => {
      const { runDrift } = await import('./drift.js');
      await runDrift(options);
    },
  );
  const telling = (name: string, description: string): Command =>
    command(name, description)
      .argument('<node>', "the node's name")
      .requiredOption('--reason <text>', 'the reason, for the history')
      .option('--author <name>', 'the author, for the history (default: the user and the machine)');
  telling('drain', 'drain a network node: it gets no new flows').action(async (node: string, options: Authored) => {
    const { runDrain } = await import('./operate.js');
    await runDrain(node, true, options);
  });
  telling('undrain', 'end a drain').action(async (node: string, options: Authored) => {
    const { runDrain } = await import('./operate.js');
    await runDrain(node, false, options);
  });
  telling('disable', 'take a node out of service: no new ports, no new flows; says whether it is safe to reboot')
    .option('--wait <seconds>', 'wait up to this long until it is safe; exit code 1: it is not safe yet')
    .action(async (node: string, { wait, ...options }: Authored & { wait?: string }) => {
      const seconds = wait === undefined ? undefined : readNumber('--wait', wait, 0, MAX_SECONDS, 'seconds');
      const { runDisable } = await import('./operate.js');
      await runDisable(node, seconds, options);
    });
  telling('enable', 'put a node back into service').action(async (node: string, options: Authored) => {
    const { runEnable } = await import('./operate.js');
    await runEnable(node, options);
  });
}
