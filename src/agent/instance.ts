import { Kernel } from '../kernel/kernel.js';
import { exclusively } from '../kernel/lock.js';
import { Engine } from '../reconcile/engine.js';
import { KERNEL_KINDS } from '../reconcile/kinds.js';
import { planAll } from '../plan/compile.js';
import { IntentView } from '../plan/view.js';
import { planWarnings } from '../plan/warnings.js';
import { readFacts, requireFacts } from './facts.js';
import type { Intent, NodeConfig } from '../intent/types.js';
import type { Kinds } from '../reconcile/engine.js';
import type { Plan } from '../plan/plan.js';

/** Run-time files of all nodes of a machine; each has a directory by its name. */
export const RUN_ROOT = '/run/segue';
/** Pins of all nodes of a machine; each has a directory by its name. */
export const PIN_ROOT = '/sys/fs/bpf/segue';

/** A node's directory of pins. A bpffs takes no dots in names (bpf_lookup, kernel/bpf/inode.c). */
export function pinDirectory(node: string): string {
  return `${PIN_ROOT}/${node.replaceAll('%', '%25').replaceAll('.', '%2e')}`;
}

/** One node's hold on the kernel: what every command works with. */
export class Instance {
  readonly config: NodeConfig;
  readonly runDirectory: string;
  readonly kernel: Kernel;
  readonly engine: Engine;

  /** @param pins directory of the node's pins, where it is not the usual one */
  constructor(config: NodeConfig, kinds: Kinds = KERNEL_KINDS, pins = pinDirectory(config.node)) {
    this.config = config;
    this.runDirectory = `${RUN_ROOT}/${config.node}`;
    this.kernel = new Kernel({
      ...(config.netns !== undefined && { netns: config.netns }),
      runDirectory: this.runDirectory,
      pinDirectory: pins,
      responderAlone: config.dataplane === 'kernel',
    });
    this.engine = new Engine(this.kernel, kinds);
  }

  /**
   * The plan for an intent as things stand on this machine, and what it leaves undone.
   *
   * @throws FastpathMissingError
   */
  prepare(intent: Intent): { plan: Plan; warnings: string[] } {
    this.kernel.links.refresh();
    const view = new IntentView(this.config, requireFacts(this.kernel, this.config, intent), intent);
    return { plan: planAll(view), warnings: planWarnings(view) };
  }

  /** The plan, for who only looks. */
  plan(intent: Intent): Plan {
    this.kernel.links.refresh();
    return planAll(new IntentView(this.config, readFacts(this.kernel, this.config, intent), intent));
  }

  /** Runs what alters the kernel, one process at a time. @throws LockedError */
  exclusively<T>(use: () => Promise<T>): Promise<T> {
    return exclusively(this.runDirectory, () => {
      this.kernel.remembered.forgetRead();
      this.kernel.fastpath.claim();
      return use();
    });
  }

  close(): void {
    this.kernel.close();
  }
}
