/** An agent's counters and state, for the API and for systemd. */
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { Histogram } from '../kernel/histogram.js';
import { nftRuns } from '../kernel/nft.js';
import { MAX_ENTRIES, NoteLog } from './journal.js';
import type { HistogramState } from '../kernel/histogram.js';
import type { Action, Change, Report, Waiting } from '../reconcile/change.js';

/** Cause of a task. */
export type TaskReason = 'intent' | 'hint' | 'sweep';

/** Seconds. */
const TASK_BUCKETS = [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60, 300];
/** Longest text kept of a refusal, in characters. */
const MAX_REASON_CHARS = 1000;
const LOOP_RESOLUTION_MS = 10;
const NANOSECONDS = 1e9;
const MICROSECONDS = 1e6;

/** A number of objects or events of a kind. */
export interface Count {
  kind: string;
  count: number;
}

export interface ActionCount extends Count {
  action: Action;
}

/** Counters that the node's next agent continues. */
export interface KeptCounters {
  repairs: ActionCount[];
  failures: Count[];
  events: Count[];
  eventsLost: number;
  readErrors: number;
  tasks: Record<TaskReason, HistogramState>;
  nft: HistogramState;
}

export interface AgentState {
  pid: number;
  /** Seconds since 1970, as all times here; null: not yet. */
  startedAt: number;
  /** The first intent has been carried out. */
  ready: boolean;
  intent: {
    /** SHA-256 of the intent file that is carried out; null: none yet, or the source is no file. */
    digest: string | null;
    appliedAt: number | null;
    /** The removal guard holds a newer one. */
    held: boolean;
    heldAt: number | null;
    /** Why the present file is not carried out; null: it is. */
    refused: string | null;
    refusedAt: number | null;
    /** Failed or refused readings. */
    readErrors: number;
  };
  queue: {
    /** Tasks waiting or in progress. */
    length: number;
    /** Seconds that the current task has taken; 0: there is none. */
    busySeconds: number;
    /** Progress of the current task. */
    progress: string;
    /** Whether the last task threw; it is retried. */
    failing: boolean;
    /** Its error message; null: it did not throw. */
    failure: string | null;
  };
  lastSweepAt: number | null;
  /** Interval of sweeps in seconds. */
  sweepSeconds: number;
  tasks: Record<TaskReason, HistogramState>;
  /** Drift that the last sweep found. */
  drift: ActionCount[];
  /** Drift that was repaired. */
  repairs: ActionCount[];
  /** Failed attempts to make an object. */
  failures: Count[];
  /** Objects that could not be made when they were last tried. */
  failing: number;
  /** Objects that wait for their interface. */
  waiting: number;
  /** Notifications of the kernel. */
  events: Count[];
  /** Run times of nft in seconds. */
  nft: HistogramState;
  /** Times that notifications were lost. */
  eventsLost: number;
  process: {
    cpuSeconds: number;
    residentBytes: number;
    heapBytes: number;
    /** Delay of the event loop in seconds beyond the measuring interval, since the last call. */
    loopDelay: { p50: number; p99: number; max: number };
  };
}

/** Facts that only the agent knows. */
export interface AgentFacts {
  held: boolean;
  progress: string;
}

export class Telemetry {
  readonly #startedAt = now();
  /** Source of reports. */
  readonly journal = new NoteLog(now);
  readonly #tasks: Record<TaskReason, Histogram>;
  readonly #repairs = new Map<string, ActionCount>();
  readonly #failures = new Map<string, Count>();
  readonly #events = new Map<string, Count>();
  #drift: ActionCount[] = [];
  #delay: ReturnType<typeof monitorEventLoopDelay> | undefined;
  #digest: string | null = null;
  #appliedAt: number | null = null;
  #refusal: { reason: string; at: number } | undefined;
  #heldAt: number | null = null;
  #readErrors = 0;
  #queued = 0;
  #busySinceMs: number | undefined;
  #failure: string | null = null;
  #lastSweepAt: number | null = null;
  #waiting = 0;
  #failedObjects = 0;
  #eventsLost = 0;
  /** Tasks finished: the watchdog checks that it grows. */
  turns = 0;
  ready = false;
  sweepSeconds = 0;

  constructor() {
    const histogram = (): Histogram => new Histogram(TASK_BUCKETS);
    this.#tasks = { intent: histogram(), hint: histogram(), sweep: histogram() };
  }

  /** Starts measuring the event loop's delay, at the cost of a timer. */
  watchLoop(): void {
    this.#delay = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
    this.#delay.enable();
  }

  intentApplied(digest: string | null): void {
    this.#digest = digest;
    this.#appliedAt = now();
    this.#heldAt = null;
  }

  intentHeld(reason: string): void {
    this.#heldAt ??= now();
    this.journal.note({ what: 'held', text: reason });
  }

  /** Ends a refusal: the present file is acceptable. */
  intentAccepted(): void {
    this.#refusal = undefined;
  }

  intentRefused(reason: string): void {
    this.#readErrors += 1;
    this.#refusal = { reason: reason.slice(0, MAX_REASON_CHARS), at: this.#refusal?.at ?? now() };
    this.journal.note({ what: 'refused', text: reason });
  }

  taskQueued(): void {
    this.#queued += 1;
  }

  taskBegins(): void {
    this.#busySinceMs = performance.now();
  }

