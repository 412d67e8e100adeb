import { planAll, planWarnings, viewOf } from '../app/planning.js';
import { EdgeFile, STATE_ROOT } from '../edge/edge-file.js';
import { openKernel } from '../app/kernel.js';
import type { Kernel } from '../kernel/kernel.js';
import { withNodeLock } from '../kernel/lock.js';
import { unpin } from 'libbpf-ts';
import { Engine } from '../reconcile/engine.js';
import { ALL_RESOURCES } from '../app/features.js';
import { readFacts, requireFacts } from './facts.js';
import { RUN_ROOT, runDirectory } from './run-directory.js';
import { refuseBesideWriter, WriterLock } from './writer.js';
import type { Intent, NodeConfig } from '../intent/types.js';
import type { ResourceTable } from '../reconcile/resource.js';
import type { Plan } from '../plan/plan.js';
import type { Report } from '../reconcile/change.js';
import type { Writer, WriterPlace } from './writer.js';

export { RUN_ROOT, runDirectory };

/** Directories that segue keeps for a node; purge removes them. */
export function nodeDirectories(node: string): string[] {
  return [runDirectory(node), `${STATE_ROOT}/${node}`];
}

/** Pins of all nodes of a machine, in a directory for each node. */
export const PIN_ROOT = '/sys/fs/bpf/segue';

/** A node's directory of pins. bpffs allows no dots in names (bpf_lookup, kernel/bpf/inode.c). */
export function pinDirectory(node: string): string {
  return `${PIN_ROOT}/${node.replaceAll('%', '%25').replaceAll('.', '%2e')}`;
}

/** A node's handles of its kernel and files, on which all commands work. */
export class Instance {
  readonly config: NodeConfig;
  readonly runDirectory: string;
  readonly kernel: Kernel;
  readonly engine: Engine;
  /** The edge ruleset for the next boot. */
  readonly edgeFile: EdgeFile;
  readonly #hasEdge: boolean;

  /** @param pins the node's directory of pins */
  constructor(config: NodeConfig, resources: ResourceTable = ALL_RESOURCES, pins = pinDirectory(config.node)) {
    this.config = config;
    this.runDirectory = runDirectory(config.node);
    this.kernel = openKernel({
      ...(config.netns !== undefined && { netns: config.netns }),
      runDirectory: this.runDirectory,
      pinDirectory: pins,
      responderAlone: config.dataplane === 'kernel',
    });
    this.engine = new Engine(this.kernel, resources);
    this.#hasEdge = resources.edge !== undefined;
    this.edgeFile = new EdgeFile(config.node, config.netns);
  }

  /**
   * Plans an intent for the present state of the machine. Returns the plan, and warnings for parts that it cannot carry out.
   *
   * @throws FastpathMissingError
   */
  prepare(intent: Intent): { plan: Plan; warnings: string[] } {
    this.#readMachine();
    const view = viewOf(this.config, requireFacts(this.kernel, this.config, intent), intent);
    return { plan: planAll(view), warnings: planWarnings(view) };
  }

  /** Refreshes the devices and the saved settings: another process, or another instance of this one, may have changed them. */
  #readMachine(): void {
    this.kernel.links.refresh();
    this.kernel.savedSettings.forgetRead();
  }

  /** The plan for commands that only read. */
  plan(intent: Intent): Plan {
    this.#readMachine();
    return planAll(viewOf(this.config, readFacts(this.kernel, this.config, intent), intent));
  }

  /** Locks the node and its namespace for the life of an agent or of a purge. @throws WriterError */
  holdWriter(command: Writer['command'], file: string): Promise<WriterLock> {
    return WriterLock.take(this.#place, { command, file });
  }

  /** @throws WriterError while an agent holds the node, or its namespace under another node name */
  refuseBesideWriter(): void {
    refuseBesideWriter(this.#place);
  }

  get #place(): WriterPlace {
    const { node, netns } = this.config;
    return { node, ...(netns !== undefined && { netns }), runRoot: RUN_ROOT };
  }

  /**
   * Saves the edge ruleset for the next boot if it is in force. A failed write, such as on a full disk, does not fail the convergence.
   *
   * @returns the error message, if any
   */
  async saveEdge(plan: Plan, { failures }: Report): Promise<string | undefined> {
    if (!this.#hasEdge || plan.edge.size === 0 || failures.some(({ kind }) => kind === 'edge')) return undefined;
    try {
      await this.edgeFile.save(plan.edge.values());
      return undefined;
    } catch (error) {
      return `the edge could not be saved for the next boot: ${error instanceof Error ? error.message : String(error)}`;
    }
  }

  /** Runs a function that changes the kernel, one process at a time. @throws LockedError, PinsLostError */
  withNodeLock<T>(use: () => Promise<T>): Promise<T> {
    const { savedSettings: remembered, fastpath, progress } = this.kernel;
    return withNodeLock(this.runDirectory, async () => {
      remembered.forgetRead();
      fastpath.pins.restore();
      fastpath.beginExclusiveWrite();
      try {
        return await use();
      } finally {
        progress.end();
        fastpath.pins.sync();
      }
    });
  }

  /** Discards pinned links and saved settings of the former namespace, after another namespace took its name. */
  beginAnew(): void {
    const { fastpath, savedSettings: remembered } = this.kernel;
    fastpath.pins.note();
    for (const { path } of fastpath.links()) unpin(path);
    remembered.clear();
  }

  close(): void {
    this.kernel.close();
  }
}
