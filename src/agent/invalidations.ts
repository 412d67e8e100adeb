import type { Feature } from '../reconcile/feature.js';
import type { Dirty, EventContext, Follows, KernelEvent } from '../reconcile/follows.js';
import type { AnyResource, ResourceTable } from '../reconcile/resource.js';
import type { Plan, ResourceName } from '../plan/plan.js';

/** Objects that may differ from the plan and are to be compared with it. */
export interface Invalidations {
  resources: Set<ResourceName>;
  /** Routing tables to list if routes are among the resources; `all` if it is unknown which. */
  tables: Set<number> | 'all';
  /** A device changed: the list of devices is stale. */
  links: boolean;
  /** The machine's facts are to be read again: the kernel's routes to other network nodes may have changed. */
  facts: boolean;
}

export function noInvalidations(): Invalidations {
  return { resources: new Set(), tables: new Set(), links: false, facts: false };
}

type EventKind = KernelEvent['kind'];
type Ask<D> = (value: KernelEvent['value'], context: EventContext) => D;

/** The resources and the features' facts that each kind of event concerns, as registered. */
export class Followers {
  readonly #resources = new Map<string, [resource: AnyResource, ask: Ask<Dirty>][]>();
  readonly #facts = new Map<string, Ask<boolean>[]>();
  /** Resources whose desired values depend on the underlay. */
  readonly #underlay: readonly AnyResource[];

  constructor(resources: ResourceTable, features: readonly Feature[]) {
    const all = Object.values(resources) as AnyResource[];
    for (const resource of all) {
      for (const [kind, ask] of asks<Dirty>(resource.follows)) append(this.#resources, kind, [resource, ask]);
    }
    for (const { factsFollow = {} } of features) {
      for (const [kind, ask] of asks<boolean>(factsFollow)) append(this.#facts, kind, ask);
    }
    this.#underlay = all.filter(({ underlay }) => underlay !== undefined);
  }

  /** Adds the objects that an event may have changed. Events of segue's own requests must not be passed. */
  invalidate(invalidations: Invalidations, event: KernelEvent, context: EventContext): void {
    for (const [{ name, containedIn }, ask] of this.#resources.get(event.kind) ?? []) {
      if (containedIn !== undefined && context.plan[containedIn].size === 0) continue;
      const dirty = ask(event.value, context);
      if (dirty === false) continue;
      invalidations.resources.add(name);
      if (dirty === 'all') invalidations.tables = 'all';
      else if (dirty !== true) for (const table of dirty) addTable(invalidations, table);
      if (event.kind === 'link') invalidations.links = true;
    }
    if (this.#facts.get(event.kind)?.some((ask) => ask(event.value, context)) === true) invalidations.facts = true;
  }

  /** Removes resources that the underlay resolves, which are handled before all others. @returns whether there were any */
  takeUnderlay({ resources }: Invalidations): boolean {
    let hadAny = false;
    for (const { name, underlay } of this.#underlay) {
      if (underlay === 'resolves' && resources.delete(name)) hadAny = true;
    }
    return hadAny;
  }

  /** Resources that the underlay resolves, and planned ones that follow from it. */
  underlay(plan: Plan | undefined): Set<ResourceName> {
    const asked = this.#underlay.filter(
      ({ name, underlay }) => underlay === 'resolves' || (plan?.[name].size ?? 0) > 0,
    );
    return new Set(asked.map(({ name }) => name));
  }

  /** Whether only resources of the underlay are to be compared: they cannot wait for a list of ten thousand ports. */
  isUnderlayAlone(resources: ReadonlySet<ResourceName>): boolean {
    const own = this.#underlay.filter(({ name }) => resources.has(name));
    return own.length === resources.size && own.some(({ underlay }) => underlay === 'resolves');
  }
}

/** Handlers by kind of event. The cast is needed because a list cannot tie a handler to its event's type. */
function asks<D>(follows: Follows<D>): [EventKind, Ask<D>][] {
  return Object.entries(follows) as unknown as [EventKind, Ask<D>][];
}

function append<V>(lists: Map<string, V[]>, key: string, value: V): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

export function everything(invalidations: Invalidations, resources: Iterable<ResourceName>): void {
  for (const name of resources) invalidations.resources.add(name);
  invalidations.tables = 'all';
  invalidations.links = true;
  invalidations.facts = true;
}

function addTable(invalidations: Invalidations, table: number): void {
  if (invalidations.tables !== 'all') invalidations.tables.add(table);
}

export function merge(invalidations: Invalidations, more: Invalidations): void {
  for (const name of more.resources) invalidations.resources.add(name);
  if (more.tables === 'all') invalidations.tables = 'all';
  else for (const table of more.tables) addTable(invalidations, table);
  invalidations.links ||= more.links;
  invalidations.facts ||= more.facts;
}

export function isEmpty({ resources, facts }: Invalidations): boolean {
  return resources.size === 0 && !facts;
}
