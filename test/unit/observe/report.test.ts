/** A node's report: the limits of its stored data, its text on a quiet and on a bad day, and the escaping of names. */
import { describe, expect, it } from 'vitest';
import { reportLines } from '../../../src/cli/report-text.js';
import { NoteLog, KEPT_SECONDS } from '../../../src/agent/journal.js';
import { dropsWithin, withSample } from '../../../src/observe/report/drop-history.js';
import { reportHtml } from '../../../src/observe/report/html.js';
import { composeReport } from '../../../src/observe/report/report.js';
import { nodeReport } from '../../../src/api/schema-report.js';
import { Telemetry } from '../../../src/agent/telemetry.js';
import type { DropSample } from '../../../src/observe/report/drop-history.js';
import type { ReportParts } from '../../../src/observe/report/report.js';

const AT = 1_796_000_000;
const HOUR = 3600;
const ESCAPE = '\u001b';
const EVIL = `<img src=x onerror="alert(1)">&\u202e'\u001b[31m`;

function parts(over: Partial<ReportParts> = {}): ReportParts {
  const telemetry = new Telemetry();
  telemetry.ready = true;
  telemetry.intentApplied('0123456789abcdef');
  const state = telemetry.state({ held: false, progress: '' });
  return {
    ...{ node: 'hv1', version: '1.2.3', at: AT, state: { ...state, startedAt: AT - HOUR } },
    journal: { since: AT - 10 * HOUR, entries: [], omitted: {} },
    diff: { changes: [] },
    doctor: { node: 'hv1', ok: 20, warn: 0, fail: 0, checks: [] },
    drops: { since: AT - 24 * HOUR, drops: [] },
    problems: [],
    ...over,
  };
}

describe('the note log', () => {
  it('counts repetitions, limits the notes of each sort, and forgets them after a day', () => {
    let now = 0;
    const journal = new NoteLog(() => now);
    for (let i = 0; i < 3; i++) journal.note({ what: 'drift', kind: 'route', action: 'create', text: 'a' });
    for (let i = 0; i < 500; i++) journal.note({ what: 'failure', text: `object ${i} ${'x'.repeat(5000)}` });
    journal.note({ what: 'refused', text: 'line 1' });
    const { entries, omitted, since } = journal.state;
    expect(entries).toHaveLength(102);
    expect(omitted).toEqual({ failure: 400 });
    expect(entries[0]).toEqual({
      what: 'drift',
      kind: 'route',
      action: 'create',
      text: 'a',
      first: 0,
      last: 0,
      count: 3,
    });
    expect(JSON.stringify(entries).length).toBeLessThan(60_000);
    expect(since).toBe(0);
    now = KEPT_SECONDS + 1;
    expect(journal.state).toEqual({ since: 1, entries: [], omitted: {} });
  });

  it('continues after a restart', () => {
    const first = new NoteLog(() => 100);
    first.note({ what: 'held', text: 'ten ports' });
    const second = new NoteLog(() => 200);
    second.note({ what: 'started', text: 'segue 2' });
    second.restore(structuredClone(first.state));
    second.note({ what: 'held', text: 'ten ports' });
    expect(second.state.since).toBe(100);
    expect(second.state.entries.map(({ what, count }) => [what, count])).toEqual([
      ['held', 2],
      ['started', 1],
    ]);
  });
});

