import { printError, print } from './print.js';
import { withNodeOptions } from './node-options.js';
import { requireCapabilities } from './privilege.js';
import type { Command } from 'commander';
import type { NodeOptions } from './node-options.js';

export function addEdgeCommand(program: Command): void {
  const edge = program.command('edge').description("manage the filter at the SR domain's edge");
  withNodeOptions(edge.command('load'))
    .description(
      'load the filter at boot: the one that was last in force, or one made from the node file and the intent',
    )
    .action(async ({ config }: NodeOptions) => {
      requireCapabilities(['CAP_NET_ADMIN']);
      const { loadEdge } = await import('../app/edge-boot.js');
      const { from, problems } = await loadEdge(config);
      for (const problem of problems) printError(problem);
      print(`edge loaded: ${from}`);
    });
}
