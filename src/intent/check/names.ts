/** Names of entities in features' lists, and references to names. */
import { readName } from '../fields.js';
import { type IssuePath, Refusal } from '../findings.js';
import { below, type Context } from './context.js';

/**
 * Records the name of an entity; reports names that are in use or missing.
 *
 * @param list key in the file, `policies`
 * @param noun `policy`
 */
export function noteName<T extends { index: number }>(
  { findings }: Context,
  name: string | undefined,
  at: IssuePath,
  { list, noun, known, facts }: { list: string; noun: string; known: Map<string, T>; facts: T },
): void {
  if (name === undefined) return;
  const read = readName(name);
  const other = known.get(name);
  if (read instanceof Refusal) findings.add(below(at, 'name'), name, read.expected);
  if (other) findings.add(below(at, 'name'), name, `a name no other ${noun} has; ${list}[${other.index}] has it`);
  else known.set(name, facts);
}

/** The known names of a list, sorted. Reports unknown and repeated names. */
export function readNames(
  { findings }: Context,
  names: readonly (string | undefined)[],
  at: IssuePath,
  what: string,
  known: ReadonlyMap<string, unknown> | undefined,
): string[] {
  const seen = new Set<string>();
  names.forEach((name, i) => {
    if (name === undefined) return;
    if (seen.has(name)) return findings.add(below(at, i), name, `the name of ${what} given once`);
    seen.add(name);
    if (known && !known.has(name)) findings.addUnknownName(below(at, i), name, what, known.keys());
  });
  return [...seen].sort();
}
