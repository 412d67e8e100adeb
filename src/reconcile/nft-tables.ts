import { elementKey, isTable } from './nft-objects.js';
import { nftScript } from './nft-script.js';
import { readListing } from './nft-listing.js';
import type { Kernel } from '../kernel/kernel.js';
import { NftError, nftListApart } from '../kernel/nft.js';
import type { ObjectChange, ObjectFailure } from './resource.js';
import type { NftListing } from './nft-listing.js';
import type { NftObject, NftTable } from './nft-objects.js';

/**
 * How nftables tables of ours are held, whatever they are for: a kind is a list of tables. A table that is not as planned is replaced
 * together with all its elements in one transaction, so that no packet meets it half made.
 */
export const nftTables = {
  /** @param tables those of the kind: `inet segue` */
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

  /** One transaction: all of the changes, or none. */
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

/** One table as nft prints it; a host's own rulesets may be large, so they are not asked for. */
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

/** An agent's tables are few at a time; those of the edge change with the intent. */
const MAX_FORMS = 16;
/** By the texts of the tables, the oldest first. */
const canonicalForms = new Map<string, ReadonlyMap<string, string>>();

/**
 * How this machine's nft lists tables: they are loaded into a network namespace of its own, which ends with the process.
 * Comparing what nft prints with what nft prints needs no knowledge of how a version of it words a rule.
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
