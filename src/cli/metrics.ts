import { CommandError } from './exit.js';
import { withNodeOptions } from './node-options.js';
import type { Command } from 'commander';
import type { NodeOptions } from './node-options.js';

/** Metrics require running nft, and counting entries of maps. */
const FIRST_MS = 30_000;

interface MetricsFlags extends NodeOptions {
  ports?: boolean;
  tenants?: boolean;
}

/** `metrics`: for node_exporter's textfile collector and collectd, without HTTP access to the agent. */
export function addMetricsCommand(program: Command): void {
  withNodeOptions(program.command('metrics'))
    .description("print the agent's metrics in the text format of Prometheus")
    .option('--ports', "print each port's traffic instead")
    .option('--tenants', "print each tenant's traffic instead")
    .action(async ({ config, ports, tenants }: MetricsFlags) => {
      const { answersTo, printAnswer, readProblem } = await import('./agent-client.js');
      const path = `/metrics${ports === true ? '/ports' : tenants === true ? '/tenants' : ''}`;
      let reason = 'start one with this node file (systemctl start segue, or segue agent)';
      for await (const answer of answersTo({ path, accept: 'text/plain', nodeFile: config, firstMs: FIRST_MS })) {
        if (answer.statusCode === 200 && (await printAnswer(answer))) return;
        const problem = await readProblem(answer);
        // Ignores agents of other nodes on the machine.
        if (problem !== undefined && problem.code !== 'other-node-file') reason = problem.detail;
      }
      throw new CommandError(`${config}: no agent answers: ${reason}`);
    });
}
