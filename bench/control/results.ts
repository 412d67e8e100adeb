/** What the control-plane benchmark leaves in its result file. */
import type { Machine } from '../lib/machine.js';
import type { Spread } from '../lib/statistics.js';

/** How one contender brought the routes about. */
export interface Contender {
  /** Of the whole process, milliseconds. */
  process: Spread;
  /** Remote routes a second of the whole process. */
  routesPerSecond: Spread;
  /** Peak of resident memory, MiB. */
  peakMiB: Spread;
  /** Requests the kernel had no per-CPU memory for at first, all rounds together; segue tries again by itself. */
  retried?: number;
}

/** Milliseconds of the steps of one apply. */
export interface Steps {
  start: Spread;
  load: Spread;
  plan: Spread;
  diff: Spread;
  execute: Spread;
  /** load to execute. */
  total: Spread;
}

export interface ColdResult {
  /** How ports are placed: dealt, anywhere, racks. */
  name: string;
  remotePorts: number;
  /** Next-hop objects that segue makes for them. */
  nexthops: number;
  segue: Contender & { steps: Steps };
  /** The same at once again. */
  second: Contender & { steps: Steps; changes: number };
  ipOwn: Contender;
  ipNexthop: Contender;
  /** Routes a second against ip with an encapsulation each: round by round. */
  ratio: { netlink: Spread; intent: Spread; apply: Spread; process: Spread };
}

export interface MoveSeries {
  remotePorts: number;
  /** Microseconds from the source's change to the kernel's ACK, all rounds together. */
  latency: { p50: number; p90: number; p99: number; max: number; count: number };
  /** The median of each round, microseconds. */
  p50: Spread;
  p99: Spread;
  /** First snapshot to last ACK in the agent, milliseconds. */
  converge: Spread;
  peakMiB: Spread;
  /** Moves whose effect was compared with a whole dump, and what they touched beyond what they must. */
  checked: number;
  touched: string[];
}

export interface ControlResults {
  machine: Machine;
  tenants: number;
  nodes: number;
  rounds: number;
  cold: ColdResult[];
  move: MoveSeries[];
}

/** What bench/control/vm-scale prints. */
export interface VmScaleResult {
  machine: Machine;
  remotePorts: number;
  tenants: number;
  nexthops: number;
  /** All objects made. */
  objects: number;
  /** Of each step. */
  seconds: Record<string, number>;
  peakMiB: number;
}
