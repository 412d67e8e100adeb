import { runAtOnce } from '../reconcile/steps.js';
import { planOf } from './plan.js';
import { NODE, REMOTE, SOURCE, TENANT, planPair, planPort } from './units.js';
import { openView, viewSteps } from './view.js';
import type { PlanFeature } from './feature.js';
import type { Emit, Plan, PlanValue, ResourceName } from './plan.js';
import type { AllHooks, PlanHooks, UnitClass, UnitSet } from './units.js';
import type { IntentView, NodeFacts, ViewFactories } from './view.js';
import type { Steps } from '../reconcile/steps.js';
import type { Intent, NodeConfig } from '../intent/types.js';

/** Compiles an intent into a plan, with the registered features. */
export class PlanModel {
  readonly features: readonly PlanFeature[];
  readonly #names: readonly ResourceName[];
  readonly #hooks: AllHooks;
  readonly #ownUnits: readonly UnitClass[];
  readonly #parts: ViewFactories;

  /** @param names all resources */
  constructor(features: readonly PlanFeature[], names: readonly ResourceName[]) {
    this.features = features;
    this.#names = names;
    const all = <H extends keyof PlanHooks>(hook: H): NonNullable<PlanHooks[H]>[] =>
      features.flatMap(({ plans }) => plans?.[hook] ?? []);
    this.#hooks = {
      node: all('node'),
      tenant: all('tenant'),
      remote: all('remote'),
      pair: all('pair'),
      localPort: all('localPort'),
      remotePort: all('remotePort'),
      source: all('source'),
    };
    this.#ownUnits = features.flatMap(({ units = [] }) => units);
    this.#parts = Object.assign({}, ...features.map(({ view }) => view)) as ViewFactories;
  }

  emptyPlan(): Plan {
    return planOf(this.#names);
  }

  view(config: NodeConfig, facts: NodeFacts, intent: Intent): IntentView {
    return openView(config, facts, intent, this.#parts);
  }

  /** Builds the view of an intent; may be suspended. */
  viewSteps(config: NodeConfig, facts: NodeFacts, intent: Intent): Steps<IntentView> {
    return viewSteps(config, facts, intent, this.#parts);
  }

  /**
   * Compiles an intent into all objects that the node must own: a pure function.
   *
   * @param intent checked, and with every port of each tenant that has a port on the node (`scopeTo`)
   */
  compile(intent: Intent, config: NodeConfig, facts: NodeFacts): Plan {
    return this.planAll(this.view(config, facts, intent));
  }

  planAll(view: IntentView): Plan {
    return runAtOnce(this.planAllSteps(view));
  }

  /** Plans all units; may be suspended, as a million ports take seconds. The view must not change meanwhile. */
  *planAllSteps(view: IntentView): Steps<Plan> {
    const plan = this.emptyPlan();
    yield* this.#steps(view, emitInto(plan));
    return plan;
  }

  /** Plans some units; may be suspended. The view must not change meanwhile. */
  *planSomeSteps(view: IntentView, units: UnitSet): Steps<Plan> {
    const plan = this.emptyPlan();
    const emit: Emit = (resource, key, value) => {
      const objects: Map<string, PlanValue> = plan[resource];
      objects.set(key, value);
    };
    for (const [unit, key] of units) {
      unit.plan(view, key, emit, this.#hooks);
      yield;
    }
    return plan;
  }

  /** Texts for parts of the intent that a plan does not carry out, or only in part. */
  warnings(view: IntentView): string[] {
    return this.features.flatMap((feature) => [...(feature.warnings?.(view) ?? [])]);
  }

  *#steps(view: IntentView, emit: Emit): Steps<void> {
    const hooks = this.#hooks;
    for (const unit of [NODE, TENANT, REMOTE, SOURCE]) yield* stepsOf(unit, view, emit, hooks);
    // There may be a million pairs and ports: they are planned without making and looking up keys.
    for (const pair of view.pairs()) {
      planPair(view, pair, emit, hooks);
      yield;
    }
    for (const port of view.ports.values()) {
      planPort(view, port, emit, hooks);
      yield;
    }
    for (const unit of this.#ownUnits) yield* stepsOf(unit, view, emit, hooks);
  }
}

function* stepsOf(unit: UnitClass, view: IntentView, emit: Emit, hooks: AllHooks): Steps<void> {
  for (const key of unit.keys(view)) {
    unit.plan(view, key, emit, hooks);
    yield;
  }
}

function emitInto(plan: Plan): Emit {
  return (resource, key, value) => {
    const objects: Map<string, PlanValue> = plan[resource];
    const { size } = objects;
    // Comparing sizes saves a second lookup.
    if (objects.set(key, value).size === size) throw new Error(`plan: ${resource} ${key} is planned twice`);
  };
}
