import type { Difference } from '../plan/equal.js';
import type { ResourceName, PlanValue } from '../plan/plan.js';

export type Action = 'create' | 'replace' | 'delete';

/** One step from what the kernel has to what the plan says. */
export interface Change {
  kind: ResourceName;
  key: string;
  action: Action;
  desired?: PlanValue;
  actual?: PlanValue;
}

/** A change in words, for people and for `-j`. */
export interface ChangeText {
  kind: ResourceName;
  action: Action;
  object: string;
  differences: Difference[];
}

/** A change that could not be made. */
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

/** The changes from the kernel's state to a plan's. */
export interface StateDiff {
  changes: Change[];
  waiting: Waiting[];
  /** Devices of others that are attached, before any change. */
  attached: number;
}

/** What an application of changes did. */
export interface Report {
  /** Changes made, by kind and action. */
  done: Record<Action, number>;
  failures: Failure[];
  waiting: Waiting[];
  /** Objects that come only once everything else is in place, and were not made because something has failed. */
  heldBack: Change[];
}

export function emptyReport(): Report {
  return { done: { create: 0, replace: 0, delete: 0 }, failures: [], waiting: [], heldBack: [] };
}
