import { expect, it } from 'vitest';
import { scrapeSection, scrapeSummary } from '../../../bench/report/scrape.js';
import type { Measured, ScrapeResults, Way } from '../../../bench/scrape/results.js';

const measured = (way: Way, api: number, series: number): Measured => ({
  ...{ way, loop: { p50: 1, p99: 5, max: 9 }, cpuMs: { agent: 50, api }, answers: 10, series },
  ...{ slowestMs: null, seconds: 10, load1: 0.5 },
});
const results: ScrapeResults = {
  machine: {
    ...{ date: '2026-01-02T00:00:00.000Z', commit: '0123456789abcdef', modified: 0, kernel: '6.12', processor: 'EPYC' },
    ...{ processors: 2, memoryMiB: 1024, node: 'v24', iproute2: 'ip', load1: 0 },
  },
  ...{ ports: 10, tenants: 20, streams: 3, series: { node: 300, ports: 41, tenants: 81 }, rounds: 2 },
  measured: [1, 2].flatMap(() => [
    measured('at rest', 70, 0),
    measured('Prometheus', 170, 50_000),
    measured('streams', 1070, 100_000),
  ]),
};

it('the section shows the cost of 10,000 series beyond that of the same round at rest', () => {
  const rows = scrapeSection(results)
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) => line.split('|').map((cell) => cell.trim()));
  expect(rows.map((cells) => cells[8])).toEqual([
    '10,000 series, CPU ms',
    expect.stringMatching(/^-+:?$/),
    '–',
    '20 (20–20)',
    '100 (100–100)',
  ]);
  expect(scrapeSummary(results)).toContain('10,000 series take 20 ms of CPU time');
});
