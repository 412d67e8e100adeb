/** Equality of planned values: flat records of strings, numbers, booleans, lists of strings, and records of those. */
export function equalValues(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) && Array.isArray(b)) return equalLists(a, b);
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  for (const key in left) {
    if (!equalValues(left[key], right[key])) return false;
  }
  for (const key in right) {
    if (right[key] !== undefined && left[key] === undefined) return false;
  }
  return true;
}

function equalLists(a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index++) if (!equalValues(a[index], b[index])) return false;
  return true;
}

/** One field in which two values differ. */
export interface Difference {
  field: string;
  /** The plan's value. */
  desired: unknown;
  /** The kernel's value. */
  actual: unknown;
}

/** The top-level fields in which two values differ. */
export function differences(desired: object, actual: object): Difference[] {
  const want = desired as Record<string, unknown>;
  const have = actual as Record<string, unknown>;
  const fields = new Set([...Object.keys(want), ...Object.keys(have)]);
  const found: Difference[] = [];
  for (const field of fields) {
    if (!equalValues(want[field], have[field])) found.push({ field, desired: want[field], actual: have[field] });
  }
  return found;
}
