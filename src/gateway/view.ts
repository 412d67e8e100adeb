import { Limits } from '../ebpf/generated/layouts.js';
import { hash53 } from '../intent/check/hash-set.js';
import type { Intent, IntentChange } from '../intent/types.js';
import type { ViewPart } from '../plan/view.js';
import type { External, Gateway, Policy, PolicyEnd } from './types.js';

/**
 * An end of policies: a tenant by its name, or an external network as `external <name>`. Names contain no spaces, so the two cannot be confused.
 */
export type ZoneName = string;

const EXTERNAL = 'external ';

export function zoneOf(end: PolicyEnd): ZoneName {
  return 'tenant' in end ? end.tenant : externalZone(end.external);
}

export function externalZone(name: string): ZoneName {
  return EXTERNAL + name;
}

/** Name of the external network of a zone; undefined if the zone is a tenant. */
export function externalOf(zone: ZoneName): string | undefined {
  return zone.startsWith(EXTERNAL) ? zone.slice(EXTERNAL.length) : undefined;
}

const NUMBER_SEED = 4;

/**
 * A number below `count` for each name, by its hash. Adding or removing a name keeps the others' numbers, except after collisions.
 */
export function stableNumbers(names: Iterable<string>, count: number): Map<string, number> {
  const numbers = new Map<string, number>();
  const taken = new Set<number>();
  for (const name of [...names].sort()) {
    if (taken.size === count) throw new RangeError(`more than ${count} names`);
    let number = hash53(NUMBER_SEED, name) % count;
    while (taken.has(number)) number = (number + 1) % count;
    taken.add(number);
    numbers.set(name, number);
  }
  return numbers;
}

const { GATEWAYS, NETWORK_NODES } = Limits;
/** Zone ids below it are tenant ids. */
export const { EXTERNAL_ZONE } = Limits;
const EXTERNALS = 0x000fffff;

declare module '../plan/view.js' {
  interface ViewParts {
    /** Gateways, external networks and policies. */
    steering: SteeringView;
  }
}

/** Gateways and policies, indexed for planning. */
export class SteeringView implements ViewPart {
  /** Cached result of `usesGateways`, which is called for each port of the node. */
  hasHostedGateway: boolean | undefined;
  readonly gateways = new Map<string, Gateway>();
  readonly externals = new Map<string, External>();
  readonly policies = new Map<string, Policy>();
  /** Policies by the zones that they are from and to. */
  readonly #sets = new Map<ZoneName, Map<ZoneName, Map<string, Policy>>>();
  readonly #gatewayOf = new Map<string, Gateway>();
  /** Number of policies between a zone and each of its peers. */
  readonly #peers = new Map<ZoneName, Map<ZoneName, number>>();
  #gatewayNumbers: ReadonlyMap<string, number> | undefined;
  #nodeNumbers: ReadonlyMap<string, number> | undefined;
  #externalNumbers: ReadonlyMap<string, number> | undefined;

  constructor({ gateways = [], externals = [], policies = [] }: Intent) {
    for (const gateway of gateways) this.#putGateway(gateway.name, gateway);
    for (const external of externals) this.externals.set(external.name, external);
    for (const policy of policies) this.#putPolicy(policy);
  }

  apply(changes: readonly IntentChange[]): void {
    this.hasHostedGateway = undefined;
    for (const change of changes) {
      if (change.kind === 'gateway') this.#putGateway(change.key, change.after);
      else if (change.kind === 'policy') {
        if (change.before !== undefined) this.#removePolicy(change.before);
      } else if (change.kind === 'external') {
        if (change.after === undefined) this.externals.delete(change.key);
        else this.externals.set(change.key, change.after);
        this.#externalNumbers = undefined;
      }
    }
    for (const change of changes) {
      if (change.kind === 'policy' && change.after !== undefined) this.#putPolicy(change.after);
    }
  }

  /** The gateway of a tenant. */
  gatewayOf(tenant: string): Gateway | undefined {
    return this.#gatewayOf.get(tenant);
  }

  /** The gateway that a zone is at. */
  gatewayOfZone(zone: ZoneName): Gateway | undefined {
    const external = externalOf(zone);
    if (external === undefined) return this.#gatewayOf.get(zone);
    return this.gateways.get(this.externals.get(external)?.gateway ?? '');
  }

