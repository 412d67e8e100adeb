/** What a feature tells the planner. It imports no feature: src/app/features.ts has the list. */
import type { PlanHooks, UnitClass, UnitSet } from './units.js';
import type { IntentView, NodeFacts, ViewPart, ViewParts } from './view.js';
import type { Intent, IntentChange } from '../intent/types.js';

type ChangeKind = IntentChange['kind'];
/** A change of one kind of entity. */
export type ChangeOf<K extends ChangeKind> = Extract<IntentChange, { kind: K }>;

/** The units that a change alters; `all` where nothing can be left out. */
export interface AffectedUnits {
  readonly units: UnitSet;
  all(): void;
}

export interface PlanFeature {
  readonly name: string;
  /** What it plans for what every intent has. */
  readonly plans?: PlanHooks;
  /** Units of its own. */
  readonly units?: readonly UnitClass[];
  /** Its indexes of the intent. */
  readonly view?: { readonly [P in keyof ViewParts]?: (intent: Intent) => ViewParts[P] & ViewPart };
  /**
   * Units that a change of the intent alters, beyond those of `src/plan/affected-units.ts`. The view is as it was before the change. A kind of
   * change that nobody names has everything planned anew: slow, never wrong.
   */
  readonly affected?: {
    readonly [K in ChangeKind]?: (view: IntentView, change: ChangeOf<K>, to: AffectedUnits) => void;
  };
  /** Keys of a node of the intent that this feature alone plans by: where nothing else differs, its `affected.node` says all. */
  readonly ownNodeKeys?: readonly string[];
  /** Units of tenants that this node begins or ceases to host. */
  affectedByHosting?(view: IntentView, tenants: ReadonlySet<string>, to: AffectedUnits): void;
  /**
   * Units that are others by new facts of the machine.
   *
   * @returns whether these say all of the difference; else everything is planned anew
   */
  affectedByFacts?(view: IntentView, facts: NodeFacts, to: AffectedUnits): boolean;
  /** What the plan leaves undone or only half does, in words. */
  warnings?(view: IntentView): Iterable<string>;
}
