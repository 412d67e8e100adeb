/** Reads and checks a node's files. */
import { resolve } from 'node:path';
import { readNodeIntent } from '../agent/node-intent.js';
import { loadNodeConfig } from '../intent/load.js';
import type { NodeIntent } from '../agent/node-intent.js';
import type { Intent, NodeConfig } from '../intent/types.js';
import type { IntentOptions } from './node-options.js';

export function readConfig({ config, file }: IntentOptions): NodeConfig {
  const node = loadNodeConfig(config);
  if (file === undefined) return node;
  const fromFile = { ...node, intent: resolve(file) };
  delete fromFile.feeds;
  return fromFile;
}

export interface Inputs {
  config: NodeConfig;
  /** The part that is relevant to the node. */
  intent: Intent;
  /** The intent as read, with digest and signature. */
  read: NodeIntent;
}

/** Reads and checks both files. @throws IntentError */
export function readInputs(options: IntentOptions): Inputs {
  const config = readConfig(options);
  const read = readNodeIntent(config, options.config);
  if (read.intent === undefined) throw new Error(`${config.intent}: nothing was read`);
  return { config, intent: read.intent, read };
}
