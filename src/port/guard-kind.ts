import { nftTables } from '../reconcile/nft-kind.js';
import { GUARD_TABLES } from './guard-tables.js';
import type { Kind } from '../reconcile/kind.js';

/** The guard's nftables tables and their elements, in one transaction a time. */
export const guardKind: Kind<'guard'> = {
  name: 'guard',
  list: (kernel, wanted) => nftTables.list(kernel, wanted, GUARD_TABLES),
  apply: (kernel, changes) => nftTables.apply(kernel, changes),
  describe: nftTables.describe,
};
