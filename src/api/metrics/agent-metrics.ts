/** What the agent counted itself. Its counters go on from where the last agent of the node was; those of `process_…` are the process's. */
import { RESOURCE_ORDER } from '../../app/features.js';
import { Family } from './exposition.js';
import type { AgentState } from '../../agent/telemetry.js';
import type { RequestCounts } from '../request-counts.js';

export function agentMetrics(state: AgentState): Family[] {
  const { intent, queue, tasks, process: own } = state;
  const family = (...args: ConstructorParameters<typeof Family>): Family => new Family(...args);
  const times = family('reconcile_duration_seconds', 'histogram', 'Time that tasks of the work queue took, by why.');
  for (const [reason, histogram] of Object.entries(tasks)) times.addHistogram({ reason }, histogram);
  const drift = family('drift_objects', 'gauge', 'Objects that somebody had changed, at the last sweep.');
  const repairs = family('repairs_total', 'counter', 'Objects that somebody had changed and that were put right.');
  for (const { kind, action, count } of state.repairs) {
    repairs.add({ kind, action }, count);
    // What has drifted once is 0 from then on, not absent.
    const now = state.drift.find((one) => one.kind === kind && one.action === action);
    drift.add({ kind, action }, now?.count ?? 0);
  }
  const failures = family('failures_total', 'counter', 'Objects that could not be made, each time it was tried.');
  const failed = new Map(state.failures.map(({ kind, count }) => [kind, count]));
  // From zero on: the first failure of a series that was not there before would be no increase to Prometheus.
  for (const kind of RESOURCE_ORDER) failures.add({ kind }, failed.get(kind) ?? 0);
  const events = family('netlink_events_total', 'counter', "The kernel's notifications.");
  for (const { kind, count } of state.events) events.add({ kind }, count);
  const delay = family(
    'nodejs_eventloop_delay_seconds',
    'gauge',
    'How long the event loop was held up since the last scrape.',
  );
  for (const [statistic, seconds] of Object.entries(own.loopDelay)) delay.add({ statistic }, seconds);
  const intentInfo = family('intent_info', 'gauge', 'SHA-256 of the intent that is carried out.');
  if (intent.digest !== null) intentInfo.add({ hash: intent.digest }, 1);
  const time = (name: string, help: string, value: number | null): Family => {
    const made = family(name, 'gauge', help);
    return value === null ? made : made.add({}, value);
  };
  return [
    family('agent_ready', 'gauge', 'The first intent has been carried out.').add({}, Number(state.ready)),
    family('intent_held', 'gauge', 'The removal guard holds a newer intent.').add({}, Number(intent.held)),
    family('intent_refused', 'gauge', 'The intent file that is there now is refused.').add(
      {},
      Number(intent.refused !== null),
    ),
    intentInfo,
    time('intent_applied_timestamp_seconds', 'When the last intent was carried out.', intent.appliedAt),
    family('intent_read_errors_total', 'counter', 'Readings of the intent that failed or were refused.').add(
      {},
      intent.readErrors,
    ),
    times,
    family('reconcile_queue_length', 'gauge', 'Tasks that wait or are under way.').add({}, queue.length),
    family('reconcile_busy_seconds', 'gauge', 'How long the task under way has taken.').add({}, queue.busySeconds),
    time('last_sweep_timestamp_seconds', 'When everything was last compared with the kernel.', state.lastSweepAt),
    family('sweep_interval_seconds', 'gauge', 'Time between two of these comparisons.').add({}, state.sweepSeconds),
    drift,
    repairs,
    failures,
    family('waiting_objects', 'gauge', 'Objects that wait for their interface.').add({}, state.waiting),
    events,
    family('netlink_lost_total', 'counter', 'Times that notifications were lost.').add({}, state.eventsLost),
    family('nft_runs_total', 'counter', 'Runs of nft.').add(
      {},
      state.nft.counts.reduce((sum, one) => sum + one, 0),
    ),
    family('nft_duration_seconds', 'histogram', 'Time that runs of nft took.').addHistogram({}, state.nft),
    family('process_cpu_seconds_total', 'counter', 'CPU time of the agent.').add({}, own.cpuSeconds),
    family('process_resident_memory_bytes', 'gauge', 'Memory of the agent.').add({}, own.residentBytes),
    family('process_start_time_seconds', 'gauge', 'When the agent started.').add({}, state.startedAt),
    family('nodejs_heap_size_used_bytes', 'gauge', "JavaScript objects of the agent's.").add({}, own.heapBytes),
    delay,
  ];
}

export function requestMetrics(all: RequestCounts): Family[] {
  all.keep();
  const { counts, seconds } = all;
  const requests = new Family('api_requests_total', 'counter', 'Requests that the API answered.');
  for (const { route, code, count } of counts) requests.add({ route, code }, count);
  const times = new Family('api_duration_seconds', 'histogram', 'Time until the API had answered.');
  for (const [route, histogram] of seconds) times.addHistogram({ route }, histogram.state);
  return [requests, times];
}
