/** Names of zones in output: a tenant by its name, an external network as `external:<name>`. */
import { EXTERNAL_ZONE, externalOf, SteeringView } from './view.js';
import { ownVrfs } from '../vrf/ours.js';
import { TABLE_BASE } from '../plan/numbers.js';
import type { ZoneName } from './view.js';
import type { Intent } from '../intent/types.js';
import type { Kernel } from '../kernel/kernel.js';

const EXTERNAL = 'external:';

/** The name of a zone without spaces. Names in the intent contain no colons, so no tenant can have the name of an external network. */
export function zoneText(zone: ZoneName): string {
  const external = externalOf(zone);
  return external === undefined ? zone : EXTERNAL + external;
}

/** Names of zones by number: from the intent, and for tenants that are not in it, from the VRFs. */
export class ZoneNames {
  readonly #names = new Map<number, string>();
  readonly #numbers = new Map<string, number>();

  /** @param intent scoped to the node: the numbers of external networks depend on it */
  constructor(kernel: Kernel, intent: Intent | undefined) {
    for (const { table, tenant } of ownVrfs(kernel)) this.#put(table - TABLE_BASE, tenant);
    if (intent === undefined) return;
    for (const { id, name } of intent.tenants) this.#put(id, name);
    const view = new SteeringView(intent);
    for (const name of view.externals.keys()) this.#put(view.externalZoneId(name), EXTERNAL + name);
  }

  /** The name of a zone; if unknown, its number as text. */
  of(id: number): string {
    return this.#names.get(id) ?? (id < EXTERNAL_ZONE ? `tenant ${id}` : `zone ${id}`);
  }

  has(id: number): boolean {
    return this.#names.has(id);
  }

  /** The number of a zone by its name in output. */
  numberOf(name: string): number | undefined {
    return this.#numbers.get(name);
  }

  #put(id: number, name: string): void {
    this.#names.set(id, name);
    this.#numbers.set(name, id);
  }
}
