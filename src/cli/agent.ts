import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT } from './exit.js';
import { logLevelOption } from './log-level.js';
import { withIntentOptions } from './node-options.js';
import { readNumber } from './options.js';
import { explained, requireRightsFor, requireRoot } from './privilege.js';
import type { Command } from 'commander';
import type { AgentState } from '../agent/telemetry.js';
import type { AgentFacts } from '../fleet/node/agent-facts.js';
import type { IntentSource } from '../intent/source.js';
import type { NodeConfig } from '../intent/types.js';
import type { IntentOptions } from './node-options.js';

/** A day: Node.js timers are limited to 24 days (setInterval). */
const MAX_SWEEP_SECONDS = 86_400;

/**
 * How long the current task may continue after a stop was requested, in milliseconds. Ending it early is like killing the agent: the next one
 * continues from there. Another process's lock, or a slow nft, is not waited for.
 */
const STOP_MS = 1_000;

interface AgentFlags extends IntentOptions {
  logLevel: string;
  sweep: string;
  force?: boolean;
}

export function addAgentCommand(program: Command): void {
  withIntentOptions(program.command('agent'))
    .description('run the daemon: apply the intent, follow its changes, repair drift')
    .addOption(logLevelOption())
    .option('--sweep <seconds>', `interval of the full comparison with the kernel, 1 to ${MAX_SWEEP_SECONDS}`, '60')
    .option('--force', 'apply the first intent even if many ports would be removed')
    .action(async (options: AgentFlags) => {
      requireRoot();
      await run(options).catch((error: unknown) => {
        throw explained(error);
      });
    });
}

async function run(options: AgentFlags): Promise<void> {
  const sweepSeconds = readNumber('--sweep', options.sweep, 1, MAX_SWEEP_SECONDS, 'seconds');
  const { readConfig } = await import('./inputs.js');
  const config = readConfig(options);
  requireRightsFor(config);
  const { createLogger } = await import('../agent/log.js');
  const { Agent } = await import('../agent/agent.js');
  const { ApiHost } = await import('../api/api-host.js');
  const { exitNow } = await import('../kernel/exit.js');
  const { Keeper } = await import('../agent/keeper.js');
  const { runDirectory } = await import('../agent/run-directory.js');
  const configFile = resolve(options.config);
  let api: InstanceType<typeof ApiHost> | undefined;
  let keeper: InstanceType<typeof Keeper> | undefined;
  const log = createLogger({
    level: options.logLevel,
    node: config.node,
    onLine: (line) => {
      api?.event(line);
    },
  });
  const source = await feedSourceOf(config, configFile, () => agent.state);
  const agent = new Agent({
    config,
    configFile,
    ...(source && { source }),
    log,
    sweepSeconds,
    force: options.force === true,
    // Of two agents on a node, only the one that holds the node serves the API.
    onOpen: () => {
      agent.telemetry.watchLoop();
      const kept = new Keeper(agent.telemetry, runDirectory(config.node), log);
      kept.start();
      keeper = kept;
      const state = (): AgentState => {
        kept.save();
        return agent.state;
      };
      api = new ApiHost({
        configFile,
        config: () => agent.config,
        state,
        release: () => agent.release(),
        log,
      });
      api.start();
    },
    onConfig: () => {
      api?.configure();
    },
  });
  process.on('SIGUSR2', () => {
    agent.release();
  });
  process.on('SIGHUP', () => {
    agent.reload();
  });
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const)
      process.once(signal, () => {
        resolve();
      });
  });
  const started = agent.start();
  // Failures of a start are ignored once the agent is to stop.
  started.catch(() => undefined);
  await Promise.race([started, stopped]);
  await stopped;
  keeper?.stop();
  await Promise.all([api?.stop(), Promise.race([agent.stop(), sleep(STOP_MS)])]);
  exitNow(EXIT.ok);
}

/** gRPC is only loaded if the node file has feeds. */
async function feedSourceOf(
  config: NodeConfig,
  configFile: string,
  state: () => AgentState,
): Promise<IntentSource | undefined> {
  if (config.feeds === undefined) return undefined;
  const { FeedSource } = await import('../fleet/node/feed-source.js');
  const { agentFacts } = await import('../fleet/node/agent-facts.js');
  const { RegularDoctor } = await import('../fleet/node/regular-doctor.js');
  const { runDirectory } = await import('../agent/instance.js');
  const doctor = new RegularDoctor(process.argv[1] ?? '', configFile);
  doctor.start();
  const facts = (): AgentFacts => agentFacts(state(), doctor.found);
  return new FeedSource({ config, configFile, runDirectory: runDirectory(config.node), facts });
}
