import { pinDirectory } from '../../agent/instance.js';
import { readFacts } from '../../agent/facts.js';
import { viewOf } from '../../app/planning.js';
import { unreadablePins } from '../../ebpf/available.js';
import { Names } from './names.js';
import type { Instance } from '../../agent/instance.js';
import type { Intent } from '../../intent/types.js';
import type { ObservedNode } from '../../reconcile/observation.js';

/** The context of every `show`: the kernel, the intent, and names of objects in the kernel. */
export interface ShowContext extends ObservedNode {
  names: Names;
  /** May lack the ports on other nodes. */
  intent: Intent | undefined;
  /** The node of a port, whichever it is; undefined: the intent has no such port. */
  nodeOfPort: (name: string) => string | undefined;
  /** Why pinned objects cannot be read; undefined: they can. */
  unreadable: string | undefined;
}

/**
 * @param intent scoped to the node; undefined: only the kernel's state
 * @param nodeOfPort required if the intent may lack the ports on other nodes
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
  return {
    ...{ config, kernel, names, intent, nodeOfPort, unreadable },
    view: () => intent && viewOf(config, readFacts(kernel, config, intent), intent),
    plan: () => intent && instance.plan(intent),
  };
}
