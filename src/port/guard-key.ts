import type { GuardElement } from './objects.js';

/** What tells an element from others of its set: of a map's, the part before the value, so that a new value replaces it. */
export function elementKey({ table, set, element }: GuardElement): string {
  const end = element.indexOf(' : ');
  return `${table} ${set} ${end < 0 ? element : element.slice(0, end)}`;
}
