import { emptyPlan } from '../app/planning.js';
import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { EdgeFile } from '../edge/edge-file.js';
import { withNodeLock } from '../kernel/lock.js';
import { emptyReport } from '../reconcile/change.js';
import { pinDirectory, RUN_ROOT } from './instance.js';
import { WriterLock } from './writer.js';
import type { NodeConfig } from '../intent/types.js';
import type { Failure, Report } from '../reconcile/change.js';
import type { Instance } from './instance.js';

export interface PurgeOptions {
  /** Seconds between the withdrawal of the locator's announcement and the removal of the rest. */
  graceSeconds?: number;
  /** Name of the node file, shown to other commands that are refused meanwhile. */
  file?: string;
}

/**
 * Removes all of segue's objects and restores shared settings, by converging on an empty plan. The locator's announcement is removed first; nothing
 * else is removed before it. Objects that remain at the end are reported as failures.
 *
 * @throws WriterError while an agent holds the node; nothing was changed
 */
export async function purge(instance: Instance, { graceSeconds = 0, file = '' }: PurgeOptions = {}): Promise<Report> {
  const writer = await instance.holdWriter('purge', file);
  try {
    return await instance.withNodeLock(() => removeAll(instance, graceSeconds));
  } finally {
    writer.release();
  }
}

/**
 * Purges a node whose network namespace no longer exists: only the pins and the node's files remain to be removed.
 *
 * @throws WriterError while an agent holds the node; nothing was changed
 */
export async function purgeWithoutNetns({ node, netns }: NodeConfig, file: string): Promise<Report> {
  const place = { node, ...(netns !== undefined && { netns }), runRoot: RUN_ROOT };
  const writer = await WriterLock.take(place, { command: 'purge', file });
  try {
    const runDirectory = `${RUN_ROOT}/${node}`;
    await withNodeLock(runDirectory, async () => {
      for (const path of [pinDirectory(node), runDirectory]) rmSync(path, { recursive: true, force: true });
      await new EdgeFile(node, netns).remove();
    });
  } finally {
    writer.release();
  }
  return emptyReport();
}

async function removeAll(instance: Instance, graceSeconds: number): Promise<Report> {
  const { engine } = instance;
  const withdrawal = await engine.converge(emptyPlan(), undefined, {
    resources: new Set(engine.order.filter((name) => engine.resource(name)?.awaitsAll)),
  });
  if (withdrawal.failures.length > 0) return withdrawal;
  if (withdrawal.done.delete > 0 && graceSeconds > 0) await sleep(graceSeconds * 1000);
  const report = await engine.converge(emptyPlan());
  report.done.delete += withdrawal.done.delete;
  if (report.failures.length === 0) report.failures.push(...(await remains(instance)));
  if (report.failures.length === 0) {
    rmSync(instance.runDirectory, { recursive: true, force: true });
    await instance.edgeFile.remove();
  }
  return report;
}

/** Objects of segue's that still exist. */
async function remains({ engine }: Instance): Promise<Failure[]> {
  const { changes } = await engine.diff(emptyPlan());
  return changes.map((change) => {
    const { object } = engine.text(change);
    return { kind: change.kind, key: change.key, object, error: new Error('it still exists') };
  });
}
