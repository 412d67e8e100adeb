import { CommandError, EXIT } from './exit.js';
import { logLevelOption } from './log-level.js';
import { withNodeOptions } from './node-options.js';
import { runService } from './service.js';
import type { Command } from 'commander';
import type { NodeOptions } from './node-options.js';

/** `metadata`: the metadata service for VMs at 169.254.169.254. */
export function addMetadataCommand(program: Command): void {
  withNodeOptions(program.command('metadata'))
    .description('run the metadata service of this node, which answers VMs at 169.254.169.254')
    .addOption(logLevelOption())
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
      await runService(service);
    });
}
