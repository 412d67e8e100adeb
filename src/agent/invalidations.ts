import type { Feature } from '../reconcile/feature.js';
import type { Dirty, EventContext, Follows, KernelEvent } from '../reconcile/follows.js';
import type { AnyResource, ResourceTable } from '../reconcile/resource.js';
import type { Plan, ResourceName } from '../plan/plan.js';

/** What of the kernel may not be as planned any more, and is to be looked at. */
export interface Invalidations {
  resources: Set<ResourceName>;
  /** Tables to look at, when routes are among the resources; `all` when there is no telling which. */
  tables: Set<number> | 'all';
  /** A device changed: the view of them is stale. */
  links: boolean;
  /** The facts of the machine that are planned by are to be read again: the kernel may have ways to other network nodes now. */
  facts: boolean;
}

export function noInvalidations(): Invalidations {
  return { resources: new Set(), tables: new Set(), links: false, facts: false };
}

type EventKind = KernelEvent['kind'];
type Ask<D> = (value: KernelEvent['value'], context: EventContext) => D;

/** Which resources, and which features' facts, follow which events: as they registered. */
export class Followers {
  readonly #resources = new Map<string, [resource: AnyResource, ask: Ask<Dirty>][]>();
  readonly #facts = new Map<string, Ask<boolean>[]>();
  /** Resources that the underlay decides. */
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

  /** Adds what an event may have changed of ours. Events that we caused are not to come here. */
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

  /** Takes out what the underlay resolves: that is looked at before everything else. @returns whether there was any */
  takeUnderlay({ resources }: Invalidations): boolean {
    let hadAny = false;
    for (const { name, underlay } of this.#underlay) {
      if (underlay === 'resolves' && resources.delete(name)) hadAny = true;
    }
    return hadAny;
  }

  /** What is asked of the underlay: what it resolves, and what follows from that. */
  underlay(plan: Plan | undefined): Set<ResourceName> {
    const asked = this.#underlay.filter(
      ({ name, underlay }) => underlay === 'resolves' || (plan?.[name].size ?? 0) > 0,
    );
    return new Set(asked.map(({ name }) => name));
  }

  /** Whether a look asks of the underlay alone, which cannot wait for a list of ten thousand ports. */
  isUnderlayAlone(resources: ReadonlySet<ResourceName>): boolean {
    const own = this.#underlay.filter(({ name }) => resources.has(name));
    return own.length === resources.size && own.some(({ underlay }) => underlay === 'resolves');
  }
}

/** The questions by the kind of event. An event's kind ties its value to the question, which a list cannot say. */
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
