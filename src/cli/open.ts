/** A node's kernel, opened for a command. */
import { Instance, pinDirectory } from '../agent/instance.js';
import { unreadablePins } from '../ebpf/available.js';
import { CommandError } from './exit.js';
import type { NodeConfig } from '../intent/types.js';

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
