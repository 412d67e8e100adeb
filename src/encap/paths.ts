import { OUTER_HEADER_BYTES, reducedSrhBytes } from './mtu.js';
import { addLocalPorts } from '../plan/affected-units.js';
import { PAIR, pairKey } from '../plan/units.js';
import type { AffectedUnits, ChangeOf } from '../plan/feature.js';
import type { IntentView, ViewPart } from '../plan/view.js';
import type { Intent, IntentChange, Tenant } from '../intent/types.js';
import type { Path } from './path.js';

declare module '../plan/view.js' {
  interface ViewParts {
    /** Paths through transit segments. */
    paths: PathsView;
  }
}

const NO_SEGMENTS: readonly string[] = [];

/** The intent's paths, indexed for planning. */
export class PathsView implements ViewPart {
  readonly #paths = new Map<string, Path>();
  /** Largest inner packet of each tenant in bytes, once computed. */
  readonly mtu = new Map<string, number>();

  constructor({ paths }: Intent) {
    for (const path of paths) this.#add(path);
  }

  apply(changes: readonly IntentChange[]): void {
    for (const change of changes)
      if (change.kind === 'path' && change.before !== undefined) this.#remove(change.before);
    for (const change of changes) if (change.kind === 'path' && change.after !== undefined) this.#add(change.after);
    if (!changes.every((change) => change.kind === 'port')) this.mtu.clear();
  }

  /** Transit segments for a tenant's traffic to a node: of the path that names the tenant, else of the path for all others. */
  transit(tenant: string, node: string): readonly string[] {
    if (this.#paths.size === 0) return NO_SEGMENTS;
    return (this.#paths.get(`${node} ${tenant}`) ?? this.#paths.get(node))?.via ?? NO_SEGMENTS;
  }

  /** Paths of all tenants to a node. */
  pathsTo(node: string): Path[] {
    return [...this.#paths.values()].filter(({ to }) => to === node);
  }

  /** First segments of all paths, without duplicates. */
  firstSegments(): Set<string> {
    return new Set([...this.#paths.values()].flatMap(({ via }) => via.slice(0, 1)));
  }

  isFirstSegment(segment: string): boolean {
    for (const { via } of this.#paths.values()) if (via[0] === segment) return true;
    return false;
  }

  /** Number of segments in the tenant's longest encapsulation, including its SID. */
  longest(tenant: string): number {
    let segments = 1;
    for (const path of this.#paths.values()) segments = Math.max(segments, 1 + this.transit(tenant, path.to).length);
    return segments;
  }

  #add(path: Path): void {
    for (const key of pathKeys(path)) this.#paths.set(key, path);
  }

  #remove(path: Path): void {
    for (const key of pathKeys(path)) this.#paths.delete(key);
  }
}

/** Keys of a path: "node tenant" for each tenant, or the node alone if it is for all tenants. Names contain no spaces. */
function pathKeys(path: Path): string[] {
  return path.tenants === undefined ? [path.to] : path.tenants.map((tenant) => `${path.to} ${tenant}`);
}

/** Largest inner packet of a tenant in bytes: the underlay MTU without the tenant's longest encapsulation. */
export function tenantMtu({ config, facts, paths }: IntentView, tenant: Tenant): number {
  const known = paths.mtu.get(tenant.name);
  if (known !== undefined) return known;
  const srh = reducedSrhBytes(paths.longest(tenant.name));
  const underlay = (config.mtu ?? facts.uplinkMtu) - OUTER_HEADER_BYTES - srh;
  const mtu = Math.min(tenant.mtu ?? Infinity, underlay);
  paths.mtu.set(tenant.name, mtu);
  return mtu;
}

/** Adds the path's pairs, and all local ports, since the longest encapsulation determines the tenants' MTU. */
export function addPathChange(view: IntentView, { before, after }: ChangeOf<'path'>, { units }: AffectedUnits): void {
  for (const { tenant, node } of view.pairs()) {
    if (node === (after ?? before)?.to) units.add(PAIR, pairKey(tenant, node));
  }
  addLocalPorts(view, units);
}

/** Minimum MTU of an IPv6 link (RFC 8200 section 5). */
const MIN_IPV6_MTU = 1280;

/** Warns of tenants whose MTU is too small for IPv6. */
export function* mtuWarnings(view: IntentView): Generator<string> {
  for (const name of view.localPorts.keys()) {
    const tenant = view.tenant(name);
    const mtu = tenantMtu(view, tenant);
    if (mtu < MIN_IPV6_MTU && tenant.subnets.some(({ prefix }) => prefix.includes(':'))) {
      yield `tenant ${name}: MTU ${mtu} is below ${MIN_IPV6_MTU}, IPv6 will not work: raise the MTU of the uplinks`;
    }
  }
}
