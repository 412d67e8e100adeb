import { spawnSync } from 'node:child_process';
import { elementKey } from './guard-key.js';
import { readListing } from './guard-text.js';
import { GUARD_TABLES } from './guard-tables.js';
import type { GuardListing } from './guard-text.js';
import type { Kernel } from '../kernel/kernel.js';
import { NftError } from '../kernel/nft.js';
import type { Kind, ObjectChange } from '../reconcile/kind.js';
import type { GuardElement, GuardObject, GuardTable, GuardTableName } from './objects.js';

/** Elements in one `add element`, so that no line of a transaction grows without bound. */
const ELEMENTS_PER_STATEMENT = 512;

/**
 * The guard's nftables tables and their elements, in one transaction a time. A table that is not as planned is replaced
 * together with all its elements, so that no packet meets it half made.
 */
export const guardKind: Kind<'guard'> = {
  name: 'guard',

  async list(kernel, wanted) {
    const listing = mergeListings(await Promise.all(GUARD_TABLES.map((table) => listTable(kernel, table))));
    const found = new Map<string, GuardObject>();
    const intact = new Set<GuardTableName>();
    const planned = [...wanted.values()].filter(isTable);
    const forms = listing.skeletons.size === 0 ? new Map<string, string>() : canonical(planned);
    for (const [table, skeleton] of listing.skeletons) {
      const want = planned.find((candidate) => candidate.table === table);
      if (want !== undefined && skeleton === forms.get(table)) {
        intact.add(table);
        found.set(table, want);
      } else {
        found.set(table, { table, text: 'altered' });
      }
    }
    for (const element of listing.elements) {
      if (intact.has(element.table)) found.set(elementKey(element), element);
    }
    return found;
  },

  async apply(kernel, changes) {
    try {
      await kernel.nft(['-f', '-'], script(changes));
      return [];
    } catch (error) {
      return changes.map(({ key }) => ({ key, error: error as Error }));
    }
  },

  describe: (_key, value) =>
    'text' in value ? `nft table ${value.table}` : `nft element ${value.table} ${value.set} { ${value.element} }`,
};

/** One table as nft prints it; a host's own rulesets may be large, so they are not asked for. */
async function listTable(kernel: Kernel, table: GuardTableName): Promise<GuardListing> {
  try {
    return readListing(await kernel.nft(['-j', 'list', 'table', ...table.split(' ')]));
  } catch (error) {
    if (error instanceof NftError && error.message.includes('No such file')) {
      return { skeletons: new Map(), elements: [] };
    }
    throw error;
  }
}

function mergeListings(listings: readonly GuardListing[]): GuardListing {
  return {
    skeletons: new Map(listings.flatMap(({ skeletons }) => [...skeletons])),
    elements: listings.flatMap(({ elements }) => elements),
  };
}

/** One nft transaction: tables first, elements that go before those that come. */
function script(changes: readonly ObjectChange<GuardObject>[]): string {
  const tables: string[] = [];
  const removed: GuardElement[] = [];
  const added: GuardElement[] = [];
  const replaced = new Set<GuardTableName>();
  for (const { desired, actual } of changes) {
    const table = (desired ?? actual)?.table;
    if (isTable(desired) || isTable(actual)) {
      // "table" first: deleting one that is not there is an error.
      tables.push(`table ${table}`, `delete table ${table}`, isTable(desired) ? desired.text : '');
      if (table !== undefined) replaced.add(table);
    } else {
      // A map's element takes no other value: the old one goes in the same transaction.
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

function statements(verb: 'add' | 'delete', elements: readonly GuardElement[]): string[] {
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

function isTable(value: GuardObject | undefined): value is GuardTable {
  return value !== undefined && 'text' in value;
}

/** By the texts of the tables. */
const canonicalForms = new Map<string, ReadonlyMap<GuardTableName, string>>();

/**
 * How this machine's nft lists tables: they are loaded into a network namespace of its own, which ends with the process.
 * Comparing what nft prints with what nft prints needs no knowledge of how a version of it words a rule.
 */
function canonical(tables: readonly GuardTable[]): ReadonlyMap<string, string> {
  const text = tables.map((table) => table.text).join('\n');
  const known = canonicalForms.get(text);
  if (known !== undefined) return known;
  const child = spawnSync('unshare', ['--net', 'sh', '-c', 'nft -f - && nft -j list ruleset'], {
    input: text,
    encoding: 'utf8',
  });
  if (child.status !== 0) throw new NftError(`nft, in a network namespace of its own: ${child.stderr.trim()}`);
  const forms = readListing(child.stdout).skeletons;
  canonicalForms.set(text, forms);
  return forms;
}
