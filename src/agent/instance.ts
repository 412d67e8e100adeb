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

/** Where a node's files are, but for those of its user: gone once it is purged. */
export function nodeDirectories(node: string): string[] {
  return [runDirectory(node), `${STATE_ROOT}/${node}`];
}

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
  /** The edge for the next boot. */
  readonly edgeFile: EdgeFile;
  readonly #hasEdge: boolean;

  /** @param pins directory of the node's pins, where it is not the usual one */
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
   * The plan for an intent as things stand on this machine, and what it leaves undone.
   *
   * @throws FastpathMissingError
   */
  prepare(intent: Intent): { plan: Plan; warnings: string[] } {
    this.#readMachine();
    const view = viewOf(this.config, requireFacts(this.kernel, this.config, intent), intent);
    return { plan: planAll(view), warnings: planWarnings(view) };
  }

  /** Devices, and what was remembered: another process, or another instance of this one, may have written since. */
  #readMachine(): void {
    this.kernel.links.refresh();
    this.kernel.savedSettings.forgetRead();
  }

  /** The plan, for who only looks. */
  plan(intent: Intent): Plan {
    this.#readMachine();
    return planAll(viewOf(this.config, readFacts(this.kernel, this.config, intent), intent));
  }

  /** Holds the node and its namespace, for the life of an agent or of a purge. @throws WriterError */
  holdWriter(command: Writer['command'], file: string): Promise<WriterLock> {
    return WriterLock.take(this.#place, { command, file });
  }

  /** @throws WriterError while an agent works on the node, or on its namespace under another name */
  refuseBesideWriter(): void {
    refuseBesideWriter(this.#place);
  }

  get #place(): WriterPlace {
    const { node, netns } = this.config;
    return { node, ...(netns !== undefined && { netns }), runRoot: RUN_ROOT };
  }

  /**
   * Keeps the edge for the next boot, if it is in force. A disk that is full costs the next boot its edge, not this node its convergence.
   *
   * @returns what went wrong, in words
   */
  async saveEdge(plan: Plan, { failures }: Report): Promise<string | undefined> {
    if (!this.#hasEdge || plan.edge.size === 0 || failures.some(({ kind }) => kind === 'edge')) return undefined;
    try {
      await this.edgeFile.save(plan.edge.values());
      return undefined;
    } catch (error) {
      return `the edge is not saved for the next boot: ${error instanceof Error ? error.message : String(error)}`;
    }
  }

  /** Runs what alters the kernel, one process at a time. @throws LockedError, PinsLostError */
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

  /** Begins in a namespace that took the name of another: what is pinned at interfaces and remembered of settings is that one's. */
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
