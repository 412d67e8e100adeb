/** The agent's part of a node's status. */
import { X509Certificate } from 'node:crypto';
import { readRegularFile } from '../../intent/regular-file.js';
import { clip, MAX_LISTED } from '../status/node-status.js';
import type { AgentState } from '../../agent/telemetry.js';
import type { Diagnosis } from '../../observe/doctor/types.js';
import type { NodeStatus } from '../status/node-status.js';

/** A status without the fields that the source fills in. */
export type AgentFacts = Omit<
  NodeStatus,
  | ('version' | 'protocol' | 'schema' | 'dataplane' | 'epoch' | 'sequence' | 'applied')
  | ('digest' | 'ports' | 'refused' | 'staleSinceMs' | 'certificateEndsMs' | 'latency')
>;

/** Facts of an agent that has not reported anything yet. */
export const NO_FACTS: AgentFacts = {
  ...{ startedMs: 0, drift: 0, driftKinds: [], repairs: 0, waiting: 0, failures: 0, failing: false, held: false },
  ...{ doctor: null, cpuSeconds: 0, residentBytes: 0 },
};

export function agentFacts(state: AgentState, doctor: NodeStatus['doctor']): AgentFacts {
  const sum = (counts: readonly { count: number }[]): number => counts.reduce((all, { count }) => all + count, 0);
  return {
    startedMs: state.startedAt * 1000,
    drift: sum(state.drift),
    driftKinds: state.drift.slice(0, MAX_LISTED).map(({ kind, action, count }) => ({ kind, action, count })),
    repairs: sum(state.repairs),
    ...{ waiting: state.waiting, failures: state.failing, failing: state.queue.failing, held: state.intent.held },
    doctor,
    cpuSeconds: Math.round(state.process.cpuSeconds * 10) / 10,
    residentBytes: state.process.residentBytes,
  };
}

export function doctorFacts({ ok, warn, fail, checks }: Diagnosis, atMs: number): NodeStatus['doctor'] {
  const bad = (wanted: 'fail' | 'warn') =>
    checks.flatMap(({ name, status, what }) =>
      status === wanted ? [{ name: clip(name), status: wanted, what: clip(what) }] : [],
    );
  return { atMs, ok, warn, fail, checks: [...bad('fail'), ...bad('warn')].slice(0, MAX_LISTED) };
}

/** @returns null if the file cannot be read: the feed has not accepted the node by it */
export function certificateEndsMs(file: string): number | null {
  try {
    return Date.parse(new X509Certificate(readRegularFile(file)).validTo);
  } catch {
    return null;
  }
}
