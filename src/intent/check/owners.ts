/**
 * Which port a value belongs to. While all is well a set says that a value is new; only when one comes twice is it
 * worked out who had it first, once for the whole file. That halves the time and the memory of checking a million ports.
 */
import { readAddress, readMac } from '../fields.js';
import { Refusal } from '../findings.js';

export type OwnedKind = 'name' | 'interface' | 'mac' | 'address';

/** Adds a value; false when it was there. */
export function isNew<T>(values: Set<T>, value: T): boolean {
  const before = values.size;
  return values.add(value).size > before;
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
}

export class Owners {
  readonly #raws: readonly unknown[];
  #first: Map<string, number> | undefined;

  constructor(raws: readonly unknown[]) {
    this.#raws = raws;
  }

  /**
   * Index of the first port with a value, undefined when no port has it.
   * @param scope name of the node (interfaces) or tenant (MAC and other addresses) it is unique in; '' for names
   * @param value canonical text
   */
  firstOf(kind: OwnedKind, scope: string, value: string): number | undefined {
    this.#first ??= this.#collect();
    return this.#first.get(`${kind} ${scope} ${value}`);
  }

  #collect(): Map<string, number> {
    const first = new Map<string, number>();
    this.#raws.forEach((raw, index) => {
      if (typeof raw !== 'object' || raw === null) return;
      const port = raw as Record<string, unknown>;
      const own = (kind: OwnedKind, scope: unknown, value: unknown): void => {
        if (typeof scope !== 'string' || typeof value !== 'string') return;
        const key = `${kind} ${scope} ${value}`;
        if (!first.has(key)) first.set(key, index);
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
