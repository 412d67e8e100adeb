import { LargeMap } from '../reconcile/large-map.js';

/**
 * Every resource that a node may own, with the type of its value. Each feature declares its own:
 *
 *     declare module '../plan/plan.js' { interface Resources { vrf: Vrf } }
 *
 * Keys are text that can be derived from the kernel's state. A resource that is declared but not registered does not compile (src/app/features.ts).
 */
export interface Resources {}

export type ResourceName = keyof Resources;
export type PlanValue = Resources[ResourceName];

export type Plan = { [K in ResourceName]: Map<string, Resources[K]> };

/** Receives planned objects; the resource's name determines the type of the value. */
export type Emit = <K extends ResourceName>(resource: K, key: string, value: Resources[K]) => void;

/** An empty plan. @param names all resources */
export function planOf(names: Iterable<ResourceName>): Plan {
  return Object.fromEntries([...names].map((name) => [name, new LargeMap()])) as unknown as Plan;
}

/** A planned object before and after a change; without `after` it is removed. */
export interface Delta {
  before?: PlanValue;
  after?: PlanValue;
}

/** The planned objects that a change of the intent alters. */
export type PlanDelta = Map<ResourceName, Map<string, Delta>>;