  /** @param failure error message if the task threw, else empty */
  taskEnds(reason: TaskReason, failure: string): void {
    const seconds = (performance.now() - (this.#busySinceMs ?? performance.now())) / 1000;
    this.#busySinceMs = undefined;
    this.#queued -= 1;
    this.turns += 1;
    this.#failure = failure === '' ? null : firstLine(failure).slice(0, MAX_REASON_CHARS);
    this.#tasks[reason].observe(seconds);
    if (reason === 'sweep' && failure === '') this.#lastSweepAt = now();
  }

  /**
   * @param isWhole whether all kinds were compared
   *
   * @param textOf describes a change's object
   */
  drifted(changes: readonly Change[], isWhole: boolean, textOf: (change: Change) => string): void {
    const found = new Map<string, ActionCount>();
    for (const change of changes.slice(0, MAX_ENTRIES)) {
      this.journal.note({ what: 'drift', kind: change.kind, action: change.action, text: textOf(change) });
    }
    this.journal.omit('drift', changes.length - MAX_ENTRIES);
    for (const { kind, action } of changes) {
      for (const counts of [found, this.#repairs]) {
        const key = `${kind} ${action}`;
        const known = counts.get(key) ?? { kind, action, count: 0 };
        known.count += 1;
        counts.set(key, known);
      }
    }
    if (isWhole) this.#drift = [...found.values()];
  }

  reported({ failures }: Report): void {
    for (const { kind } of failures) count(this.#failures, kind);
    for (const { kind, object, error } of failures.slice(0, MAX_ENTRIES)) {
      this.journal.note({ what: 'failure', kind, text: `${object}: ${error.message}` });
    }
    this.journal.omit('failure', failures.length - MAX_ENTRIES);
  }

  /** @param objects number that could not be made when last tried */
  failing(objects: number): void {
    this.#failedObjects = objects;
  }

  waits({ waiting }: { waiting: readonly Waiting[] }): void {
    this.#waiting = waiting.length;
  }

  eventsCame(events: readonly { kind: string }[]): void {
    for (const { kind } of events) count(this.#events, kind);
  }

  eventsWereLost(): void {
    this.#eventsLost += 1;
    this.journal.note({ what: 'lost', text: 'kernel notifications were lost: everything was compared' });
  }

  /** Continues the counters of the node's previous agent. */
  restore(kept: KeptCounters): void {
    const { repairs, failures, events, eventsLost, readErrors, tasks, nft } = kept;
    for (const one of repairs) this.#repairs.set(`${one.kind} ${one.action}`, { ...one });
    for (const one of failures) this.#failures.set(one.kind, { ...one });
    for (const one of events) this.#events.set(one.kind, { ...one });
    this.#eventsLost += eventsLost;
    this.#readErrors += readErrors;
    for (const reason of ['intent', 'hint', 'sweep'] as const) this.#tasks[reason].add(tasks[reason]);
    nftRuns.add(nft);
  }

  get counters(): KeptCounters {
    const { intent, hint, sweep } = this.#tasks;
    return {
      repairs: [...this.#repairs.values()],
      failures: [...this.#failures.values()],
      events: [...this.#events.values()],
      eventsLost: this.#eventsLost,
      readErrors: this.#readErrors,
      tasks: { intent: intent.state, hint: hint.state, sweep: sweep.state },
      nft: nftRuns.state,
    };
  }

  state({ held, progress }: AgentFacts): AgentState {
    const { user, system } = process.cpuUsage();
    const { rss, heapUsed } = process.memoryUsage();
    const { readErrors, ...counters } = this.counters;
    return {
      pid: process.pid,
      startedAt: this.#startedAt,
      ready: this.ready,
      intent: {
        digest: this.#digest,
        appliedAt: this.#appliedAt,
        held,
        heldAt: held ? this.#heldAt : null,
        refused: this.#refusal?.reason ?? null,
        refusedAt: this.#refusal?.at ?? null,
        readErrors,
      },
      queue: {
        length: this.#queued,
        busySeconds: this.#busySinceMs === undefined ? 0 : (performance.now() - this.#busySinceMs) / 1000,
        progress,
        failing: this.#failure !== null,
        failure: this.#failure,
      },
      lastSweepAt: this.#lastSweepAt,
      sweepSeconds: this.sweepSeconds,
      drift: this.#drift,
      failing: this.#failedObjects,
      waiting: this.#waiting,
      ...counters,
      process: {
        cpuSeconds: (user + system) / MICROSECONDS,
        residentBytes: rss,
        heapBytes: heapUsed,
        loopDelay: this.#takeLoopDelay(),
      },
    };
  }

  /** Short text for `systemctl status`. */
  summary({ held }: Pick<AgentFacts, 'held'>): string {
    const drift = this.#drift.reduce((sum, one) => sum + one.count, 0);
    const words = [
      this.#appliedAt === null ? 'no intent yet' : `intent ${this.#digest?.slice(0, 12) ?? 'of a store'}`,
      ...(held
        ? ['a newer one is held by the removal guard: systemctl kill -s USR2 --kill-whom=main segue releases it']
        : []),
      ...(this.#refusal === undefined ? [] : ['the present intent file is refused']),
      ...(this.#failure === null ? [] : [`the last task failed: ${this.#failure}`]),
      `${drift} drifted at the last sweep`,
      `${this.#waiting} waiting for interfaces`,
    ];
    return words.join('; ');
  }

  #takeLoopDelay(): AgentState['process']['loopDelay'] {
    const delay = this.#delay;
    if (delay === undefined || delay.count === 0) return { p50: 0, p99: 0, max: 0 };
    const seconds = (ns: number): number => Math.max(0, ns / NANOSECONDS - LOOP_RESOLUTION_MS / 1000);
    const found = { p50: seconds(delay.percentile(50)), p99: seconds(delay.percentile(99)), max: seconds(delay.max) };
    delay.reset();
    return found;
  }
}

function count(counts: Map<string, Count>, kind: string): void {
  const known = counts.get(kind) ?? { kind, count: 0 };
  known.count += 1;
  counts.set(kind, known);
}

function now(): number {
  return Math.round(Date.now()) / 1000;
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
