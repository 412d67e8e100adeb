/** What zones are called: tenants by their names, external networks as `external:<name>`. */
import { EXTERNAL_ZONE, externalOf, SteeringView } from '../../gateway/view.js';
import { TABLE_BASE } from '../../plan/numbers.js';
import type { ZoneName } from '../../gateway/view.js';
import type { Intent } from '../../intent/types.js';
import type { Names } from './names.js';

const EXTERNAL = 'external:';

/** A zone of the intent in words that are one word: names have no colons. */
export function zoneText(zone: ZoneName): string {
  const external = externalOf(zone);
  return external === undefined ? zone : EXTERNAL + external;
}

/** Names of zones by their numbers: from the intent, of tenants else from the VRFs. */
export class ZoneNames {
  readonly #names = new Map<number, string>();
  readonly #numbers = new Map<string, number>();

  /** @param intent scoped to the node, as its plan has numbers */
  constructor(names: Names, intent: Intent | undefined) {
    for (const { table, tenant } of names.vrfs) this.#put(table - TABLE_BASE, tenant);
    if (intent === undefined) return;
    for (const { id, name } of intent.tenants) this.#put(id, name);
    const view = new SteeringView(intent);
    for (const name of view.externals.keys()) this.#put(view.externalZoneId(name), EXTERNAL + name);
  }

  /** Of a zone that nobody knows, its number in words. */
  of(id: number): string {
    return this.#names.get(id) ?? (id < EXTERNAL_ZONE ? `tenant ${id}` : `zone ${id}`);
  }

  has(id: number): boolean {
    return this.#names.has(id);
  }

  /** Number of a zone by what it is called here. */
  numberOf(name: string): number | undefined {
    return this.#numbers.get(name);
  }

  #put(id: number, name: string): void {
    this.#names.set(id, name);
    this.#numbers.set(name, id);
  }
}
