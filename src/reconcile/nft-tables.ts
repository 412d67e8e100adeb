import { elementKey, isTable } from './nft-objects.js';
import { nftScript } from './nft-script.js';
import { readListing } from './nft-listing.js';
import type { Kernel } from '../kernel/kernel.js';
import { NftError, nftListApart } from '../kernel/nft.js';
import type { ObjectChange, ObjectFailure } from './resource.js';
import type { NftListing } from './nft-listing.js';
import type { NftObject, NftTable } from './nft-objects.js';

/**
 * A resource's nftables tables. A table that differs from the plan is replaced with all its elements in one transaction, so that no packet meets an
 * incomplete table.
 */
export const nftTables = {
  /** @param tables tables of the resource, such as `inet segue` */
  async list(
    kernel: Kernel,
    wanted: ReadonlyMap<string, NftObject>,
    tables: readonly string[],
  ): Promise<Map<string, NftObject>> {
    const listing = mergeListings(await Promise.all(tables.map((table) => listTable(kernel, table))));
    const found = new Map<string, NftObject>();
    const intact = new Set<string>();
    const planned = [...wanted.values()].filter(isTable);
    const forms = listing.skeletons.size === 0 ? new Map<string, string>() : await canonical(planned);
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

  /** Applies all changes in one transaction, or none. */
  async apply(kernel: Kernel, changes: readonly ObjectChange<NftObject>[]): Promise<ObjectFailure[]> {
    try {
      await kernel.nft(['-f', '-'], nftScript(changes));
      return [];
    } catch (error) {
      return changes.map(({ key }) => ({ key, error: error as Error }));
    }
  },

  describe: (_key: string, value: NftObject): string =>
    isTable(value) ? `nft table ${value.table}` : `nft element ${value.table} ${value.set} { ${value.element} }`,
};

/** Lists one table: a host's own rulesets may be large, so they are not listed. */
async function listTable(kernel: Kernel, table: string): Promise<NftListing> {
  try {
    return readListing(await kernel.nft(['-j', 'list', 'table', ...table.split(' ')]), [table]);
  } catch (error) {
    if (error instanceof NftError && error.message.includes('No such file')) {
      return { skeletons: new Map(), elements: [] };
    }
    throw error;
  }
}

function mergeListings(listings: readonly NftListing[]): NftListing {
  return {
    skeletons: new Map(listings.flatMap(({ skeletons }) => [...skeletons])),
    elements: listings.flatMap(({ elements }) => elements),
  };
}

/** Tables of the agent are few; those of the edge change with the intent. */
const MAX_FORMS = 16;
/** By the texts of the tables, oldest first. */
const canonicalForms = new Map<string, ReadonlyMap<string, string>>();

/**
 * The tables as this machine's nft lists them, after loading them into a temporary network namespace. Comparing two listings of the same nft needs
 * no knowledge of how its version prints a rule.
 */
async function canonical(tables: readonly NftTable[]): Promise<ReadonlyMap<string, string>> {
  const text = tables.map((table) => table.text).join('\n');
  const known = canonicalForms.get(text);
  if (known !== undefined) return known;
  const names = tables.map(({ table }) => table);
  const forms = readListing(await nftListApart(text), names).skeletons;
  canonicalForms.set(text, forms);
  for (const [oldest] of canonicalForms) {
    if (canonicalForms.size <= MAX_FORMS) break;
    canonicalForms.delete(oldest);
  }
  return forms;
}
