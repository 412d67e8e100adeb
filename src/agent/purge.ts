import { rmSync } from 'node:fs';
import { emptyPlan } from '../plan/plan.js';
import type { Report } from '../reconcile/change.js';
import type { Instance } from './instance.js';

/** Removes all that is ours and puts back what was shared: the engine's work for a plan with nothing in it. */
export async function purge(instance: Instance): Promise<Report> {
  return instance.exclusively(async () => {
    const report = await instance.engine.converge(emptyPlan());
    if (report.failures.length === 0) rmSync(instance.runDirectory, { recursive: true, force: true });
    return report;
  });
}
