/** What callers give the facade, checked: a typing mistake is named before anything is sent. */
import { familyOf } from './inet/address.js';
import { hostPrefix } from './inet/prefix.js';
import { NetlinkError } from './error.js';
import type { AddressFamily } from './types.js';

type JsType = 'string' | 'number' | 'boolean' | 'bigint' | 'object';

/** Type of every key a value may have, and which it must have. */
export interface Shape<T> {
  types: { readonly [K in keyof Required<T>]: JsType | readonly JsType[] };
  required?: readonly (keyof T & string)[];
}

function argumentError(operation: string, reason: string): NetlinkError {
  return new NetlinkError({ operation, errno: 0, code: 'NETLINK_ARGUMENT', kernelMessage: reason });
}

/**
 * Refuses unknown keys, missing ones and values of another type. Keys whose value is undefined count as absent.
 * @throws NetlinkError NETLINK_ARGUMENT, which names the key and what was expected
 */
export function checkShape<T extends object>(operation: string, value: T, { types, required = [] }: Shape<T>): void {
  if (typeof value !== 'object' || (value as T | null) === null) {
    throw argumentError(operation, `${value === null ? 'null' : typeof value}: expected an object`);
  }
  const known = new Map<string, JsType | readonly JsType[]>(Object.entries(types));
  for (const [key, given] of Object.entries(value)) {
    if (given === undefined) continue;
    const expected = known.get(key);
    if (expected === undefined) {
      throw argumentError(operation, `unknown key "${key}": expected ${[...known.keys()].join(', ')}`);
    }
    const allowed = typeof expected === 'string' ? [expected] : expected;
    if (!allowed.some((type) => type === typeof given) || given === null) {
      throw argumentError(
        operation,
        `${key} is a ${given === null ? 'null' : typeof given}: expected a ${allowed.join(' or ')}`,
      );
    }
  }
  for (const key of required) if (value[key] === undefined) throw argumentError(operation, `expected ${key}`);
}

/** A prefix as ip takes it: "default" (of the family, else IPv4), an address alone, or a prefix. */
export function readPrefix(text: string, family: AddressFamily | undefined): string {
  if (text === 'default') return family === 6 ? '::/0' : '0.0.0.0/0';
  return text.includes('/') ? text : hostPrefix(text);
}

/** Of the first address among some. */
export function familyOfFirst(...addresses: (string | undefined)[]): AddressFamily | undefined {
  const first = addresses.find((address) => address !== undefined);
  return first === undefined ? undefined : familyOf(first);
}
