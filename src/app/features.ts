/** What segue can do: the one list of its features. Each registers in its own folder what it has. */
import { dhcpFeature } from '../dhcp/feature.js';
import { ebpfFeature } from '../ebpf/feature.js';
import { edgeFeature } from '../edge/feature.js';
import { encapFeature } from '../encap/feature.js';
import { gatewayFeature } from '../gateway/feature.js';
import { hostFeature } from '../host/feature.js';
import { icmpRateFeature } from '../icmp-rate/feature.js';
import { portFeature } from '../port/feature.js';
import { vrfFeature } from '../vrf/feature.js';
import type { CORE_FIELDS } from '../intent/equality.js';
import { IntentModel } from '../intent/model.js';
import { PlanModel } from '../plan/model.js';
import { orderOf } from '../reconcile/order.js';
import type { Extensible, ExtensibleName } from '../intent/check/context.js';
import type { ResourceName } from '../plan/plan.js';
import type { Observation, PortFields } from '../reconcile/observation.js';
import type { Feature } from '../reconcile/feature.js';
import type { Resource } from '../reconcile/resource.js';

const LIST = [
  edgeFeature,
  hostFeature,
  vrfFeature,
  portFeature,
  encapFeature,
  ebpfFeature,
  dhcpFeature,
  gatewayFeature,
  icmpRateFeature,
] as const;

export const FEATURES: readonly Feature[] = LIST;

type Listed = (typeof LIST)[number]['resources'];
/** Names that a feature of the list registers. */
type Registered = Listed extends infer R ? (R extends unknown ? keyof R : never) : never;

/** One for each name that `Resources` declares: one that no feature registers does not compile here, by its name. */
type Complete = { readonly [K in ResourceName]: K extends Registered ? Resource<K> : 'no feature registers it' };

function registered(): Complete {
  const all = new Map<string, unknown>();
  for (const { name: feature, resources } of FEATURES) {
    for (const [name, resource] of Object.entries(resources)) {
      if (all.has(name)) throw new Error(`feature ${feature}: the resource ${name} is registered twice`);
      all.set(name, resource);
    }
  }
  return Object.fromEntries(all) as Complete;
}

/** Every resource; those of the fast path plan nothing in kernel mode. */
export const ALL_RESOURCES: { readonly [K in ResourceName]: Resource<K> } = registered();

/** All resources in the order in which objects are made. */
export const RESOURCE_ORDER: readonly ResourceName[] = orderOf(ALL_RESOURCES);

/** Keys of an entity that a feature of the list registers. */
type KeysIn<F, E extends ExtensibleName> = F extends { intent: { keys: infer Keys } }
  ? E extends keyof Keys
    ? keyof Keys[E]
    : never
  : never;

/** One for each key that the type of an entity declares: one that no feature registers does not compile here, by its name. */
type CompleteKeys = {
  readonly [E in ExtensibleName]: {
    readonly [K in keyof Extensible[E]]-?: K extends
      'subnets' | keyof (typeof CORE_FIELDS)[E] | KeysIn<(typeof LIST)[number], E>
      ? unknown
      : 'no feature registers it';
  };
};

/** What an intent is. */
export const INTENT_MODEL = new IntentModel(FEATURES.flatMap(({ intent }) => intent ?? []));

/** The fields of entities that features add to, each with its equality. */
export const INTENT_FIELDS: CompleteKeys = INTENT_MODEL.fields;

/** Fields of `segue show port -j` that a feature of the list registers. */
type ShownBy<F> = F extends { observe: { portFields: infer Fields } } ? keyof Fields : never;

/** One for each field that `PortShown` declares: one that no feature registers does not compile here, by its name. */
type CompleteShown = {
  readonly [K in keyof PortFields]: K extends ShownBy<(typeof LIST)[number]>
    ? PortFields[K]
    : 'no feature registers it';
};

/** What features add to show, trace, doctor and the counters. */
export const OBSERVATIONS: readonly Observation[] = FEATURES.flatMap(({ observe }) => observe ?? []);

/** What they add to `show port`. */
export const PORT_FIELDS: CompleteShown = Object.assign(
  {},
  ...OBSERVATIONS.map(({ portFields }) => portFields),
) as PortFields;

/** How an intent becomes a plan. */
export const PLAN_MODEL = new PlanModel(FEATURES, RESOURCE_ORDER);
