/** Formats changes of the intent as lines. */
import { isDeepStrictEqual } from 'node:util';
import { keyText } from '../../fleet/keys.js';
import { paint } from '../colour.js';
import type { StoredChange } from '../../fleet/types.js';

/** `~ port red-a  (node: hv1 → hv2)` */
function changeLine({ key, before, after }: StoredChange): string {
  const name = keyText(key);
  if (after === undefined) return `${paint('red', '-')} ${name}`;
  if (before === undefined) return `${paint('green', '+')} ${name}  ${detailsOf(after)}`;
  return `${paint('yellow', '~')} ${name}  (${differences(before, after).join(', ')})`;
}

export function changeLines(changes: readonly StoredChange[]): string[] {
  return [...changes].sort((a, b) => (a.key < b.key ? -1 : 1)).map(changeLine);
}

/** `2 added, 1 changed, 3 removed` */
export function summaryOf(changes: readonly StoredChange[]): string {
  const counts = { added: 0, changed: 0, removed: 0 };
  for (const { before, after } of changes)
    counts[before === undefined ? 'added' : after === undefined ? 'removed' : 'changed'] += 1;
  return Object.entries(counts)
    .map(([what, count]) => `${count} ${what}`)
    .join(', ');
}

function detailsOf(value: object | string): string {
  if (typeof value === 'string' || Array.isArray(value)) return show(value);
  const fields = Object.entries(value).filter(([field, inner]) => field !== 'name' && !isDeepStrictEqual(inner, []));
  return fields.map(([field, inner]) => `${field}: ${show(inner)}`).join(', ');
}

function differences(before: object | string, after: object | string): string[] {
  if (typeof before === 'string' || typeof after === 'string' || Array.isArray(before))
    return [`${show(before)} → ${show(after)}`];
  const [from, to] = [before, after] as [Record<string, unknown>, Record<string, unknown>];
  return [...new Set([...Object.keys(from), ...Object.keys(to)])]
    .filter((field) => !isDeepStrictEqual(from[field], to[field]))
    .map((field) => `${field}: ${show(from[field])} → ${show(to[field])}`);
}

function show(value: unknown): string {
  if (value === undefined) return 'none';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
