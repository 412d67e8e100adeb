import { awaitNeighbours, findUnreachable } from '../ebpf/unreachable.js';
import { removalGuard, drains } from '../reconcile/removal-guard.js';
import type { Intent } from '../intent/types.js';
import type { ResourceName, Plan } from '../plan/plan.js';
import type { Report, StateDiff } from '../reconcile/change.js';
import type { Unreachable } from '../ebpf/unreachable.js';
import type { Instance } from './instance.js';

export interface ApplyOptions {
  /** Skips the removal guard, and runs even while an agent holds the node. */
  force?: boolean;
}

export interface ApplyReport extends Report {
  /** Parts of the intent that the plan cannot carry out. */
  warnings: string[];
  /** Next hops that the fast path could not resolve before the time-out. */
  unreachable: Unreachable[];
}

/** The difference between the plan for an intent and the kernel's state. */
export interface Comparison extends StateDiff {
  warnings: string[];
  unreachable: Unreachable[];
}

const UNDERLAY: ReadonlySet<ResourceName> = new Set(['bpf-underlay']);

/**
 * Converges once, then waits some seconds at most for the fast path's underlay neighbours to resolve.
 *
 * @param intent scoped to the node
 * @throws MassRemovalError if the intent removes too many ports, WriterError while an agent holds the node; in both cases nothing was changed
 */
export async function applyOnce(
  instance: Instance,
  intent: Intent,
  { force }: ApplyOptions = {},
): Promise<ApplyReport> {
  if (force !== true) instance.refuseBesideWriter();
  return instance.withNodeLock(async () => {
    // An agent may have started while this waited for the lock.
    if (force !== true) instance.refuseBesideWriter();
    const { plan, warnings } = instance.prepare(intent);
    const diff = await instance.engine.diff(plan);
    const removal = {
      held: diff.attached,
      left: plan.port.size,
      drains: drains(intent, instance.config.node),
    };
    const held = force ? undefined : removalGuard(diff.changes, removal);
    if (held !== undefined) throw held;
    const report = await instance.engine.converge(plan, diff);
    const unsaved = await instance.saveEdge(plan, report);
    const unreachable = await resolveUnderlay(instance, plan, report);
    return { ...report, warnings: unsaved === undefined ? warnings : [...warnings, unsaved], unreachable };
  });
}

/** Adds neighbours that resolve after the maps were written. @param report gets these changes and their failures */
async function resolveUnderlay(instance: Instance, plan: Plan, report: Report): Promise<Unreachable[]> {
  const { kernel, engine } = instance;
  const underlays = plan['bpf-underlay'];
  if (underlays.size === 0 || report.failures.length > 0) return [];
  if (await awaitNeighbours(kernel, underlays)) {
    const { done, failures, heldBack } = await engine.converge(plan, undefined, { resources: UNDERLAY });
    for (const action of ['create', 'replace', 'delete'] as const) report.done[action] += done[action];
    report.failures.push(...failures);
    report.heldBack.push(...heldBack);
  }
  return findUnreachable(kernel, underlays);
}

/** What applyOnce would change. */
export async function diffOnce(instance: Instance, intent: Intent): Promise<Comparison> {
  const { plan, warnings } = instance.prepare(intent);
  const diff = await instance.engine.diff(plan);
  instance.kernel.progress.end();
  return { ...diff, warnings, unreachable: findUnreachable(instance.kernel, plan['bpf-underlay']) };
}
