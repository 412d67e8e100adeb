import { CommandError, EXIT } from './exit.js';
import { logLevelOption } from './log-level.js';
import { withNodeOptions } from './node-options.js';
import { runService } from './service.js';
import type { Command } from 'commander';
import type { NodeOptions } from './node-options.js';

/** `dns`: the DNS service for VMs at 169.254.169.253. */
export function addDnsCommand(program: Command): void {
  withNodeOptions(program.command('dns'))
    .description('run the DNS service of this node, which answers VMs at 169.254.169.253')
    .addOption(logLevelOption())
    .action(async (options: NodeOptions & { logLevel: string }) => {
      const { loadNodeConfig } = await import('../intent/load.js');
      const config = loadNodeConfig(options.config);
      const { dns } = config;
      if (dns === undefined) {
        throw new CommandError(`${options.config}: dns: missing: expected resolver (docs/services.md)`, EXIT.badInput);
      }
      const { createLogger } = await import('../agent/log.js');
      const { DnsProcess } = await import('../dns/process.js');
      const service = new DnsProcess(config, dns, createLogger({ level: options.logLevel, node: config.node }));
      await runService(service);
    });
}
