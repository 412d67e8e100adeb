import { runAtOnce } from '../reconcile/steps.js';
import { planAll, planAllSteps } from './compile.js';
import { planUnit } from './plan-unit.js';
import { equalValues } from './equal.js';
import { emptyPlan } from './plan.js';
import { affectedUnits, unitsOfReachability } from './affected-units.js';
import { IntentView } from './view.js';
import type { Steps } from '../reconcile/steps.js';
import type { PlanUnit } from './plan-unit.js';
import type { Entities } from './affected-units.js';
import type { Delta, ResourceName, Plan, PlanDelta, PlanValue } from './plan.js';
import type { NodeFacts } from './view.js';
import type { Intent, IntentChange, NodeConfig } from '../intent/types.js';

/**
 * The plan of a running agent: moves on with the intent's changes at a cost in proportion to what they touch, and stays
 * equal to what `compile` gives for the whole intent.
 */
export class Planner {
  readonly view: IntentView;
  #plan: Plan;

  constructor(view: IntentView, plan: Plan) {
    this.view = view;
    this.#plan = plan;
  }

  static of(config: NodeConfig, facts: NodeFacts, intent: Intent): Planner {
    return runAtOnce(Planner.steps(config, facts, intent));
  }

  /** As work that may be interrupted: of a million ports it takes seconds. */
  static *steps(config: NodeConfig, facts: NodeFacts, intent: Intent): Steps<Planner> {
    const view = yield* IntentView.steps(config, facts, intent);
    return new Planner(view, yield* planAllSteps(view));
  }

  get plan(): Plan {
    return this.#plan;
  }

  /**
   * Moves on by changes and says what they do to the plan: all of them, or, where they cannot be planned (a name that names nothing),
   * none: view and plan are then as before.
   */
  apply(changes: readonly IntentChange[]): PlanDelta {
    const touched = affectedUnits(this.view, changes);
    try {
      if (touched !== 'all') {
        return this.#planAgain(touched, () => {
          this.view.apply(changes);
        });
      }
      const before = this.#plan;
      this.view.apply(changes);
      this.#plan = planAll(this.view);
      return difference(before, this.#plan);
    } catch (error) {
      this.view.apply(changes.map(reversed));
      throw error;
    }
  }

  /** Moves on to other ways to network nodes. @param lost those that there is no way to, sorted */
  applyReachability(lost: readonly string[]): PlanDelta {
    const before = this.view.facts.unreachableNodes ?? [];
    const turned = [...lost.filter((name) => !before.includes(name)), ...before.filter((name) => !lost.includes(name))];
    return this.#planAgain(unitsOfReachability(this.view, turned), () => {
      this.view.facts = { ...this.view.facts, unreachableNodes: lost };
    });
  }

  #planAgain(touched: Entities, change: () => void): PlanDelta {
    const before = planSome(this.view, touched.values());
    change();
    const delta = difference(before, planSome(this.view, touched.values()));
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

function planSome(view: IntentView, units: Iterable<PlanUnit>): Plan {
  const plan = emptyPlan();
  for (const unit of units) {
    planUnit(view, unit, (kind, key, value) => {
      const objects: Map<string, PlanValue> = plan[kind];
      objects.set(key, value);
    });
  }
  return plan;
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
