import { DEFAULT_NODE_FILE } from './node-options.js';
import { explained, requireCapabilities } from './privilege.js';
import type { Command } from 'commander';
import type { InitFlags } from './init/write.js';

const DEFAULT_INTENT = '/etc/segue/intent.yaml';

export function addInitCommand(program: Command): void {
  program
    .command('init')
    .description('write the node file of this machine from the intent and from the interfaces and routes found here')
    .option('-f, --file <file>', 'the intent file', DEFAULT_INTENT)
    .option('-o, --output <file>', 'the node file to write; -: standard output', DEFAULT_NODE_FILE)
    .option(
      '-n, --node <name>',
      "this node's name in the intent (default: the host's name, with or without its domain)",
    )
    .option('--netns <name>', 'a named network namespace to work in')
    .option('--uplink <name...>', 'underlay interfaces (default: those of the routes to the other nodes)')
    .option('--force', 'replace an existing node file')
    .option('-j, --json', 'print JSON')
    .action(async (flags: InitFlags) => {
      const { writeNodeFile } = await import('./init/write.js');
      requireCapabilities(['CAP_NET_ADMIN', ...(flags.netns === undefined ? [] : (['CAP_SYS_ADMIN'] as const))]);
      await writeNodeFile(flags).catch((error: unknown) => {
        throw explained(error);
      });
    });
}
