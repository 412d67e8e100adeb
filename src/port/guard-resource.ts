import { onNftables } from '../reconcile/follows.js';
import { nftTables } from '../reconcile/nft-tables.js';
import { GUARD_TABLES } from './guard-tables.js';
import type { Resource } from '../reconcile/resource.js';

/** The guard's nftables tables and their elements; each change is one transaction. */
export const guardResource: Resource<'guard'> = {
  name: 'guard',
  after: ['edge'],
  follows: onNftables(GUARD_TABLES),
  list: (kernel, wanted) => nftTables.list(kernel, wanted, GUARD_TABLES),
  apply: (kernel, changes) => nftTables.apply(kernel, changes),
  describe: nftTables.describe,
};
