import { onNftables } from '../reconcile/follows.js';
import { HOST_FORWARDING } from '../host/sysctl-plan.js';
import { isRemembered } from '../host/sysctl-resource.js';
import { nftTables } from '../reconcile/nft-tables.js';
import { EDGE_TABLES } from './edge-table.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Resource } from '../reconcile/resource.js';
import { isTable } from '../reconcile/nft-objects.js';
import type { NftObject } from '../reconcile/nft-objects.js';

declare module '../plan/plan.js' {
  interface Resources {
    /** key: as for `guard` */
    edge: NftObject;
  }
}

/** The edge cannot be removed while the host still forwards because of segue: the SR domain would be open to everyone. */
class StillForwardingError extends Error {
  readonly code = 'STILL_FORWARDING';

  constructor() {
    super(
      `net.ipv6.conf.all.forwarding is still 1, set by segue: expected it to be restored before the edge is removed`,
    );
    this.name = 'StillForwardingError';
  }
}

/** The edge's table and its elements. */
export const edgeResource: Resource<'edge'> = {
  name: 'edge',
  after: [],
  follows: onNftables(EDGE_TABLES),
  list: (kernel, wanted) => nftTables.list(kernel, wanted, EDGE_TABLES),
  apply(kernel, changes) {
    const goes = changes.some(({ desired, actual }) => desired === undefined && isTable(actual));
    if (goes && isForwardingForSegue(kernel)) {
      const error = new StillForwardingError();
      return changes.map(({ key }) => ({ key, error }));
    }
    return nftTables.apply(kernel, changes);
  },
  describe: nftTables.describe,
};

function isForwardingForSegue(kernel: Kernel): boolean {
  return isRemembered(kernel, HOST_FORWARDING) && kernel.sysctls.read(HOST_FORWARDING) === '1';
}
