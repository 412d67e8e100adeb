import { EXIT } from './exit.js';
import { withFleetOption } from './intent.js';
import { logLevelOption } from './log-level.js';
import type { Command } from 'commander';

/** `feed`: the relay between etcd and nodes. */
export function addFeedCommand(program: Command): void {
  withFleetOption(program.command('feed'))
    .description('run a feed, which follows the intent in etcd and sends each node its part')
    .addOption(logLevelOption())
    .option('--with-etcd', 'also run a single-member etcd, with its data in etcd.directory of the fleet file')
    .action(async (options: { config: string; logLevel: string; withEtcd?: boolean }) => {
      const { loadFleetConfig } = await import('../fleet/fleet-file.js');
      const config = loadFleetConfig(options.config);
      const { createLogger } = await import('../agent/log.js');
      const { Feed } = await import('../fleet/feed/feed.js');
      const log = createLogger({ level: options.logLevel, node: 'feed' });
      const feed = new Feed(config, log);
      const { EmbeddedEtcd } = await import('../fleet/feed/embedded-etcd.js');
      const etcd = options.withEtcd === true ? new EmbeddedEtcd(config.etcd, log) : undefined;
      for (const signal of ['SIGTERM', 'SIGINT'] as const) {
        process.once(signal, () => {
          feed.close();
          void (etcd?.close() ?? Promise.resolve()).then(() => process.exit(EXIT.ok));
        });
      }
      try {
        await etcd?.start();
        await feed.run();
      } finally {
        await etcd?.close();
      }
    });
}
