/** Opens a node's kernel for a command. */
import { Instance, pinDirectory } from '../agent/instance.js';
import { unreadablePins } from '../ebpf/available.js';
import { explained, isRoot, requireRightsFor } from './privilege.js';
import type { NodeConfig } from '../intent/types.js';

function open(config: NodeConfig, pins?: string): Instance {
  try {
    return new Instance(config, undefined, pins);
  } catch (error) {
    throw explained(error);
  }
}

/** Opens the node's kernel while a function runs. @throws CommandError if the process lacks privileges */
export async function withInstance<T>(config: NodeConfig, use: (instance: Instance) => Promise<T>): Promise<T> {
  requireRightsFor(config);
  const instance = open(config);
  try {
    return await use(instance);
  } finally {
    instance.close();
  }
}

/**
 * The same for commands that only read, of which root can use those parts that its capabilities allow. If libbpf cannot read the pinned objects,
 * only the kernel's state is shown.
 *
 * @param use gets the reason why pins cannot be read; undefined: they can
 */
export async function withReader<T>(
  config: NodeConfig,
  use: (instance: Instance, unreadable: string | undefined) => Promise<T>,
): Promise<T> {
  if (!isRoot()) requireRightsFor(config);
  const pins = pinDirectory(config.node);
  const unreadable = unreadablePins(pins);
  const instance = open(config, unreadable === undefined ? pins : `${pins}/unreadable`);
  try {
    return await use(instance, unreadable);
  } finally {
    instance.close();
  }
}
