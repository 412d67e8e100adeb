/** The benchmarks run once at a small size, so that they keep working: counts are tested, durations are not. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { entriesSection } from '../../bench/report/entries.js';
import { listNetns } from 'netlink-ts';
import type { ControlResults } from '../../bench/control/results.js';
import type { EntriesResults } from '../../bench/entries/results.js';
import type { PlanResults } from '../../bench/plan/results.js';

/** The compiler on a busy machine. */
const TIMEOUT_MS = 300_000;

test(
  'control plane: results for 1,000 ports are complete',
  () => {
    const directory = mkdtempSync(join(tmpdir(), 'segue-bench-smoke-'));
    onTestFinished(() => {
      rmSync(directory, { recursive: true, force: true });
    });
    const before = benchNamespaces();
    const json = join(directory, 'results.json');
    execFileSync('node_modules/.bin/tsc', ['-p', 'bench/tsconfig.json'], { stdio: 'inherit' });
    const size = ['--ports', '1000', '--tenants', '16', '--nodes', '100'];
    const effort = ['--rounds', '1', '--moves', '20', '--checked', '5', '--json', json];
    const text = execFileSync('node', ['build/bench/control/main.js', ...size, ...effort], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const results = JSON.parse(readFileSync(json, 'utf8')) as ControlResults;
    expect(
      results.cold.map(({ name, remotePorts, nexthops, second }) => [name, remotePorts, nexthops, second.changes]),
    ).toEqual([
      // All of these are there: the benchmark counts them in the kernel and fails when one is missing.
      ['dealt', 1000, 400, 0],
      ['anywhere', 1000, 739, 0],
      ['racks', 1000, 450, 0],
    ]);
    expect(
      results.move.map(({ remotePorts, latency, checked, touched }) => [remotePorts, latency.count, checked, touched]),
    ).toEqual([
      [10, 20, 5, []],
      [100, 20, 5, []],
      [1000, 20, 5, []],
    ]);
    expect(text).toContain('Cold apply, racks: 1000 remote ports');
    expect(benchNamespaces()).toEqual(before);
  },
  TIMEOUT_MS,
);

test(
  'show: results for 100 ports are complete',
  () => {
    const before = benchNamespaces();
    execFileSync('node_modules/.bin/tsc', ['-p', 'bench/tsconfig.json'], { stdio: 'inherit' });
    const argv = ['build/bench/show/main.js', '--sizes', '100', '--rounds', '1'];
    const text = execFileSync('node', argv, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    expect(text).toContain('| 100 ports, ms by an agent | 100 ports, ms without one |');
    expect(text.match(/^\| `show [a-z]+` \| -?\d+ \| -?\d+ \|$/gm)).toHaveLength(8);
    expect(benchNamespaces().filter((name) => !before.includes(name))).toEqual([]);
  },
  TIMEOUT_MS,
);

test(
  'plan: results for two sizes are complete',
  () => {
    const directory = mkdtempSync(join(tmpdir(), 'segue-bench-smoke-'));
    onTestFinished(() => {
      rmSync(directory, { recursive: true, force: true });
    });
    const json = join(directory, 'plan.json');
    execFileSync('node_modules/.bin/tsc', ['-p', 'bench/tsconfig.json'], { stdio: 'inherit' });
    execFileSync('node', ['build/bench/plan/main.js', '--sizes', '1000,30000', '--rounds', '1', '--json', json], {
      stdio: 'pipe',
    });
    const { sizes } = JSON.parse(readFileSync(json, 'utf8')) as PlanResults;
    // A route for each remote port, for each tenant's own port, and the seal and SID of each of 256 tenants.
    expect(sizes.map(({ remotePorts, routes }) => [remotePorts, routes > remotePorts])).toEqual([
      [1000, true],
      [30000, true],
    ]);
    expect(sizes[1]?.intentMiB.median).toBeGreaterThan(sizes[0]?.intentMiB.median ?? 0);
  },
  TIMEOUT_MS,
);

test(
  'entries: results for 2,000 ports are complete',
  () => {
    const directory = mkdtempSync(join(tmpdir(), 'segue-bench-smoke-'));
    onTestFinished(() => {
      rmSync(directory, { recursive: true, force: true });
    });
    const before = benchNamespaces();
    const json = join(directory, 'entries.json');
    execFileSync('node_modules/.bin/tsc', ['-p', 'bench/tsconfig.json'], { stdio: 'inherit' });
    const effort = ['--rounds', '1', '--moves', '20', '--checked', '2', '--json', json];
    execFileSync('node', ['build/bench/entries/main.js', '--ports', '2000', ...effort], { stdio: 'pipe' });
    const results = JSON.parse(readFileSync(json, 'utf8')) as EntriesResults;
    // The benchmark fails by itself where an entry is missing, where a second look finds anything to do, or a move touches others.
    expect(results.members).toBe(2512);
    expect(
      results.moves.map(({ remotePorts, latency, checked, wrong }) => [remotePorts, latency.count, checked, wrong]),
    ).toEqual([
      [20, 20, 2, []],
      [2000, 20, 2, []],
    ]);
    expect(entriesSection(results)).toContain('2000 remote ports, 256 tenants');
    expect(benchNamespaces()).toEqual(before);
  },
  TIMEOUT_MS,
);

function benchNamespaces(): string[] {
  return listNetns().filter((name) => name.startsWith('segue-bench-'));
}
