import { Option } from 'commander';
import { CommandError, EXIT } from './exit.js';
import { withNodeOptions } from './node-options.js';
import type { Command } from 'commander';
import type { NodeOptions } from './node-options.js';

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const;

/** `metadata`: the metadata service for VMs at 169.254.169.254. */
export function addMetadataCommand(program: Command): void {
  withNodeOptions(program.command('metadata'))
    .description('run the metadata service of this node, which answers VMs at 169.254.169.254')
    .addOption(new Option('--log-level <level>', 'lowest level to log').choices(LOG_LEVELS).default('info'))
    .action(async (options: NodeOptions & { logLevel: string }) => {
      const { loadNodeConfig } = await import('../intent/load.js');
      const config = loadNodeConfig(options.config);
      const { metadata } = config;
      if (metadata === undefined) {
        throw new CommandError(
          `${options.config}: metadata: missing: expected files: true, or upstream and secret (docs/services.md)`,
          EXIT.badInput,
        );
      }
      const { createLogger } = await import('../agent/log.js');
      const { MetadataProcess } = await import('../metadata/process.js');
      const service = new MetadataProcess(
        config,
        metadata,
        createLogger({ level: options.logLevel, node: config.node }),
      );
      for (const signal of ['SIGTERM', 'SIGINT'] as const) {
        process.once(signal, () => {
          service.close();
          process.exit(EXIT.ok);
        });
      }
      await service.start();
    });
}
