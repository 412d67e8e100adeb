/** The only list of segue's features. Each registers its parts in its own folder. */
import { dhcpFeature } from '../dhcp/feature.js';
import { ebpfFeature } from '../ebpf/feature.js';
import { edgeFeature } from '../edge/feature.js';
import { encapFeature } from '../encap/feature.js';
import { gatewayFeature } from '../gateway/feature.js';
import { hostFeature } from '../host/feature.js';
import { icmpRateFeature } from '../icmp-rate/feature.js';
import { migrateFeature } from '../migrate/feature.js';
import { portFeature } from '../port/feature.js';
import { serviceFeature } from '../service/feature.js';
import { vrfFeature } from '../vrf/feature.js';
import type { CORE_FIELDS } from '../intent/equality.js';
import { IntentModel, type NamedList } from '../intent/model.js';
import { PlanModel } from '../plan/model.js';
import { orderOf } from '../reconcile/order.js';
import type { Extensible, ExtensibleName } from '../intent/check/context.js';
import type { Intent, IntentLists, NodeConfig } from '../intent/types.js';
import type { Kernel } from '../kernel/kernel.js';
import type { FeatureFacts } from '../plan/view.js';
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
  serviceFeature,
  migrateFeature,
] as const;

export const FEATURES: readonly Feature[] = LIST;

type Listed = (typeof LIST)[number]['resources'];
/** Names that the listed features register. */
type Registered = Listed extends infer R ? (R extends unknown ? keyof R : never) : never;

/** An entry for each name that `Resources` declares: a name that no feature registers does not compile here. */
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

/** All resources; those of the fast path plan nothing in kernel mode. */
export const ALL_RESOURCES: { readonly [K in ResourceName]: Resource<K> } = registered();

/** All resources in the order in which objects are made. */
export const RESOURCE_ORDER: readonly ResourceName[] = orderOf(ALL_RESOURCES);

/** Keys of an entity that the listed features register. */
type KeysIn<F, E extends ExtensibleName> = F extends { intent: { keys: infer Keys } }
  ? E extends keyof Keys
    ? keyof Keys[E]
    : never
  : never;

/** An entry for each key that the type of an entity declares: a key that no feature registers does not compile here. */
type CompleteKeys = {
  readonly [E in ExtensibleName]: {
    readonly [K in keyof Extensible[E]]-?: K extends
      'subnets' | keyof (typeof CORE_FIELDS)[E] | KeysIn<(typeof LIST)[number], E>
      ? unknown
      : 'no feature registers it';
  };
};

/** Lists of the intent that a feature registers. */
type ListsIn<F> = F extends { intent: { lists: infer Lists } } ? keyof Lists : never;

/** An entry for each list that `IntentLists` declares: a list that no feature registers does not compile here. */
type CompleteLists = {
  readonly [L in keyof IntentLists]: L extends ListsIn<(typeof LIST)[number]> ? NamedList : 'no feature registers it';
};

/** The model of the intent with all features. */
export const INTENT_MODEL = new IntentModel(FEATURES.flatMap(({ intent }) => intent ?? []));

/** The lists that features add to the intent. */
export const INTENT_LISTS: CompleteLists = Object.fromEntries(
  INTENT_MODEL.lists.map((list) => [list.key, list]),
) as Readonly<Record<keyof IntentLists, NamedList>>;

/** Equality of each field of the entities to which features add keys. */
export const INTENT_FIELDS: CompleteKeys = INTENT_MODEL.fields;

/** Facts of the machine that the listed features register. */
type FactsIn<F> = F extends { facts: (...args: never[]) => infer Facts } ? keyof Facts : never;

/** An entry for each fact that `FeatureFacts` declares: a fact that no feature registers does not compile here. */
type CompleteFacts = {
  readonly [K in keyof Required<FeatureFacts>]: K extends FactsIn<(typeof LIST)[number]>
    ? FeatureFacts[K]
    : 'no feature registers it';
};

/** The features' facts of the machine; `kernel.links` must be fresh. */
export function factsOfFeatures(kernel: Kernel, config: NodeConfig, intent: Intent | undefined): FeatureFacts {
  const all: Partial<CompleteFacts> = Object.assign(
    {},
    ...FEATURES.map(({ facts }) => facts?.(kernel, config, intent)),
  ) as FeatureFacts;
  return all;
}

/** Fields of `segue show port -j` that the listed features register. */
type ShownBy<F> = F extends { observe: { portFields: infer Fields } } ? keyof Fields : never;

/** An entry for each field that `PortShown` declares: a field that no feature registers does not compile here. */
type CompleteShown = {
  readonly [K in keyof PortFields]: K extends ShownBy<(typeof LIST)[number]>
    ? PortFields[K]
    : 'no feature registers it';
};

/** The features' parts of show, trace, doctor and the counters. */
export const OBSERVATIONS: readonly Observation[] = FEATURES.flatMap(({ observe }) => observe ?? []);

/** The features' fields of `show port`. */
export const PORT_FIELDS: CompleteShown = Object.assign(
  {},
  ...OBSERVATIONS.map(({ portFields }) => portFields),
) as PortFields;

/** The planner's model with all features. */
export const PLAN_MODEL = new PlanModel(FEATURES, RESOURCE_ORDER);
