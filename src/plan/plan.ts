/**
 * Every resource a node may own, and the type of its value. A feature adds its own, beside their types:
 *
 *     declare module '../plan/plan.js' { interface Resources { vrf: Vrf } }
 *
 * Keys are text that the kernel's own view can give again. A name that is declared and not registered does not compile (src/app/features.ts).
 */
export interface Resources {}

export type ResourceName = keyof Resources;
export type PlanValue = Resources[ResourceName];

export type Plan = { [K in ResourceName]: Map<string, Resources[K]> };

/** Receives what a domain plans; the resource's name ties the key to the value's type. */
export type Emit = <K extends ResourceName>(resource: K, key: string, value: Resources[K]) => void;

/** A plan with nothing in it. @param names of all resources */
export function planOf(names: Iterable<ResourceName>): Plan {
  return Object.fromEntries([...names].map((name) => [name, new Map()])) as unknown as Plan;
}

/** One object as it was planned and as it is planned now; without `after` it is to go. */
export interface Delta {
  before?: PlanValue;
  after?: PlanValue;
}

/** What a change of the intent does to the plan: only what differs. */
export type PlanDelta = Map<ResourceName, Map<string, Delta>>;
