/**
 * A node's files for `show`. If there is a copy of their present versions (agent/intent-copy.ts), the modules for reading and checking files are
 * not loaded: zod and yaml take longer than everything else.
 */
import { RUN_ROOT } from '../agent/instance.js';
import { findCopy } from '../agent/intent-copy.js';
import type { NodeConfig } from '../intent/types.js';
import type { IntentOptions } from './node-options.js';
import type { ShownIntent } from './shown-intent.js';

export interface ShownFiles extends ShownIntent {
  config: NodeConfig;
}

/**
 * @param port the selected port: copies contain only ports of this node
 * @throws IntentError if the node file is unusable
 */
export async function readShownFiles(options: IntentOptions, port: string | undefined): Promise<ShownFiles> {
  const copy = options.file === undefined ? findCopy(RUN_ROOT, options.config) : undefined;
  const isHere = copy?.intent.ports.some((one) => one.name === port || one.interface === port) ?? false;
  if (copy !== undefined && (port === undefined || isHere)) return { ...copy, nodeOfPort: () => undefined };
  const { readConfig } = await import('./inputs.js');
  const { intentIfReadable } = await import('./shown-intent.js');
  return { config: readConfig(options), ...intentIfReadable(options) };
}
