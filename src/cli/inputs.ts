import { resolve } from 'node:path';
import { Instance } from '../agent/instance.js';
import { checkNodeInIntent, loadIntent, loadNodeConfig } from '../intent/load.js';
import { scopeTo } from '../intent/scope.js';
import type { Command } from 'commander';
import type { Intent, NodeConfig } from '../intent/types.js';

export const DEFAULT_NODE_FILE = '/etc/segue/node.yaml';

export interface NodeOptions {
  config: string;
}

export interface IntentOptions extends NodeOptions {
  /** In the place of the intent that the node file names. */
  file?: string;
}

/** The options that name a node's files, the same on every command. */
export function withNodeOptions(command: Command): Command {
  return command.option('-c, --config <node.yaml>', 'the node file', DEFAULT_NODE_FILE);
}

export function withIntentOptions(command: Command): Command {
  return withNodeOptions(command).option('-f, --file <intent.yaml>', "an intent in place of the node file's");
}

export function readConfig({ config, file }: IntentOptions): NodeConfig {
  const node = loadNodeConfig(config);
  return file === undefined ? node : { ...node, intent: resolve(file) };
}

/**
 * Both files, checked.
 *
 * @returns the intent as far as it concerns the node
 * @throws IntentError
 */
export function readInputs(options: IntentOptions): { config: NodeConfig; intent: Intent } {
  const config = readConfig(options);
  const intent = loadIntent(config.intent);
  checkNodeInIntent(config, intent, options.config);
  return { config, intent: scopeTo(intent, config.node) };
}

/** Opens the node's kernel for the length of a function. */
export async function withInstance<T>(config: NodeConfig, use: (instance: Instance) => Promise<T>): Promise<T> {
  const instance = new Instance(config);
  try {
    return await use(instance);
  } finally {
    instance.close();
  }
}
