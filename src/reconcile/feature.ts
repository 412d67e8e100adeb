import type { IntentPart } from '../intent/part.js';
import type { Kernel, KernelOptions, KernelPart, KernelParts } from '../kernel/kernel.js';
import type { PlanFeature } from '../plan/feature.js';
import type { Observation } from './observation.js';
import type { Follows } from './follows.js';
import type { ResourceTable } from './resource.js';

/**
 * A feature: a folder with what it plans and how the kernel holds it. It registers all of it in its `feature.ts`, and src/app/features.ts names
 * it once; nothing else of the planner, the engine and the agent knows it.
 */
export interface Feature extends PlanFeature {
  /** What it adds to the intent. */
  readonly intent?: IntentPart;
  readonly resources: ResourceTable;
  /** What it adds to show, trace, doctor and the counters. */
  readonly observe?: Observation;
  /** What it holds of a network namespace. */
  readonly kernel?: { readonly [P in keyof KernelParts]?: (options: KernelOptions) => KernelParts[P] & KernelPart };
  /** Events after which the facts of the machine that it plans by are to be read again. */
  readonly factsFollow?: Follows<boolean>;
  /** What an agent does when it begins, and from then on at intervals, beside bringing the plan about. */
  readonly routine?: { readonly everyMs: number; run(this: void, kernel: Kernel): Promise<void> };
}