describe('drops of a day', () => {
  const sample = (at: number, counts: Record<string, number>): DropSample => ({ at, counts });

  it("are the growth since the day's first sample, also after counters were reset", () => {
    const samples = [
      sample(AT - 30 * HOUR, { 'fastpath drop-policy': 5 }),
      sample(AT - 24 * HOUR, { 'fastpath drop-policy': 1000 }),
      sample(AT - 12 * HOUR, { 'fastpath drop-policy': 1500, 'inet segue source': 7 }),
      sample(AT - 6 * HOUR, { 'fastpath drop-policy': 20 }),
    ];
    expect(dropsWithin(samples, sample(AT, { 'fastpath drop-policy': 25, 'inet segue source': 2 }))).toEqual({
      since: AT - 24 * HOUR,
      drops: [
        { where: 'fastpath', reason: 'drop-policy', packets: 500 + 20 + 5 },
        { where: 'inet segue', reason: 'source', packets: 7 + 2 },
      ],
    });
  });

  it('are the total counts if there is no sample', () => {
    expect(dropsWithin([], sample(AT, { 'fastpath drop-policy': 3 }))).toEqual({
      since: null,
      drops: [{ where: 'fastpath', reason: 'drop-policy', packets: 3 }],
    });
  });

  it('have samples of one day and one before, every quarter of an hour', () => {
    let samples: DropSample[] = [];
    for (let at = 0; at <= 72 * HOUR; at += 60) samples = withSample(samples, sample(at, {}));
    expect(samples.length).toBeLessThanOrEqual(98);
    expect(samples[0]?.at).toBeLessThanOrEqual(48 * HOUR);
    // A clock that was put back.
    expect(withSample(samples, sample(10, {})).every(({ at }) => at <= 10)).toBe(true);
  });
});

describe('a report', () => {
  it('of a quiet day says that there is nothing to report', () => {
    const report = composeReport(parts());
    expect(report.quiet).toBe(true);
    expect(reportLines(report)[0]).toBe('hv1: nothing to report');
    expect(reportHtml(report)).toContain('<h1 style="font-size:22px;margin:0 0 4px 0;">hv1: nothing to report</h1>');
    expect(nodeReport.parse(structuredClone(report))).toEqual(report);
  });

  const note = { first: AT - HOUR, last: AT - 60, count: 4 };
  it.each([
    ['drift', { diff: { changes: [{ kind: 'route', action: 'create', object: 'a route' }] } }, 'a route'],
    [
      'a repair',
      { journal: { since: 0, omitted: {}, entries: [{ what: 'drift', text: 'put right', ...note }] } },
      'put right',
    ],
    [
      'a failure',
      { journal: { since: 0, omitted: {}, entries: [{ what: 'failure', text: 'EEXIST', ...note }] } },
      'EEXIST',
    ],
    [
      'starts',
      { journal: { since: 0, omitted: {}, entries: [{ what: 'started', text: '1', ...note }] } },
      'started 4 times within the day',
    ],
    [
      'doctor',
      {
        doctor: {
          ...{ node: 'hv1', ok: 1, warn: 1, fail: 0 },
          checks: [{ group: 'kernel', name: 'kernel.x', status: 'warn', what: 'too old', advice: 'newer' }],
        },
      },
      'too old',
    ],
    [
      'drops',
      { drops: { since: AT, drops: [{ where: 'fastpath', reason: 'drop-policy', packets: 9 }] } },
      'drop-policy',
    ],
    ['no agent', { state: undefined, problems: [{ part: 'agent', detail: 'no agent answers' }] }, 'no agent answers'],
  ] as [string, Partial<ReportParts>, string][])('with %s is not quiet, and shows it', (_what, over, words) => {
    const report = composeReport(parts(over));
    expect(report.quiet).toBe(false);
    expect(reportLines(report).join('\n')).toContain(words);
    expect(reportHtml(report)).toContain(words);
    expect(nodeReport.parse(structuredClone(report))).toEqual(report);
  });

  it('omits what is older than a day', () => {
    const old = { what: 'held', text: 'x', first: 0, last: AT - 25 * HOUR, count: 1 } as const;
    expect(composeReport(parts({ journal: { since: 0, omitted: {}, entries: [old] } })).quiet).toBe(true);
  });

  it('escapes names in HTML and in text', () => {
    const drops = [{ where: EVIL, reason: EVIL, packets: 1 }];
    const diff = { changes: [{ kind: EVIL, action: EVIL, object: EVIL }] };
    const report = composeReport(parts({ node: EVIL, diff, drops: { since: null, drops } }));
    const html = reportHtml(report);
    for (const found of ['<img', '\u202e', ESCAPE, 'onerror="']) expect(html).not.toContain(found);
    expect(html).toContain('&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&amp;\\u202e&#39;\\x1b[31m');
    const text = reportLines(report).join('\n');
    for (const found of ['\u202e', `${ESCAPE}[31m`]) expect(text).not.toContain(found);
    // Nothing from elsewhere, no script.
    expect(html).not.toMatch(/<script|<link|https?:|url\(/);
  });
});
