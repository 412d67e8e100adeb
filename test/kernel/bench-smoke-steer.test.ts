/** The benchmarks of network nodes run once, briefly: their results are present and plausible; speed is not tested. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { listNetns } from 'netlink-ts';
import type { FlowsResults } from '../../bench/flows/results.js';
import type { Results } from '../../bench/lib/rows.js';
import type { PoliciesResults } from '../../bench/policies/results.js';

/** The compiler on a busy machine. */
const TIMEOUT_MS = 300_000;

let directory = '';
const benchNamespaces = (): string[] => listNetns().filter((name) => name.startsWith('segue-bench-'));

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'segue-bench-smoke-'));
  execFileSync('node_modules/.bin/tsc', ['-p', 'bench/tsconfig.json'], { stdio: 'inherit' });
}, TIMEOUT_MS);

afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

function measure<T>(part: string, ...options: string[]): T {
  const json = join(directory, `${part}.json`);
  execFileSync('node', [`build/bench/${part}/main.js`, ...options, '--json', json], { stdio: 'pipe' });
  return JSON.parse(readFileSync(json, 'utf8')) as T;
}

test(
  'steer: every path through a network node carries both families',
  () => {
    const before = benchNamespaces();
    const { rows } = measure<Results>('steer', '--smoke');
    // The benchmark itself fails when what arrives is not what was sent, or a tenth of it is lost.
    const measured = rows.filter(({ metric }) => metric === 'one_cpu');
    expect(measured.map(({ path, setting }) => `${path} ${setting.family}`)).toEqual(
      [4, 6].flatMap((family) => ['ceiling', 'plain', 'segue'].map((path) => `${path} ${family}`)),
    );
    for (const { path, values } of measured)
      expect([path, values.length, (values[0] ?? 0) > 0]).toEqual([path, 1, true]);
    expect(benchNamespaces()).toEqual(before);
  },
  TIMEOUT_MS,
);

test(
  'flows: every path reaches uniformly and Zipf-distributed endpoints, and the report has them',
  () => {
    const before = benchNamespaces();
    const { packets, steer, flows } = measure<FlowsResults>('flows', '--smoke');
    const measured = ({ rows }: Results): string[] =>
      rows
        .filter(({ metric, values }) => metric === 'one_cpu' && values.every((value) => value > 0))
        .map(({ path, setting }) => `${path} ${setting.flows} ${setting.spread}`);
    const settings = [...flows.map((count) => `${count} uniform`), `${Math.max(...flows)} zipf`];
    const each = ({ paths }: Results): string[] => settings.flatMap((of) => paths.map(({ name }) => `${name} ${of}`));
    expect(measured(packets)).toEqual(each(packets));
    expect(measured(steer)).toEqual(each(steer));
    expect(benchNamespaces()).toEqual(before);
    const page = join(directory, 'flows.md');
    copyFileSync('docs/benchmarks.md', page);
    execFileSync('node', ['build/bench/report/main.js', '--results', directory, '--page', page], { stdio: 'pipe' });
    expect(readFileSync(page, 'utf8')).toMatch(/\*\*Many flows\*\*, 64 at random over 1,000 endpoints/);
    expect(readFileSync(join(directory, 'benchmarks', 'flows-steer.svg'), 'utf8')).toContain('>plain-conntrack</text>');
  },
  TIMEOUT_MS,
);

test(
  'policies: the report has memory, changes and packets for two sizes',
  () => {
    const before = benchNamespaces();
    const effort = ['--policies', '10,40', '--rounds', '1', '--updates', '3', '--scale', '0.01'];
    const results = measure<PoliciesResults>('policies', ...effort);
    // The benchmark fails by itself where an object is missing, a second look finds anything to do, or a packet is not sent on.
    expect(results.sizes.map(({ policies, pairs, update }) => [policies, pairs, update.count])).toEqual([
      [10, 2, 3],
      [40, 8, 3],
    ]);
    const [few, more] = results.sizes;
    // A set and its pair more for each of six pairs; everything else is the same.
    expect((more?.objects ?? 0) - (few?.objects ?? 0)).toBeGreaterThanOrEqual(6);
    for (const { policyMapsMiB, connectionMapsMiB, agentMiB } of results.sizes) {
      for (const { median } of [policyMapsMiB, connectionMapsMiB, agentMiB]) expect(median).toBeGreaterThan(1);
    }
    expect(results.packets.map(({ name }) => name)).toEqual(
      ['established', 'their answers', 'new connections'].flatMap((kind) =>
        ['10 policies, 2 pairs', '40 policies, 2 pairs', '40 policies, 8 pairs'].map((what) => `${kind}, ${what} talk`),
      ),
    );
    expect(benchNamespaces()).toEqual(before);
    const page = join(directory, 'benchmarks.md');
    copyFileSync('docs/benchmarks.md', page);
    execFileSync('node', ['build/bench/report/main.js', '--results', directory, '--page', page], { stdio: 'pipe' });
    const text = readFileSync(page, 'utf8');
    expect(text).toMatch(/\*\*Policies\*\*: 40 over 500 tenants/);
    expect(text).toMatch(/\| through a network node, 64 B, IPv6, against the ceiling +\| +≥ 0.7 × \|/);
  },
  TIMEOUT_MS,
);
