import type { Difference } from '../plan/equal.js';
import type { ResourceName, PlanValue } from '../plan/plan.js';

export type Action = 'create' | 'replace' | 'delete';

/** A step from the kernel's state to the plan. */
export interface Change {
  kind: ResourceName;
  key: string;
  action: Action;
  desired?: PlanValue;
  actual?: PlanValue;
}

/** A change as text, for logs, for people and for `-j`. */
export interface ChangeText {
  kind: ResourceName;
  action: Action;
  object: string;
  differences: Difference[];
}

/** A change that failed. */
export interface Failure {
  kind: ResourceName;
  key: string;
  object: string;
  error: Error;
}

/** An object that waits for a device. */
export interface Waiting {
  kind: ResourceName;
  key: string;
  device: string;
}

/** The difference between the kernel's state and a plan. */
export interface StateDiff {
  changes: Change[];
  waiting: Waiting[];
  /** Number of foreign devices (`isDevice: 'attached'`) attached before any change. */
  attached: number;
}

/** The result of applying changes. */
export interface Report {
  /** Number of changes made, by action. */
  done: Record<Action, number>;
  failures: Failure[];
  waiting: Waiting[];
  /** Objects of resources with `awaitsAll` that were not made because another change had failed. */
  heldBack: Change[];
}

export function emptyReport(): Report {
  return { done: { create: 0, replace: 0, delete: 0 }, failures: [], waiting: [], heldBack: [] };
}
