import { pinDirectory } from '../../agent/instance.js';
import { unreadablePins } from '../../ebpf/available.js';
import { Names } from './names.js';
import type { Instance } from '../../agent/instance.js';
import type { NodeConfig, Intent } from '../../intent/types.js';
import type { Kernel } from '../../kernel/kernel.js';
import type { Plan } from '../../plan/plan.js';

/** What every `show` works with: the kernel, and names for what is in it. */
export interface ShowContext {
  config: NodeConfig;
  kernel: Kernel;
  names: Names;
  /** The node's plan, made when asked for; undefined when the intent cannot be read. */
  plan: () => Plan | undefined;
  /** Perhaps without the ports on other nodes. */
  intent: Intent | undefined;
  /** The node that a port is on, wherever that is; undefined: the intent has no such port. */
  nodeOfPort: (name: string) => string | undefined;
  /** Why what is pinned cannot be read; undefined: it can. */
  unreadable: string | undefined;
}

/**
 * @param intent scoped to the node; undefined: the kernel alone
 * @param nodeOfPort where the intent may be without the ports on other nodes
 */
export function showContext(
  instance: Instance,
  intent: Intent | undefined,
  nodeOfPort = (name: string): string | undefined => intent?.ports.find((port) => port.name === name)?.node,
): ShowContext {
  const { kernel, config } = instance;
  kernel.links.refresh();
  const names = new Names(kernel, config.node, intent);
  const unreadable = unreadablePins(pinDirectory(config.node));
  return { config, kernel, names, intent, nodeOfPort, unreadable, plan: () => intent && instance.plan(intent) };
}
