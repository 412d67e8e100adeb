/** A feature's part of the planner. Imports no feature: src/app/features.ts has the list. */
import type { PlanHooks, UnitClass, UnitSet } from './units.js';
import type { IntentView, NodeFacts, ViewPart, ViewParts } from './view.js';
import type { Intent, IntentChange } from '../intent/types.js';

type ChangeKind = IntentChange['kind'];
/** A change of one kind of entity. */
export type ChangeOf<K extends ChangeKind> = Extract<IntentChange, { kind: K }>;

/** Collects the units that a change alters; `all` requests a new plan. */
export interface AffectedUnits {
  readonly units: UnitSet;
  all(): void;
}

export interface PlanFeature {
  readonly name: string;
  /** Plans units that exist for every intent. */
  readonly plans?: PlanHooks;
  /** Unit classes of its own. */
  readonly units?: readonly UnitClass[];
  /** Its indexes of the intent. */
  readonly view?: { readonly [P in keyof ViewParts]?: (intent: Intent) => ViewParts[P] & ViewPart };
  /**
   * Adds the units that a change of the intent alters, beyond those of `src/plan/affected-units.ts`. The view is as before the change. Changes of a
   * kind that no feature handles cause a new plan, which is slow but correct.
   */
  readonly affected?: {
    readonly [K in ChangeKind]?: (view: IntentView, change: ChangeOf<K>, to: AffectedUnits) => void;
  };
  /** Keys of the intent's nodes that only this feature plans by: if nothing else differs, its `affected.node` adds all affected units. */
  readonly ownNodeKeys?: readonly string[];
  /** Adds units of tenants that this node starts or stops to host. */
  affectedByHosting?(view: IntentView, tenants: ReadonlySet<string>, to: AffectedUnits): void;
  /**
   * Adds units that new facts of the machine alter.
   *
   * @returns whether these are all affected units; else everything is planned anew
   */
  affectedByFacts?(view: IntentView, facts: NodeFacts, to: AffectedUnits): boolean;
  /** Texts for parts of the intent that the plan does not carry out, or only in part. */
  warnings?(view: IntentView): Iterable<string>;
}
