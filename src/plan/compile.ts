import { runAtOnce } from '../reconcile/steps.js';
import { planSteps } from './plan-unit.js';
import { emptyPlan } from './plan.js';
import { IntentView } from './view.js';
import type { Steps } from '../reconcile/steps.js';
import type { Emit, Plan, PlanValue } from './plan.js';
import type { NodeFacts } from './view.js';
import type { Intent, NodeConfig } from '../intent/types.js';

/**
 * Everything the node must own for an intent: a pure function.
 *
 * @param intent checked, and with every port of each tenant that has a port on the node (`scopeTo`)
 */
export function compile(intent: Intent, config: NodeConfig, facts: NodeFacts): Plan {
  return planAll(new IntentView(config, facts, intent));
}

export function planAll(view: IntentView): Plan {
  return runAtOnce(planAllSteps(view));
}

/** The same, as work that may be interrupted: a million ports take seconds. The view must not move meanwhile. */
export function* planAllSteps(view: IntentView): Steps<Plan> {
  const plan = emptyPlan();
  yield* planSteps(view, emitInto(plan));
  return plan;
}

function emitInto(plan: Plan): Emit {
  return (kind, key, value) => {
    const objects: Map<string, PlanValue> = plan[kind];
    const { size } = objects;
    // One look-up where asking first would be two.
    if (objects.set(key, value).size === size) throw new Error(`plan: ${kind} ${key} is planned twice`);
  };
}
