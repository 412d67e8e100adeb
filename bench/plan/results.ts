import type { Machine } from '../lib/machine.js';
import type { Spread } from '../lib/statistics.js';

/** One number of remote ports; times and memory as bench/plan/one.ts measures them. */
export interface PlanSize {
  remotePorts: number;
  routes: number;
  loadMs: Spread;
  planMs: Spread;
  diffMs: Spread;
  changeMs: Spread;
  intentMiB: Spread;
  planMiB: Spread;
  peakMiB: Spread;
  /** The same with a fast path, whose entries stand in the plan beside the routes. */
  hybrid?: {
    members: number;
    planMs: Spread;
    changeMs: Spread;
    planMiB: Spread;
  };
  /** One change that a feed tells, as bench/plan/fed.ts measures it. */
  fed?: {
    changeMs: Spread;
    takenMs: Spread;
    wholeMs: Spread;
  };
  /** Longest turn of the agent's event loop, as bench/plan/hold.ts measures it. */
  longestTurn?: {
    readMs: Spread;
    planMs: Spread;
    followMs: Spread;
  };
}

export interface PlanResults {
  machine: Machine;
  rounds: number;
  tenants: number;
  nodes: number;
  sizes: PlanSize[];
}
