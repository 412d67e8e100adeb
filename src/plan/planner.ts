import { runAtOnce } from '../reconcile/steps.js';
import { equalValues } from './equal.js';
import { Affected, affectedUnits } from './affected-units.js';
import type { Steps } from '../reconcile/steps.js';
import type { PlanModel } from './model.js';
import type { UnitSet } from './units.js';
import type { Delta, ResourceName, Plan, PlanDelta, PlanValue } from './plan.js';
import type { IntentView, NodeFacts } from './view.js';
import type { Intent, IntentChange, NodeConfig } from '../intent/types.js';

/**
 * The plan of a running agent: moves on with the intent's changes at a cost in proportion to what they touch, and stays
 * equal to what `compile` gives for the whole intent.
 */
export class Planner {
  readonly view: IntentView;
  readonly #model: PlanModel;
  #plan: Plan;

  constructor(model: PlanModel, view: IntentView, plan: Plan) {
    this.#model = model;
    this.view = view;
    this.#plan = plan;
  }

  static of(model: PlanModel, config: NodeConfig, facts: NodeFacts, intent: Intent): Planner {
    return runAtOnce(Planner.steps(model, config, facts, intent));
  }

  /** As work that may be interrupted: of a million ports it takes seconds. */
  static *steps(model: PlanModel, config: NodeConfig, facts: NodeFacts, intent: Intent): Steps<Planner> {
    const view = yield* model.viewSteps(config, facts, intent);
    return new Planner(model, view, yield* model.planAllSteps(view));
  }

  get plan(): Plan {
    return this.#plan;
  }

  /**
   * Moves on by changes and says what they do to the plan: all of them, or, where they cannot be planned (a name that names nothing),
   * none: view and plan are then as before.
   */
  apply(changes: readonly IntentChange[]): PlanDelta {
    const touched = affectedUnits(this.view, changes, this.#model.features);
    try {
      if (touched !== 'all') {
        return this.#planAgain(touched, () => {
          this.view.apply(changes);
        });
      }
      const before = this.#plan;
      this.view.apply(changes);
      this.#plan = this.#model.planAll(this.view);
      return difference(before, this.#plan);
    } catch (error) {
      this.view.apply(changes.map(reversed));
      throw error;
    }
  }

  /**
   * Moves on to other facts of the machine, where features know what that alters.
   *
   * @returns undefined where none does: nothing was done, and everything is to be planned anew
   */
  applyFacts(facts: NodeFacts): PlanDelta | undefined {
    const affected = new Affected();
    const isKnown = this.#model.features.some(
      (feature) => feature.affectedByFacts?.(this.view, facts, affected) === true,
    );
    if (!isKnown || affected.isAll) return undefined;
    return this.#planAgain(affected.units, () => {
      this.view.facts = facts;
    });
  }

  #planAgain(touched: UnitSet, change: () => void): PlanDelta {
    const before = this.#model.planSome(this.view, touched);
    change();
    const delta = difference(before, this.#model.planSome(this.view, touched));
    for (const [kind, objects] of delta) {
      const held: Map<string, PlanValue> = this.#plan[kind];
      for (const [key, { after }] of objects) {
        if (after === undefined) held.delete(key);
        else held.set(key, after);
      }
    }
    return delta;
  }
}

/** The change that takes one back. */
function reversed(change: IntentChange): IntentChange {
  const { before, after, ...rest } = change;
  return {
    ...rest,
    ...(after !== undefined && { before: after }),
    ...(before !== undefined && { after: before }),
  } as IntentChange;
}

/** What differs between two plans. */
function difference(before: Plan, after: Plan): PlanDelta {
  return runAtOnce(differenceSteps(before, after));
}

/** The same, as work that may be interrupted. */
export function* differenceSteps(before: Plan, after: Plan): Steps<PlanDelta> {
  const delta: PlanDelta = new Map();
  for (const kind of Object.keys(after) as ResourceName[]) {
    const was: Map<string, PlanValue> = before[kind];
    const is: Map<string, PlanValue> = after[kind];
    const objects = new Map<string, Delta>();
    for (const [key, value] of was) {
      const now = is.get(key);
      if (now === undefined) objects.set(key, { before: value });
      else if (!equalValues(value, now)) objects.set(key, { before: value, after: now });
      yield;
    }
    for (const [key, value] of is) {
      if (!was.has(key)) objects.set(key, { after: value });
      yield;
    }
    if (objects.size > 0) delta.set(kind, objects);
  }
  return delta;
}
