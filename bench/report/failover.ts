/** What is lost when something fails under load: a table and a sentence. Pure. */
import { range, table } from '../lib/markdown.js';
import { spread } from '../lib/statistics.js';
import type { Measured } from '../failover/measure.js';
import type { Machine } from '../lib/machine.js';

/** What bench/failover/main.ts writes. */
export interface FailoverResults {
  machine: Machine;
  rounds: number;
  load: { flows: number; packetsPerSecond: number; seconds: number };
  measured: Measured[];
}

function byEvent({ measured }: FailoverResults): [string, Measured[]][] {
  const events = [...new Set(measured.map(({ event }) => event))];
  return events.map((event) => [event, measured.filter((one) => one.event === event)]);
}

/** The longest silence of a flow, milliseconds, of an event's measurements. */
export function silences(results: FailoverResults, event: string): number[] {
  return results.measured.filter((one) => one.event === event).map(({ silenceMs }) => silenceMs);
}

export function failoverSection(results: FailoverResults): string {
  const { machine, rounds, load } = results;
  const rows = byEvent(results).map(([event, of]) => [
    event,
    range(spread(of.map(({ silenceMs }) => silenceMs)), 1),
    range(spread(of.map(({ lost }) => lost))),
    String(of[0]?.sent ?? 0),
    String(of.reduce((sum, { reordered }) => sum + reordered, 0)),
  ]);
  return [
    `Linux ${machine.kernel}, ${machine.processors} × ${machine.processor}; load ${machine.load1.toFixed(1)} at the start; commit ` +
      `${machine.commit.slice(0, 12)}; ${machine.date.slice(0, 10)}. ${load.packetsPerSecond} packets a second over ${load.flows} flows for ` +
      `${load.seconds} s; medians (min–max) of ${rounds} rounds of both families.`,
    table(['event', 'longest silence of a flow, ms', 'packets lost', 'sent', 'reordered'], rows),
  ].join('\n\n');
}

/** One sentence for the head of the page. */
export function failoverSummary(results: FailoverResults): string {
  const parts = byEvent(results).map(
    ([event, of]) => `${event} ${spread(of.map(({ silenceMs }) => silenceMs)).median.toFixed(0)} ms`,
  );
  return `**Failures** under load, longest silence of a flow: ${parts.join(', ')}.`;
}
