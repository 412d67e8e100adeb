import type { IntentPart } from '../intent/part.js';
import type { Kernel, KernelOptions, KernelPart, KernelParts } from '../kernel/kernel.js';
import type { Intent, NodeConfig } from '../intent/types.js';
import type { FeatureFacts } from '../plan/view.js';
import type { PlanFeature } from '../plan/feature.js';
import type { Observation } from './observation.js';
import type { Follows } from './follows.js';
import type { ResourceTable } from './resource.js';

/**
 * A feature: a folder with its part of the plan and the resources that hold it in the kernel. Its `feature.ts` registers all of it, and
 * src/app/features.ts lists it once; the planner, the engine and the agent know features only through this interface.
 */
export interface Feature extends PlanFeature {
  /** Its part of the intent. */
  readonly intent?: IntentPart;
  readonly resources: ResourceTable;
  /** Its part of show, trace, doctor and the counters. */
  readonly observe?: Observation;
  /** Its handles in a network namespace. */
  readonly kernel?: { readonly [P in keyof KernelParts]?: (options: KernelOptions) => KernelParts[P] & KernelPart };
  /** Facts of the machine that its plan depends on; `kernel.links` is fresh. */
  facts?(this: void, kernel: Kernel, config: NodeConfig, intent: Intent | undefined): Partial<FeatureFacts>;
  /** Events after which its facts are to be read again. */
  readonly factsFollow?: Follows<boolean>;
  /** Work that the agent does at its start and at intervals, besides reconciling. */
  readonly routine?: { readonly everyMs: number; run(this: void, kernel: Kernel): Promise<void> };
}
