/** Messages between the agent and its API process. */
import type { AgentState } from '../agent/telemetry.js';
import type { NodeConfig } from '../intent/types.js';

export type ToApi =
  | { type: 'config'; config: NodeConfig; configFile: string; socket: string }
  | { type: 'state'; id: number; state: AgentState }
  /** Answer to `release`. */
  | { type: 'released'; id: number; held: boolean }
  /** A line of the log. */
  | { type: 'event'; line: string }
  | { type: 'stop' };

export type FromApi =
  | { type: 'state'; id: number }
  | { type: 'release'; id: number; by: string }
  | { type: 'events'; wanted: boolean }
  | { type: 'log'; level: 'info' | 'warn' | 'error'; message: string };
