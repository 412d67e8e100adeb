/** The data of a report stays small and cheap to record, whatever happens. */
import { expect, it } from 'vitest';
import { MAX_ENTRIES, NoteLog } from '../../../src/agent/journal.js';
import { Telemetry } from '../../../src/agent/telemetry.js';
import type { Change } from '../../../src/reconcile/change.js';

it('the log names some of 100,000 simultaneous changes, and counts all', () => {
  const telemetry = new Telemetry();
  const changes = Array.from({ length: 100_000 }, () => ({ kind: 'route', action: 'create' }) as unknown as Change);
  let texts = 0;
  telemetry.drifted(changes, true, () => `route ${texts++}`);
  expect(texts).toBe(MAX_ENTRIES);
  expect(telemetry.counters.repairs).toEqual([{ kind: 'route', action: 'create', count: 100_000 }]);
  const { entries, omitted } = telemetry.journal.state;
  expect(entries).toHaveLength(MAX_ENTRIES);
  expect(omitted).toEqual({ drift: 100_000 - MAX_ENTRIES });
});

it('a repeated note is counted, and so is one over the limit', () => {
  let now = 1000;
  const log = new NoteLog(() => now);
  for (let index = 0; index <= MAX_ENTRIES; index++) log.note({ what: 'failure', text: `object ${index}` });
  now = 2000;
  log.note({ what: 'failure', text: 'object 0' });
  log.note({ what: 'lost', text: 'notifications' });
  const { entries, omitted } = log.state;
  expect(entries[0]).toMatchObject({ text: 'object 0', first: 1000, last: 2000, count: 2 });
  expect(entries).toHaveLength(MAX_ENTRIES + 1);
  expect(omitted).toEqual({ failure: 1 });
});
