/**
 * A node's files for `show`. Where there is a copy of both as they are now (agent/intent-copy.ts), nothing is loaded that reads and checks
 * files: zod and yaml take longer than all the rest.
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
 * @param port the port asked for: a copy knows none of another node
 * @throws IntentError for a node file that cannot be used
 */
export async function readShownFiles(options: IntentOptions, port: string | undefined): Promise<ShownFiles> {
  const copy = options.file === undefined ? findCopy(RUN_ROOT, options.config) : undefined;
  const isHere = copy?.intent.ports.some((one) => one.name === port || one.interface === port) ?? false;
  if (copy !== undefined && (port === undefined || isHere)) return { ...copy, nodeOfPort: () => undefined };
  const { readConfig } = await import('./inputs.js');
  const { intentIfReadable } = await import('./shown-intent.js');
  return { config: readConfig(options), ...intentIfReadable(options) };
}
