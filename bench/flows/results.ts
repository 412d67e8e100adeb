import type { Results } from '../lib/rows.js';

/** What bench/flows measured, as its result file keeps it. */
export interface FlowsResults {
  /** Addresses behind the sink that each path knew one by one. */
  endpoints: number;
  flows: number[];
  /** Hypervisor to hypervisor. */
  packets: Results;
  /** By a network node. */
  steer: Results;
}
