import { Reconciler } from './reconciler.js';
import { FEATURES, ALL_RESOURCES } from '../app/features.js';
import { Followers } from './invalidations.js';
import { Instance } from './instance.js';
import { KernelWatcher } from './kernel-watcher.js';
import type { ResourceTable } from '../reconcile/resource.js';
import type { NodeConfig } from '../intent/types.js';
import type { Logger } from './log.js';
import type { WatchOptions } from './kernel-watcher.js';
import type { Telemetry } from './telemetry.js';
import type { WriterLock } from './writer.js';

export interface SessionOptions {
  configFile: string;
  log: Logger;
  /** A subset of the resources, for kernels that do not support all. */
  resources?: ResourceTable;
  telemetry?: Telemetry;
  /** The node's directory of pins; default: the usual one. */
  pinDirectory?: string;
}

/** An agent's work in one network namespace. A namespace that takes over its name gets a new session. */
export class Session {
  readonly instance: Instance;
  readonly reconciler: Reconciler;
  readonly followers: Followers;
  readonly #configFile: string;
  readonly #log: Logger;
  readonly #routines: NodeJS.Timeout[] = [];
  #watch: KernelWatcher | undefined;
  #writer: WriterLock | undefined;

  /** @throws NetnsError while the namespace does not exist */
  constructor(
    config: NodeConfig,
    { configFile, log, telemetry, resources = ALL_RESOURCES, pinDirectory }: SessionOptions,
  ) {
    this.instance = new Instance(config, resources, pinDirectory);
    this.followers = new Followers(resources, FEATURES);
    this.reconciler = new Reconciler(this.instance, this.followers, log, telemetry);
    this.#configFile = configFile;
    this.#log = log;
  }

  /**
   * Locks the node and subscribes to the kernel's notifications.
   *
   * @throws WriterError while another agent holds the node, or its namespace under another node name
   */
  async open(options: WatchOptions): Promise<void> {
    try {
      this.#writer = await this.instance.holdWriter('agent', this.#configFile);
      // Subscribe before the first dump, so that no change is missed.
      this.#watch = new KernelWatcher(this.instance.kernel, options);
      this.instance.kernel.fastpath.pins.keep();
      this.#beginRoutines();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Starts the features' periodic work, whose failures do not end the agent. */
  #beginRoutines(): void {
    for (const { name, routine } of FEATURES) {
      if (routine === undefined) continue;
      const run = (): void => {
        routine.run(this.instance.kernel).catch((error: unknown) => {
          this.#log.warn({ err: error, feature: name }, 'a periodic task of a feature failed');
        });
      };
      run();
      this.#routines.push(setInterval(run, routine.everyMs).unref());
    }
  }

  /** Ends the subscriptions; the current task goes on. */
  deafen(): void {
    for (const routine of this.#routines.splice(0)) clearInterval(routine);
    this.#watch?.close();
    this.#watch = undefined;
  }

  /** Leaves the kernel's state in place. */
  close(): void {
    this.deafen();
    this.instance.close();
    this.#writer?.release();
    this.#writer = undefined;
  }
}