  /** Whether a node decides about traffic of a zone. */
  isNetworkNodeOf(node: string, zone: ZoneName): boolean {
    return this.gatewayOfZone(zone)?.nodes.includes(node) ?? false;
  }

  /** Whether a node is a network node of any gateway. */
  isNetworkNode(node: string): boolean {
    for (const { nodes } of this.gateways.values()) if (nodes.includes(node)) return true;
    return false;
  }

  /** Names of all network nodes. */
  networkNodes(): string[] {
    return [...this.nodeNumbers.keys()];
  }

  /** The policies from one zone to another, in no order. */
  policiesOf(from: ZoneName, to: ZoneName): Policy[] {
    return [...(this.#sets.get(from)?.get(to)?.values() ?? [])];
  }

  /** Pairs of zones with a policy from the one to the other. */
  *pairs(): Generator<[from: ZoneName, to: ZoneName]> {
    for (const [from, byTo] of this.#sets) for (const to of byTo.keys()) yield [from, to];
  }

  /** Zones with a policy from or to this one, sorted. */
  peersOf(zone: ZoneName): ZoneName[] {
    return [...(this.#peers.get(zone)?.keys() ?? [])].sort();
  }

  /** Index of each gateway, by name. */
  get gatewayNumbers(): ReadonlyMap<string, number> {
    return (this.#gatewayNumbers ??= stableNumbers(this.gateways.keys(), GATEWAYS));
  }

  /** Number of each network node, by name. */
  get nodeNumbers(): ReadonlyMap<string, number> {
    const names = new Set([...this.gateways.values()].flatMap(({ nodes }) => nodes));
    return (this.#nodeNumbers ??= stableNumbers(names, NETWORK_NODES));
  }

  /** Zone id of each external network, by name. */
  externalZoneId(name: string): number {
    this.#externalNumbers ??= stableNumbers(this.externals.keys(), EXTERNALS);
    return EXTERNAL_ZONE + 1 + (this.#externalNumbers.get(name) ?? 0);
  }

  #putGateway(name: string, gateway: Gateway | undefined): void {
    const before = this.gateways.get(name);
    for (const tenant of before?.tenants ?? []) {
      if (this.#gatewayOf.get(tenant) === before) this.#gatewayOf.delete(tenant);
    }
    if (gateway === undefined) this.gateways.delete(name);
    else {
      this.gateways.set(name, gateway);
      for (const tenant of gateway.tenants) this.#gatewayOf.set(tenant, gateway);
    }
    this.#gatewayNumbers = this.#nodeNumbers = undefined;
  }

  #putPolicy(policy: Policy): void {
    const [from, to] = [zoneOf(policy.from), zoneOf(policy.to)];
    this.policies.set(policy.name, policy);
    let byTo = this.#sets.get(from);
    if (byTo === undefined) this.#sets.set(from, (byTo = new Map<ZoneName, Map<string, Policy>>()));
    const set = byTo.get(to);
    if (set === undefined) byTo.set(to, new Map([[policy.name, policy]]));
    else set.set(policy.name, policy);
    this.#count(from, to, 1);
    this.#count(to, from, 1);
  }

  #removePolicy(policy: Policy): void {
    const [from, to] = [zoneOf(policy.from), zoneOf(policy.to)];
    if (this.policies.get(policy.name) === policy) this.policies.delete(policy.name);
    const byTo = this.#sets.get(from);
    const set = byTo?.get(to);
    set?.delete(policy.name);
    if (set?.size === 0) byTo?.delete(to);
    if (byTo?.size === 0) this.#sets.delete(from);
    this.#count(from, to, -1);
    this.#count(to, from, -1);
  }

  #count(zone: ZoneName, peer: ZoneName, by: 1 | -1): void {
    const peers = this.#peers.get(zone) ?? new Map<ZoneName, number>();
    this.#peers.set(zone, peers);
    const count = (peers.get(peer) ?? 0) + by;
    if (count > 0) peers.set(peer, count);
    else peers.delete(peer);
    if (peers.size === 0) this.#peers.delete(zone);
  }
}
