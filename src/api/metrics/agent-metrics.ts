/** The agent's own counters, which continue those of the node's previous agent; `process_…` are of this process. */
import { RESOURCE_ORDER } from '../../app/features.js';
import { Family } from './exposition.js';
import type { AgentState } from '../../agent/telemetry.js';
import type { RequestCounts } from '../request-counts.js';

/** Kinds of objects with an action that have their own series: the first ones that drifted, so that none moves to the rest later. */
const MAX_DRIFTED = 24;
const ACTIONS = ['create', 'replace', 'delete'] as const;
/** No kind has this name. */
const OTHER = '_other';

const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, one) => sum + one, 0);

export function agentMetrics(state: AgentState): Family[] {
  const { intent, queue, tasks, process: own } = state;
  const family = (...args: ConstructorParameters<typeof Family>): Family => new Family(...args);
  const times = family('reconcile_duration_seconds', 'histogram', 'Time that tasks of the work queue took, by reason.');
  for (const [reason, histogram] of Object.entries(tasks)) times.addHistogram({ reason }, histogram);
  const drift = family('drift_objects', 'gauge', 'Objects that the last sweep found changed by others.');
  const repairs = family('repairs_total', 'counter', 'Objects changed by others that were repaired.');
  // A kind that has drifted stays at 0 afterwards, rather than disappearing.
  const drifted = state.repairs.map(
    ({ kind, action }) => state.drift.find((one) => one.kind === kind && one.action === action)?.count ?? 0,
  );
  const known = state.repairs.slice(0, MAX_DRIFTED);
  for (const [index, { kind, action, count }] of known.entries()) {
    repairs.add({ kind, action }, count);
    drift.add({ kind, action }, drifted[index] ?? 0);
  }
  for (const action of ACTIONS) {
    const rest = [...state.repairs.entries()].slice(MAX_DRIFTED).filter(([, one]) => one.action === action);
    if (rest.length === 0) continue;
    repairs.add({ kind: OTHER, action }, sumOf(rest.map(([, { count }]) => count)));
    drift.add({ kind: OTHER, action }, sumOf(rest.map(([index]) => drifted[index] ?? 0)));
  }
  const failures = family('failures_total', 'counter', 'Failed attempts to make an object.');
  const failed = new Map(state.failures.map(({ kind, count }) => [kind, count]));
  // Series start at zero: Prometheus sees no increase in the first value of a new series.
  for (const kind of RESOURCE_ORDER) failures.add({ kind }, failed.get(kind) ?? 0);
  const events = family('netlink_events_total', 'counter', 'Notifications of the kernel.');
  for (const { kind, count } of state.events) events.add({ kind }, count);
  const delay = family(
    'nodejs_eventloop_delay_seconds',
    'gauge',
    'How long the event loop was held up since the last scrape.',
  );
  for (const [statistic, seconds] of Object.entries(own.loopDelay)) delay.add({ statistic }, seconds);
  const intentInfo = family('intent_info', 'gauge', 'SHA-256 of the applied intent.');
  if (intent.digest !== null) intentInfo.add({ hash: intent.digest }, 1);
  const time = (name: string, help: string, value: number | null): Family => {
    const made = family(name, 'gauge', help);
    return value === null ? made : made.add({}, value);
  };
  return [
    family('agent_ready', 'gauge', 'The first intent has been applied.').add({}, Number(state.ready)),
    family('intent_held', 'gauge', 'The removal guard holds a newer intent.').add({}, Number(intent.held)),
    family('intent_refused', 'gauge', 'The present intent file is refused.').add({}, Number(intent.refused !== null)),
    intentInfo,
    time('intent_applied_timestamp_seconds', 'When the last intent was applied.', intent.appliedAt),
    family('intent_read_errors_total', 'counter', 'Attempts to read the intent that failed or were refused.').add(
      {},
      intent.readErrors,
    ),
    times,
    family('reconcile_queue_length', 'gauge', 'Tasks that wait or run.').add({}, queue.length),
    family('reconcile_busy_seconds', 'gauge', 'How long the current task has taken.').add({}, queue.busySeconds),
    time('last_sweep_timestamp_seconds', 'When everything was last compared with the kernel.', state.lastSweepAt),
    family('sweep_interval_seconds', 'gauge', 'Time between two such comparisons.').add({}, state.sweepSeconds),
    drift,
    repairs,
    failures,
    family('waiting_objects', 'gauge', 'Objects that wait for their interface.').add({}, state.waiting),
    events,
    family('netlink_lost_total', 'counter', 'Times that notifications of the kernel were lost.').add(
      {},
      state.eventsLost,
    ),
    family('nft_runs_total', 'counter', 'Runs of nft.').add({}, sumOf(state.nft.counts)),
    family('nft_duration_seconds', 'histogram', 'Time that runs of nft took.').addHistogram({}, state.nft),
    family('process_cpu_seconds_total', 'counter', 'CPU time of the agent.').add({}, own.cpuSeconds),
    family('process_resident_memory_bytes', 'gauge', 'Memory of the agent.').add({}, own.residentBytes),
    family('process_start_time_seconds', 'gauge', 'When the agent started.').add({}, state.startedAt),
    family('nodejs_heap_size_used_bytes', 'gauge', "Memory of the agent's JavaScript objects.").add({}, own.heapBytes),
    delay,
  ];
}

export function requestMetrics(all: RequestCounts): Family[] {
  all.keep();
  const { counts, seconds } = all;
  const requests = new Family('api_requests_total', 'counter', 'Requests that the API answered.');
  for (const { route, code, count } of counts) requests.add({ route, code }, count);
  const times = new Family('api_duration_seconds', 'histogram', 'Time that the API took to answer.');
  for (const [group, histogram] of seconds) times.addHistogram({ group }, histogram.state);
  return [requests, times];
}
