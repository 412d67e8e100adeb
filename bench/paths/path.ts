/** A way for the tenant's packets to cross from hv1 to hv2 and back. */
import type { Chain } from '../chain/chain.js';
import type { DescribedPath } from '../lib/rows.js';

/** What is set up on one chain. */
export interface SetUp {
  /** Lets go of what lives outside the chain's namespaces (links of programs); the namespaces go with the chain. */
  tearDown(): void;
}

export interface Path {
  /** Short, as in tables and on the command line. */
  name: string;
  /** One line for the report: which kernel objects do it. */
  describe: string;
  /** Whether a tenant's TCP can go through it: the bare redirect has no checksums to offer. */
  tcp: boolean;
  /** Bytes that it adds to a tenant's packet. */
  overhead: number;
  setUp(chain: Chain): Promise<SetUp>;
}

/** Of a path that is only routes and devices. */
export const NOTHING_HELD: SetUp = {
  tearDown() {
    // It goes with the namespaces.
  },
};

export function describePaths(paths: readonly Path[]): DescribedPath[] {
  return paths.map(({ name, describe, overhead }) => ({ name, describe, overhead }));
}
