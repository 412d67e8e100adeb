/** The cost of scrapes: a table and a sentence. Pure. */
import { range, table } from '../lib/markdown.js';
import { spread } from '../lib/statistics.js';
import { WAYS } from '../scrape/results.js';
import type { Spread } from '../lib/statistics.js';
import type { Measured, ScrapeResults, Way } from '../scrape/results.js';

const OF_SERIES = 10_000;

/** CPU milliseconds of the API for 10,000 series, beyond those at rest in the same round. */
function costs(results: ScrapeResults, way: Way): Spread {
  const of = (which: Way): Measured[] => results.measured.filter((one) => one.way === which);
  const perSecond = ({ cpuMs, seconds }: Measured): number => cpuMs.api / seconds;
  const rest = of('at rest');
  return spread(
    of(way).map((one, round) => {
      const base = rest[round] === undefined ? 0 : perSecond(rest[round]);
      return ((perSecond(one) - base) * one.seconds) / (one.series / OF_SERIES);
    }),
  );
}

export function scrapeSection(results: ScrapeResults): string {
  const { machine, ports, tenants, rounds, streams, series, measured } = results;
  const rows = WAYS.map((way) => {
    const of = measured.filter((one) => one.way === way);
    const column = (read: (one: Measured) => number, digits = 1): string => range(spread(of.map(read)), digits);
    return [
      way === 'streams'
        ? `${streams} readers without a pause`
        : way === 'Prometheus'
          ? 'Prometheus, all three every 15 s'
          : way,
      ...(['p50', 'p99', 'max'] as const).map((statistic) => column(({ loop }) => loop[statistic])),
      column(({ cpuMs, seconds }) => cpuMs.agent / seconds),
      column(({ cpuMs, seconds }) => cpuMs.api / seconds),
      column(({ answers, seconds }) => answers / seconds),
      way === 'at rest' ? '–' : range(costs(results, way), 0),
      column(({ load1 }) => load1),
    ];
  });
  return [
    `Linux ${machine.kernel}, ${machine.processors} × ${machine.processor}; commit ${machine.commit.slice(0, 12)}; ` +
      `${machine.date.slice(0, 10)}. ${ports} ports of ${tenants} tenants: ${series.node} series of /metrics, ${series.ports} of ` +
      `/metrics/ports, ${series.tenants} of /metrics/tenants. Medians (min–max) of ${rounds} rounds.`,
    table(
      [
        'scraped by',
        'event loop delay p50, ms',
        'p99, ms',
        'max, ms',
        'agent, CPU ms a second',
        'API, CPU ms a second',
        'responses a second',
        '10,000 series, CPU ms',
        'load average',
      ],
      rows,
    ),
  ].join('\n\n');
}

/** One sentence for the head of the page. */
export function scrapeSummary(results: ScrapeResults): string {
  const p99 = (way: Way): string =>
    spread(results.measured.filter((one) => one.way === way).map(({ loop }) => loop.p99)).median.toFixed(0);
  return (
    `**Scrapes** of ${results.ports} ports and ${results.tenants} tenants: 10,000 series take ${costs(results, 'Prometheus').median.toFixed(0)} ms ` +
    `of CPU time; the agent's event loop is delayed by ${p99('Prometheus')} ms (p99) with Prometheus, by ${p99('at rest')} ms at rest.`
  );
}
