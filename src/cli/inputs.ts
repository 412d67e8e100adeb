import { resolve } from 'node:path';
import { Instance, pinDirectory, runDirectory } from '../agent/instance.js';
import { readIntentCopy } from '../agent/intent-copy.js';
import { readNodeIntent } from '../agent/node-intent.js';
import { unreadablePins } from '../ebpf/available.js';
import { checkNodeInIntent, loadNodeConfig } from '../intent/load.js';
import { fileSignature } from '../intent/signature.js';
import { CommandError } from './exit.js';
import { complain } from './print.js';
import type { Command } from 'commander';
import type { NodeIntent } from '../agent/node-intent.js';
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
  return withNodeOptions(command).option('-f, --file <intent.yaml>', "an intent instead of the node file's");
}

export function readConfig({ config, file }: IntentOptions): NodeConfig {
  const node = loadNodeConfig(config);
  return file === undefined ? node : { ...node, intent: resolve(file) };
}

export interface Inputs {
  config: NodeConfig;
  /** As far as it concerns the node. */
  intent: Intent;
  /** As it was read. */
  read: NodeIntent;
}

/** Both files, checked. @throws IntentError */
export function readInputs(options: IntentOptions): Inputs {
  const config = readConfig(options);
  const read = readNodeIntent(config, options.config);
  if (read.intent === undefined) throw new Error(`${config.intent}: nothing was read`);
  return { config, intent: read.intent, read };
}

/** What commands that only show know of the intent. */
export interface ShownIntent {
  /** Without the ports on other nodes where there is a copy of the file (intent-copy.ts); undefined: it cannot be read. */
  intent: Intent | undefined;
  nodeOfPort: (name: string) => string | undefined;
}

/** The node's part of the intent, from the copy if there is one; when it cannot be read, standard error says why. */
export function intentIfReadable(options: IntentOptions): ShownIntent {
  let whole: Intent | undefined;
  const nodeOfPort = (name: string): string | undefined => {
    whole ??= wholeIfReadable(options);
    return whole?.ports.find((port) => port.name === name)?.node;
  };
  try {
    const config = readConfig(options);
    const copy = readIntentCopy(runDirectory(config.node), config, fileSignature(config.intent));
    if (copy !== undefined) {
      checkNodeInIntent(config, copy, options.config);
      return { intent: copy, nodeOfPort };
    }
  } catch {
    // What is wrong with the files is said below.
  }
  whole = wholeIfReadable(options);
  return { intent: whole, nodeOfPort };
}

function wholeIfReadable(options: IntentOptions): Intent | undefined {
  try {
    return readInputs(options).intent;
  } catch (error) {
    const [first] = error instanceof Error ? error.message.split('\n') : [String(error)];
    complain(`names are the kernel's alone, the intent cannot be used: ${first ?? ''}`);
    return undefined;
  }
}

function open(config: NodeConfig, pins?: string): Instance {
  try {
    return new Instance(config, undefined, pins);
  } catch (error) {
    throw explained(error);
  }
}

/** What the kernel refused to a user that is not root, with what it takes; any other error as it is. */
export function explained(error: unknown): unknown {
  const isRefused = error instanceof Error && /\b(EPERM|EACCES)\b/.test(error.message);
  if (!isRefused || process.geteuid?.() === 0) return error;
  return new CommandError(
    `not permitted: run as root, or with CAP_NET_ADMIN, for a fast path CAP_BPF and CAP_PERFMON as well, for netns: CAP_SYS_ADMIN (${error.message})`,
  );
}

/** Opens the node's kernel for the length of a function. */
export async function withInstance<T>(config: NodeConfig, use: (instance: Instance) => Promise<T>): Promise<T> {
  const instance = open(config);
  try {
    return await use(instance);
  } finally {
    instance.close();
  }
}

/**
 * The same for who only looks. Where libbpf cannot read what is pinned, the kernel alone is shown, as if nothing were pinned.
 *
 * @param use is told why pins cannot be read, undefined where they can
 */
export async function withReader<T>(
  config: NodeConfig,
  use: (instance: Instance, unreadable: string | undefined) => Promise<T>,
): Promise<T> {
  const pins = pinDirectory(config.node);
  const unreadable = unreadablePins(pins);
  const instance = open(config, unreadable === undefined ? pins : `${pins}/unreadable`);
  try {
    return await use(instance, unreadable);
  } finally {
    instance.close();
  }
}
