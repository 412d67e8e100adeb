/** Messages between the simulation and its nodes' processes. */
import type { Latency } from '../../src/fleet/status/latency.js';
import type { TlsFiles } from '../../src/fleet/types.js';

export interface HostedNode {
  name: string;
  tls: TlsFiles;
  /** Whether the node has a planner. */
  plans: boolean;
}

export type ToHost =
  /** Starts sources, all at once. */
  | { type: 'start'; nodes: HostedNode[]; feeds: string[]; directory: string }
  /** Makes all sources reconnect at once. */
  | { type: 'reconnect'; byCertificate: boolean }
  /** Answered with `state`. */
  | { type: 'ask'; id: number };

export interface HostState {
  /** Number of sources that were started, and of those with their part of the intent. */
  started: number;
  complete: number;
  /** Number of nodes by the sequence that they have carried out. */
  sequences: Record<string, number>;
  /** When the last node got its first part, in milliseconds since 1970. */
  lastCompleteMs: number;
  latency: Latency;
  /** Messages of errors, without duplicates. */
  errors: string[];
  /** Streams that started, the time of the last start (milliseconds since 1970), and connections with a resumed TLS session. */
  streams: number;
  lastStreamMs: number;
  resumed: number;
  /** Number of ports in all parts. */
  ports: number;
}

export interface FromHost {
  type: 'state';
  id: number;
  state: HostState;
}
