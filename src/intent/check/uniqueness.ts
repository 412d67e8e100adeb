/**
 * Finds the port that has a value. Usually hashes show that a value is new (hash-set.ts). Only if one may be repeated, its first owner is
 * determined exactly, once for the whole file.
 */
import { readAddress, readMac } from '../fields.js';
import { Refusal } from '../findings.js';
import { Seen } from './hash-set.js';

/** The numbers are seeds of hashes. */
const KINDS = { name: 0, interface: 1, mac: 2, address: 3 } as const;
export type OwnedKind = keyof typeof KINDS;

/** Values of a port with one address. The table grows for more; a smaller table means fewer cache misses. */
const VALUES_PER_PORT = 4;

/** A scope in which values of a kind are unique: a node for interfaces, a tenant for addresses, the file for names. */
export interface OwnerScope {
  index: number;
  name: string;
}

const NOTHING: ReadonlyMap<string, number> = new Map();

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
}

export class Owners {
  readonly #raws: readonly unknown[];
  readonly #seen: Seen;
  #first: Map<string, Map<string, number>> | undefined;

  constructor(raws: readonly unknown[]) {
    this.#raws = raws;
    this.#seen = new Seen(raws.length * VALUES_PER_PORT);
  }

  /**
   * Records a value of a port.
   *
   * @param value canonical text
   * @returns undefined if it is new; else the index of the first port with it. That is the port itself if only the hash collided, or if the port
   * has the value twice.
   */
  note(kind: OwnedKind, scope: OwnerScope, value: string): number | undefined {
    if (!this.#seen.note(KINDS[kind] + scope.index * 4, value)) return undefined;
    return this.owned(kind, scope.name).get(value);
  }

  /** First port of each value. */
  owned(kind: OwnedKind, scope: string): ReadonlyMap<string, number> {
    this.#first ??= this.#collect();
    return this.#first.get(`${kind} ${scope}`) ?? NOTHING;
  }

  #collect(): Map<string, Map<string, number>> {
    const first = new Map<string, Map<string, number>>();
    this.#raws.forEach((raw, index) => {
      if (typeof raw !== 'object' || raw === null) return;
      const port = raw as Record<string, unknown>;
      const own = (kind: OwnedKind, scope: unknown, value: unknown): void => {
        if (typeof scope !== 'string' || typeof value !== 'string') return;
        const place = `${kind} ${scope}`;
        const values = first.get(place) ?? new Map<string, number>();
        first.set(place, values);
        if (!values.has(value)) values.set(value, index);
      };
      own('name', '', port.name);
      own('interface', port.node, port.interface);
      const mac = typeof port.mac === 'string' ? readMac(port.mac) : undefined;
      if (!(mac instanceof Refusal)) own('mac', port.tenant, mac);
      for (const text of texts(port.addresses)) {
        const address = readAddress(text);
        if (!(address instanceof Refusal)) own('address', port.tenant, address.text);
      }
    });
    return first;
  }
}
