import { resolve } from 'node:path';
import { createLogger } from '../agent/log.js';
import { readConfig, withIntentOptions } from './inputs.js';
import type { Command } from 'commander';
import type { IntentOptions } from './inputs.js';

interface AgentFlags extends IntentOptions {
  logLevel: string;
  sweep: string;
  force?: boolean;
}

export function addAgentCommand(program: Command): void {
  withIntentOptions(program.command('agent'))
    .description('the daemon: follows the intent, the interfaces and the kernel')
    .option('--log-level <level>', 'trace, debug, info, warn, error', 'info')
    .option('--sweep <seconds>', 'how often everything is compared, whatever was notified', '60')
    .option('--force', 'even if the intent takes many ports away at the start')
    .action(async (options: AgentFlags) => {
      const config = readConfig(options);
      const { Agent } = await import('../agent/agent.js');
      const agent = new Agent({
        config,
        configFile: resolve(options.config),
        log: createLogger({ level: options.logLevel, node: config.node }),
        sweepSeconds: Number(options.sweep),
        force: options.force === true,
      });
      process.on('SIGUSR2', () => {
        agent.release();
      });
      process.on('SIGHUP', () => {
        agent.reload();
      });
      const stopped = new Promise((resolve) => process.once('SIGTERM', resolve).once('SIGINT', resolve));
      await agent.start();
      await stopped;
      await agent.stop();
    });
}
