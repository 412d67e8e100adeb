import { Option } from 'commander';
import { CommandError, EXIT } from './exit.js';
import { withNodeOptions } from './node-options.js';
import type { Command } from 'commander';
import type { NodeOptions } from './node-options.js';

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const;

/** `dns`: the DNS service for VMs at 169.254.169.253. */
export function addDnsCommand(program: Command): void {
  withNodeOptions(program.command('dns'))
    .description('run the DNS service of this node, which answers VMs at 169.254.169.253')
    .addOption(new Option('--log-level <level>', 'lowest level to log').choices(LOG_LEVELS).default('info'))
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
      for (const signal of ['SIGTERM', 'SIGINT'] as const) {
        process.once(signal, () => {
          service.close();
          process.exit(EXIT.ok);
        });
      }
      await service.start();
    });
}
