/** What the measurement of the fast path's entries leaves in its result file. */
import type { Machine } from '../lib/machine.js';
import type { Spread } from '../lib/statistics.js';

/** Milliseconds and MiB. */
export interface LoadFigures {
  /** Plan in memory to the last entry in its map. */
  total: Spread;
  diff: Spread;
  execute: Spread;
  /** Processor time of the main thread. */
  cpu: Spread;
  /** The event loop's longest hold-up. */
  held: Spread;
  peakMiB: Spread;
}

export interface EntriesResults {
  machine: Machine;
  remotePorts: number;
  tenants: number;
  nodes: number;
  rounds: number;
  /** Entries made: all kinds, and those of addresses. */
  entries: number;
  members: number;
  /** File to checked intent, and intent to plan: before what is measured. */
  loadMs: Spread;
  planMs: Spread;
  cold: LoadFigures;
  /** Of the cold one, by kind: list and apply together. */
  kinds: Record<string, Spread>;
  /** The same process looks again. */
  second: Spread;
  secondCpu: Spread;
  /** Another process finds everything there. */
  adopt: LoadFigures;
  /** The kernel's own time for the members, in the same batches: processor time. */
  floorWrite: Spread;
  floorRead: Spread;
  /** Plan and intent on V8's heap, once all else is gone. */
  heapMiB: Spread;
  purge: Spread;
  moves: EntryMoves[];
}

export interface EntryMoves {
  remotePorts: number;
  /** Microseconds from the source's change to the entry in the map, all rounds together. */
  latency: { p50: number; p90: number; p99: number; max: number; count: number };
  p50: Spread;
  p99: Spread;
  /** Moves after which the whole map was read, and what was not as it had to be. */
  checked: number;
  wrong: string[];
}
