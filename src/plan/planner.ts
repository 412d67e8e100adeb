import { LargeMap } from '../reconcile/large-map.js';
import { runAtOnce } from '../reconcile/steps.js';
import { equalValues } from './equal.js';
import { Affected, affectedSteps } from './affected-units.js';
import type { Steps } from '../reconcile/steps.js';
import type { PlanModel } from './model.js';
import type { UnitSet } from './units.js';
import type { Delta, ResourceName, Plan, PlanDelta, PlanValue } from './plan.js';
import type { IntentView, NodeFacts } from './view.js';
import type { Intent, IntentChange, NodeConfig } from '../intent/types.js';

/**
 * The plan of a running agent. It follows changes of the intent at a cost in proportion to the change, and stays equal to what `compile` gives for
 * the whole intent.
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

  /** Builds the planner; may be suspended, as a million ports take seconds. */
  static *steps(model: PlanModel, config: NodeConfig, facts: NodeFacts, intent: Intent): Steps<Planner> {
    const view = yield* model.viewSteps(config, facts, intent);
    return new Planner(model, view, yield* model.planAllSteps(view));
  }

  get plan(): Plan {
    return this.#plan;
  }

  /** Runs applySteps without a pause. */
  apply(changes: readonly IntentChange[]): PlanDelta {
    return runAtOnce(this.applySteps(changes));
  }

  /**
   * Applies changes to the view and the plan, and returns the difference of the plan. If they cannot be planned (an unresolvable name), it throws
   * and leaves view and plan unchanged. May be suspended; no other call may change the planner meanwhile.
   */
  *applySteps(changes: readonly IntentChange[]): Steps<PlanDelta> {
    const touched = yield* affectedSteps(this.view, changes, this.#model.features);
    const move = (): Steps<void> => this.view.applySteps(changes);
    const back = (): Steps<void> => this.view.applySteps(changes.map(reversed));
    if (touched !== 'all') return yield* this.#planAgain(touched, move, back);
    const before = this.#plan;
    this.#plan = yield* this.#planMoved(move, back, () => this.#model.planAllSteps(this.view));
    return yield* differenceSteps(before, this.#plan);
  }

  /** Runs applyFactsSteps without a pause. */
  applyFacts(facts: NodeFacts): PlanDelta | undefined {
    return runAtOnce(this.applyFactsSteps(facts));
  }

  /**
   * Applies new facts of the machine if a feature handles the difference; if planning throws, view and plan remain unchanged. May be suspended; no
   * other call may change the planner meanwhile.
   *
   * @returns undefined if no feature handles it: nothing was changed, and everything must be planned anew
   */
  *applyFactsSteps(facts: NodeFacts): Steps<PlanDelta | undefined> {
    const affected = new Affected();
    const isKnown = this.#model.features.some(
      (feature) => feature.affectedByFacts?.(this.view, facts, affected) === true,
    );
    if (!isKnown || affected.isAll) return undefined;
    const { view } = this;
    const { facts: before } = view;
    const moveTo = (there: NodeFacts): (() => Steps<void>) =>
      function* () {
        view.facts = there;
        yield;
      };
    return yield* this.#planAgain(affected.units, moveTo(facts), moveTo(before));
  }

  *#planAgain(touched: UnitSet, move: () => Steps<void>, back: () => Steps<void>): Steps<PlanDelta> {
    const before = yield* this.#model.planSomeSteps(this.view, touched);
    const after = yield* this.#planMoved(move, back, () => this.#model.planSomeSteps(this.view, touched));
    const delta = yield* differenceSteps(before, after);
    for (const [kind, objects] of delta) {
      const held: Map<string, PlanValue> = this.#plan[kind];
      for (const [key, { after: value }] of objects) {
        if (value === undefined) held.delete(key);
        else held.set(key, value);
        yield;
      }
    }
    return delta;
  }

  /** Plans with an updated view; restores the view if that throws. */
  *#planMoved(move: () => Steps<void>, back: () => Steps<void>, plan: () => Steps<Plan>): Steps<Plan> {
    try {
      yield* move();
      return yield* plan();
    } catch (error) {
      yield* back();
      throw error;
    }
  }
}

/** The inverse of a change. */
function reversed(change: IntentChange): IntentChange {
  const { before, after, ...rest } = change;
  return {
    ...rest,
    ...(after !== undefined && { before: after }),
    ...(before !== undefined && { after: before }),
  } as IntentChange;
}

/** The difference between two plans; may be suspended. */
export function* differenceSteps(before: Plan, after: Plan): Steps<PlanDelta> {
  const delta: PlanDelta = new Map();
  for (const kind of Object.keys(after) as ResourceName[]) {
    const was: Map<string, PlanValue> = before[kind];
    const is: Map<string, PlanValue> = after[kind];
    const objects = new LargeMap<Delta>();
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
