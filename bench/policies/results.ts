/** What the measurement of many policies leaves in its result file. */
import type { Machine } from '../lib/machine.js';
import type { Spread } from '../lib/statistics.js';
import type { Row } from '../micro/rows.js';

/** One number of policies. Milliseconds, MiB, microseconds. */
export interface PolicySize {
  policies: number;
  /** Pairs of tenants that they are between. */
  pairs: number;
  /** Objects that were made. */
  objects: number;
  loadMs: Spread;
  planMs: Spread;
  applyMs: Spread;
  cpuMs: Spread;
  /** Another process finds all of it there: from the intent file on. */
  adoptMs: Spread;
  peakMiB: Spread;
  /** A running agent with nothing to do. */
  agentMiB: Spread;
  policyMapsMiB: Spread;
  connectionMapsMiB: Spread;
  otherMapsMiB: Spread;
  /** One policy changes, from the source's change to the new set in force: all rounds together, and of rounds. */
  update: { p50: number; p99: number; max: number; count: number };
  updateP50: Spread;
}

export interface PoliciesResults {
  machine: Machine;
  rounds: number;
  tenants: number;
  ports: number;
  sizes: PolicySize[];
  /** ns a packet of the network node's program. */
  packets: Row[];
}
