/** Names of gateways, externals and policies, and the names they refer to. */
import { readName } from '../fields.js';
import { type IssuePath, Refusal } from '../findings.js';
import { below, type Context } from './context.js';

/**
 * Notes the name of an entity; one that is taken or no name at all is reported.
 *
 * @param list key of the file, `policies`
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

/** The names of a list that are known, sorted; the others, and those given twice, are reported. */
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
