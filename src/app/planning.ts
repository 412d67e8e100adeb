/** The planner with all features, for agents, commands and tests. */
import { PLAN_MODEL } from './features.js';
import { Planner } from '../plan/planner.js';
import type { Plan } from '../plan/plan.js';
import type { IntentView, NodeFacts } from '../plan/view.js';
import type { Steps } from '../reconcile/steps.js';
import type { Intent, NodeConfig } from '../intent/types.js';

export function emptyPlan(): Plan {
  return PLAN_MODEL.emptyPlan();
}

/** The intent indexed for planning. */
export function viewOf(config: NodeConfig, facts: NodeFacts, intent: Intent): IntentView {
  return PLAN_MODEL.view(config, facts, intent);
}

/**
 * Compiles an intent into all objects that the node must own: a pure function.
 *
 * @param intent checked, and with every port of each tenant that has a port on the node (`scopeTo`)
 */
export function compile(intent: Intent, config: NodeConfig, facts: NodeFacts): Plan {
  return PLAN_MODEL.compile(intent, config, facts);
}

export function planAll(view: IntentView): Plan {
  return PLAN_MODEL.planAll(view);
}

/** Texts for parts of the intent that a plan does not carry out, or only in part. */
export function planWarnings(view: IntentView): string[] {
  return PLAN_MODEL.warnings(view);
}

export function plannerOf(config: NodeConfig, facts: NodeFacts, intent: Intent): Planner {
  return Planner.of(PLAN_MODEL, config, facts, intent);
}

/** Builds the planner; may be suspended, as a million ports take seconds. */
export function plannerSteps(config: NodeConfig, facts: NodeFacts, intent: Intent): Steps<Planner> {
  return Planner.steps(PLAN_MODEL, config, facts, intent);
}
