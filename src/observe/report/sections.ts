/** A report as text by section, shared by the text and HTML formats. */
import type { JournalEntry } from '../../agent/journal.js';
import type { NodeReport } from './report.js';

/** `bad`: needs attention; `note`: for information; `ok`: no problem. */
export type Tone = 'bad' | 'note' | 'ok';

export interface Section {
  title: string;
  tone: Tone;
  /** One line. */
  text: string;
  columns: readonly string[];
  rows: readonly (readonly string[])[];
}

/** `2026-11-30 06:00:00 UTC` */
function timeText(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

export function headline({ node, quiet }: NodeReport): string {
  return quiet ? `${node}: nothing to report` : `${node}: needs attention`;
}

export function subtitle({ at, seconds, since, version }: NodeReport): string {
  const known = since === null ? 'no journal was kept' : `known since ${timeText(since)}`;
  return `The ${Math.round(seconds / 3600)} hours before ${timeText(at)}; ${known}; segue ${version}.`;
}

export function sectionsOf(report: NodeReport): Section[] {
  return [
    agentSection(report),
    intentSection(report),
    driftSection(report),
    notesSection('Repairs', 'objects changed by others were repaired', report.repairs, report.omitted.drift),
    notesSection('Failures', 'objects could not be made', report.failures, report.omitted.failure),
    notesSection('Intents refused', 'intents were refused', report.refused, report.omitted.refused),
    notesSection(
      'Intents held',
      'intents were held by the guard against mass removal',
      report.held,
      report.omitted.held,
    ),
    notesSection('Lost', 'notifications were lost', report.lost, report.omitted.lost),
    doctorSection(report),
    dropsSection(report),
  ];
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

const NO_ROWS = { columns: [], rows: [] } as const;

function problemOf({ problems }: NodeReport, part: string): string {
  return problems.find((one) => one.part === part)?.detail ?? 'not known';
}

function agentSection(report: NodeReport): Section {
  const { agent, starts } = report;
  if (agent === null) return { title: 'Agent', tone: 'bad', text: problemOf(report, 'agent'), ...NO_ROWS };
  const count = starts.reduce((sum, one) => sum + one.count, 0);
  const state = !agent.ready
    ? 'has not applied an intent yet'
    : agent.failing
      ? 'its last task failed, and is tried again'
      : 'works';
  const often = count > 1 ? `; it started ${counted(count, 'time')} within the day` : '';
  const tone = !agent.ready || agent.failing ? 'bad' : count > 1 ? 'note' : 'ok';
  return { title: 'Agent', tone, text: `${state}, since ${timeText(agent.startedAt)}${often}`, ...NO_ROWS };
}

function intentSection({ intent }: NodeReport): Section {
  const title = 'Intent';
  if (intent === null) return { title, tone: 'note', text: 'no agent answers', ...NO_ROWS };
  const { digest, appliedAt, held, heldAt, refused, refusedAt } = intent;
  const runs = `${digest?.slice(0, 12) ?? 'of a store'}, since ${appliedAt === null ? 'never' : timeText(appliedAt)}`;
  const rows = [
    ...(held
      ? [['held', heldAt === null ? '' : timeText(heldAt), 'by the guard against mass removal: segue diff']]
      : []),
    ...(refused === null ? [] : [['refused', refusedAt === null ? '' : timeText(refusedAt), refused]]),
  ];
  if (rows.length === 0) return { title, tone: 'ok', text: runs, ...NO_ROWS };
  return { title, tone: 'bad', text: `${runs}; a newer one waits`, columns: ['STATE', 'SINCE', 'WHY'], rows };
}

function driftSection(report: NodeReport): Section {
  const title = 'Drift now';
  const { drift } = report;
  if (drift === null) return { title, tone: 'bad', text: problemOf(report, 'drift'), ...NO_ROWS };
  if (drift.count === 0) return { title, tone: 'ok', text: 'none: the kernel is as the intent says', ...NO_ROWS };
  const rows = drift.changes.map(({ kind, action, object }) => [kind, action, object]);
  const rest = drift.count > rows.length ? `, the first ${rows.length} below` : '';
  return {
    ...{ title, tone: 'bad', text: `${counted(drift.count, 'object')} to be made, changed or removed${rest}` },
    ...{ columns: ['KIND', 'ACTION', 'OBJECT'], rows },
  };
}

function notesSection(title: string, what: string, notes: readonly JournalEntry[], omitted = 0): Section {
  if (notes.length === 0) return { title, tone: 'ok', text: 'none', ...NO_ROWS };
  const times = notes.reduce((sum, { count }) => sum + count, 0) + omitted;
  const rest = omitted > 0 ? `, ${omitted} of them not listed` : '';
  return {
    ...{
      title,
      tone: title === 'Repairs' || title === 'Lost' ? 'note' : 'bad',
      text: `${what}, ${counted(times, 'time')}${rest}`,
    },
    columns: ['LAST', 'TIMES', 'KIND', 'WHAT'],
    rows: notes.map(({ last, count, kind, action, text }) => [
      timeText(last),
      String(count),
      [kind, action].filter((word) => word !== undefined).join(' '),
      text,
    ]),
  };
}

function doctorSection(report: NodeReport): Section {
  const { doctor } = report;
  const title = 'Doctor';
  if (doctor === null) return { title, tone: 'bad', text: problemOf(report, 'doctor'), ...NO_ROWS };
  const { ok, warn, fail, checks } = doctor;
  return {
    ...{
      title,
      tone: fail > 0 ? 'bad' : warn > 0 ? 'note' : 'ok',
      text: `${ok} ok, ${counted(warn, 'warning')}, ${counted(fail, 'failure')}`,
    },
    columns: checks.length === 0 ? [] : ['STATUS', 'CHECK', 'WHAT', 'WHAT TO DO'],
    rows: checks.map(({ status, name, what, advice }) => [status, name, what, advice ?? '']),
  };
}

function dropsSection(report: NodeReport): Section {
  const { drops } = report;
  const title = 'Drops';
  if (drops === null) return { title, tone: 'note', text: problemOf(report, 'drops'), ...NO_ROWS };
  const since = drops.since === null ? 'since counting began' : `since ${timeText(drops.since)}`;
  if (drops.reasons.length === 0) return { title, tone: 'ok', text: `none ${since}`, ...NO_ROWS };
  const total = drops.reasons.reduce((sum, { packets }) => sum + packets, drops.others);
  return {
    ...{ title, tone: 'note', text: `${counted(total, 'packet')} ${since}; docs/troubleshoot.md has the reasons` },
    columns: ['WHERE', 'REASON', 'PACKETS'],
    rows: [
      ...drops.reasons.map(({ where, reason, packets }) => [where, reason, String(packets)]),
      ...(drops.others > 0 ? [['', 'others', String(drops.others)]] : []),
    ],
  };
}
