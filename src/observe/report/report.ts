/** A node's daily report, with everything that needs attention. */
import { REPORT_SECONDS } from './drop-history.js';
import type { JournalEntry, JournalState, NoteKind } from '../../agent/journal.js';
import type { AgentState } from '../../agent/telemetry.js';
import type { Check, Diagnosis } from '../doctor/types.js';
import type { Drops } from './drop-history.js';

/** Reasons of drops that are listed. */
const MAX_DROPS = 10;
/** Differing objects that are listed. */
const MAX_CHANGES = 50;

export interface ReportChange {
  kind: string;
  action: string;
  object: string;
}

/** Times are in seconds since 1970. */
export interface NodeReport {
  node: string;
  version: string;
  at: number;
  /** Period of the report in seconds. */
  seconds: number;
  /** Start of the journal; null: no agent kept one. */
  since: number | null;
  /** Nothing needs attention. */
  quiet: boolean;
  /** null: no agent answers. */
  agent: { startedAt: number; ready: boolean; failing: boolean } | null;
  /** null: no agent answers. */
  intent: Pick<AgentState['intent'], 'digest' | 'appliedAt' | 'held' | 'heldAt' | 'refused' | 'refusedAt'> | null;
  /** Present differences from the intent, at most 50 of `count` objects. */
  drift: { count: number; changes: ReportChange[] } | null;
  /** Events, each note once. */
  repairs: JournalEntry[];
  failures: JournalEntry[];
  refused: JournalEntry[];
  held: JournalEntry[];
  lost: JournalEntry[];
  starts: JournalEntry[];
  /** Notes beyond the journal's limit, by kind. */
  omitted: Partial<Record<NoteKind, number>>;
  /** Checks with problems. */
  doctor: { ok: number; warn: number; fail: number; checks: Check[] } | null;
  /** The ten reasons with most packets. `since` null: since the counters exist. */
  drops: { since: number | null; reasons: Drops[]; others: number } | null;
  /** Missing parts of the report, with the reason. */
  problems: { part: ReportPart; detail: string }[];
}

export type ReportPart = 'agent' | 'drift' | 'doctor' | 'drops';

export interface ReportParts {
  node: string;
  version: string;
  at: number;
  state: AgentState | undefined;
  journal: JournalState | undefined;
  diff: { changes: readonly ReportChange[] } | undefined;
  doctor: Diagnosis | undefined;
  drops: { since: number | null; drops: readonly Drops[] } | undefined;
  problems: NodeReport['problems'];
}

export function composeReport({
  node,
  version,
  at,
  state,
  journal,
  diff,
  doctor,
  drops,
  problems,
}: ReportParts): NodeReport {
  const from = at - REPORT_SECONDS;
  const notes = (journal?.entries ?? []).filter(({ last }) => last >= from).sort((a, b) => b.last - a.last);
  const of = (kind: NoteKind): JournalEntry[] => notes.filter(({ what }) => what === kind);
  const bad = doctor?.checks.filter(({ status }) => status !== 'ok') ?? [];
  const report: Omit<NodeReport, 'quiet'> = {
    ...{ node, version, at, seconds: REPORT_SECONDS },
    since: journal === undefined ? null : Math.max(journal.since, from),
    agent:
      state === undefined ? null : { startedAt: state.startedAt, ready: state.ready, failing: state.queue.failing },
    intent: state === undefined ? null : intentOf(state),
    drift:
      diff === undefined
        ? null
        : { count: diff.changes.length, changes: diff.changes.slice(0, MAX_CHANGES).map(changeOf) },
    repairs: of('drift'),
    failures: of('failure'),
    refused: of('refused'),
    held: of('held'),
    lost: of('lost'),
    starts: of('started'),
    omitted: journal?.omitted ?? {},
    doctor: doctor === undefined ? null : { ok: doctor.ok, warn: doctor.warn, fail: doctor.fail, checks: bad },
    drops:
      drops === undefined
        ? null
        : {
            since: drops.since,
            reasons: drops.drops.slice(0, MAX_DROPS),
            others: drops.drops.slice(MAX_DROPS).reduce((sum, { packets }) => sum + packets, 0),
          },
    problems,
  };
  return { ...report, quiet: isQuiet(report) };
}

function intentOf({ intent }: AgentState): NodeReport['intent'] {
  const { digest, appliedAt, held, heldAt, refused, refusedAt } = intent;
  return { digest, appliedAt, held, heldAt, refused, refusedAt };
}

function changeOf({ kind, action, object }: ReportChange): ReportChange {
  return { kind, action, object };
}

/** A single start of an agent is normal: an upgrade. */
function isQuiet(report: Omit<NodeReport, 'quiet'>): boolean {
  const { agent, intent, drift, repairs, failures, refused, held, lost, starts, doctor, drops, problems } = report;
  return (
    agent?.ready === true &&
    !agent.failing &&
    intent?.held === false &&
    intent.refused === null &&
    drift?.count === 0 &&
    [repairs, failures, refused, held, lost].every((notes) => notes.length === 0) &&
    starts.reduce((sum, { count }) => sum + count, 0) <= 1 &&
    doctor?.checks.length === 0 &&
    drops?.reasons.length === 0 &&
    problems.length === 0
  );
}
