import { awaitNeighbours, findUnreachable } from '../ebpf/unreachable.js';
import { removalGuard, drains } from '../reconcile/removal-guard.js';
import type { Intent } from '../intent/types.js';
import type { ResourceName, Plan } from '../plan/plan.js';
import type { Report, StateDiff } from '../reconcile/change.js';
import type { Unreachable } from '../ebpf/unreachable.js';
import type { Instance } from './instance.js';

export interface ApplyOptions {
  /** Past the guard against mass removal, and beside a running agent. */
  force?: boolean;
}

export interface ApplyReport extends Report {
  /** What the plan leaves undone. */
  warnings: string[];
  /** What the fast path cannot send packets to, however long it has waited. */
  unreachable: Unreachable[];
}

/** What an intent asks for, and what the kernel has. */
export interface Comparison extends StateDiff {
  warnings: string[];
  unreachable: Unreachable[];
}

const UNDERLAY: ReadonlySet<ResourceName> = new Set(['bpf-underlay']);

/**
 * Converges once, and waits until the fast path knows its neighbours on the underlay, some seconds at most.
 *
 * @param intent scoped to the node
 * @throws BrakeError when the intent takes too many ports away, WriterError while an agent works on the node; nothing was
 * touched
 */
export async function applyOnce(
  instance: Instance,
  intent: Intent,
  { force }: ApplyOptions = {},
): Promise<ApplyReport> {
  if (force !== true) instance.refuseBesideWriter();
  return instance.withNodeLock(async () => {
    // One may have started while this waited.
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

/** Gives the fast path what neighbours answer after it was built. @param report gets what was changed, and what could not be */
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

/** What applyOnce would do. */
export async function diffOnce(instance: Instance, intent: Intent): Promise<Comparison> {
  const { plan, warnings } = instance.prepare(intent);
  const diff = await instance.engine.diff(plan);
  instance.kernel.progress.end();
  return { ...diff, warnings, unreachable: findUnreachable(instance.kernel, plan['bpf-underlay']) };
}
