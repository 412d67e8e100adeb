/** What the simulation and the processes of its nodes say to each other. */
import type { Latency } from '../../src/fleet/status/latency.js';
import type { TlsFiles } from '../../src/fleet/types.js';

export interface HostedNode {
  name: string;
  tls: TlsFiles;
  /** The node plans what it is told. */
  plans: boolean;
}

export type ToHost =
  /** Sources begin, all at once. */
  | { type: 'start'; nodes: HostedNode[]; feeds: string[]; directory: string }
  /** Answered with `state`. */
  | { type: 'ask'; id: number };

export interface HostState {
  /** Sources that were started, and those that have their part of the intent. */
  started: number;
  complete: number;
  /** Nodes by the sequence that they have carried out. */
  sequences: Record<string, number>;
  /** When the last of them had its first part, milliseconds since 1970. */
  lastCompleteMs: number;
  latency: Latency;
  /** Messages of errors, those alike once. */
  errors: string[];
  /** Ports of all parts. */
  ports: number;
}

export interface FromHost {
  type: 'state';
  id: number;
  state: HostState;
}
