/** Turns changes of tables and elements into one nft transaction. */
import { isTable } from './nft-objects.js';
import type { NftElement, NftObject } from './nft-objects.js';

/** Elements in one `add element`, which bounds the length of a line. */
const ELEMENTS_PER_STATEMENT = 512;

/** Tables come first, then elements, removals before additions. */
export function nftScript(changes: Iterable<{ desired?: NftObject; actual?: NftObject }>): string {
  const tables: string[] = [];
  const removed: NftElement[] = [];
  const added: NftElement[] = [];
  const replaced = new Set<string>();
  for (const { desired, actual } of changes) {
    const table = (desired ?? actual)?.table;
    if (isTable(desired) || isTable(actual)) {
      // "table" first: deleting a table that does not exist is an error.
      tables.push(`table ${table}`, `delete table ${table}`, isTable(desired) ? desired.text : '');
      if (table !== undefined) replaced.add(table);
    } else {
      // An element of a map cannot get another value: the old element is removed in the same transaction.
      if (actual !== undefined) removed.push(actual);
      if (desired !== undefined) added.push(desired);
    }
  }
  return [
    ...tables,
    ...statements(
      'delete',
      removed.filter(({ table }) => !replaced.has(table)),
    ),
    ...statements('add', added),
    '',
  ].join('\n');
}

function statements(verb: 'add' | 'delete', elements: readonly NftElement[]): string[] {
  const sets = new Map<string, string[]>();
  for (const { table, set, element } of elements) {
    const name = `${table} ${set}`;
    const list = sets.get(name);
    if (list === undefined) sets.set(name, [element]);
    else list.push(element);
  }
  const lines: string[] = [];
  for (const [name, list] of sets) {
    for (let at = 0; at < list.length; at += ELEMENTS_PER_STATEMENT) {
      lines.push(`${verb} element ${name} { ${list.slice(at, at + ELEMENTS_PER_STATEMENT).join(', ')} }`);
    }
  }
  return lines;
}
