/** What the agent and its API process tell each other. */
import type { AgentState } from '../agent/telemetry.js';
import type { NodeConfig } from '../intent/types.js';

export type ToApi =
  | { type: 'config'; config: NodeConfig; configFile: string; socket: string }
  | { type: 'state'; id: number; state: AgentState }
  /** A line of the log. */
  | { type: 'event'; line: string }
  | { type: 'stop' };

export type FromApi =
  | { type: 'state'; id: number }
  | { type: 'events'; wanted: boolean }
  | { type: 'log'; level: 'info' | 'warn' | 'error'; message: string };
