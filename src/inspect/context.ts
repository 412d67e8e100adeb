import { Names } from './names.js';
import type { Instance } from '../agent/instance.js';
import type { NodeConfig, Intent } from '../intent/types.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Plan } from '../plan/plan.js';

/** What every `show` works with: the kernel, and names for what is in it. */
export interface ShowContext {
  config: NodeConfig;
  kernel: Kernel;
  names: Names;
  /** The node's plan, made when asked for; undefined when the intent cannot be read. */
  plan: () => Plan | undefined;
  intent: Intent | undefined;
}

/** @param intent scoped to the node; undefined: the kernel alone */
export function showContext(instance: Instance, intent: Intent | undefined): ShowContext {
  const { kernel, config } = instance;
  kernel.links.refresh();
  const names = new Names(kernel, config.node, intent);
  return { config, kernel, names, intent, plan: () => intent && instance.plan(intent) };
}
