/** The options for a node's files, common to all commands. */
import type { Command } from 'commander';

export const DEFAULT_NODE_FILE = '/etc/segue/node.yaml';

export interface NodeOptions {
  config: string;
}

export interface IntentOptions extends NodeOptions {
  /** Replaces the node file's intent. */
  file?: string;
}

export function withNodeOptions(command: Command): Command {
  return command.option('-c, --config <node.yaml>', 'the node file', DEFAULT_NODE_FILE);
}

export function withIntentOptions(command: Command): Command {
  return withNodeOptions(command).option(
    '-f, --file <intent.yaml>',
    'intent file to use instead of the one in the node file',
  );
}
