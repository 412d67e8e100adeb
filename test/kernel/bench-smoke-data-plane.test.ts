/** The data-plane benchmarks run once, briefly: their results are present and plausible; speed is not tested. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Results } from '../../bench/lib/rows.js';

/** The compiler on a busy machine. */
const TIMEOUT_MS = 300_000;
const KERNEL = ['plain', 'seg6-encap', 'seg6-encap-red', 'vxlan'];
const PATHS = [
  'ceiling',
  'ceiling-tcx',
  'minimal',
  ...KERNEL,
  'segue-tcx',
  'segue-both',
  'segue-xdp',
  'segue-xdp-large',
];
const NO_TCP = ['ceiling', 'minimal', 'segue-xdp', 'segue-xdp-large'];

let directory = '';

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'segue-bench-smoke-'));
  execFileSync('node_modules/.bin/tsc', ['-p', 'bench/tsconfig.json'], { stdio: 'inherit' });
}, TIMEOUT_MS);

afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

function measure(part: string): Results {
  const json = join(directory, `${part}.json`);
  execFileSync('node', [`build/bench/${part}/main.js`, '--smoke', '--json', json], { stdio: 'pipe' });
  return JSON.parse(readFileSync(json, 'utf8')) as Results;
}

/** Rows of a metric as "path setting", each with one value that is a positive number. */
function measured({ rows }: Results, metric: string): string[] {
  return rows
    .filter((row) => row.metric === metric)
    .map(({ path, setting, values }) => {
      expect(values).toHaveLength(1);
      expect(values[0]).toBeGreaterThan(0);
      return `${path} ${Object.values(setting).join(' ')}`;
    });
}

function each(settings: readonly string[], paths: readonly string[] = PATHS): string[] {
  return settings.flatMap((setting) => paths.map((path) => `${path} ${setting}`));
}

test(
  'packets: all paths carry both families from both sources, with one flow and many',
  () => {
    const results = measure('packets');
    // The benchmark itself fails when what arrives is not what was sent, or a tenth of it is lost.
    expect(measured(results, 'one_cpu')).toEqual(each(['4 64 1 xdp', '6 1400 1024 xdp', '6 64 4 skb']));
    expect(measured(results, 'generator')).toEqual(['generator 4 64 1 xdp']);
    if (results.machine.processors > 1) {
      expect(measured(results, 'overload')).toEqual(each(['4 64 1 xdp']));
      expect(results.rows.filter(({ metric }) => metric === 'pdr').map(({ path }) => path)).toEqual(PATHS);
    }
  },
  TIMEOUT_MS,
);

test(
  'TCP: every path that carries TCP has bulk, latency and connection results and a report',
  () => {
    const results = measure('tcp');
    const paths = PATHS.filter((path) => !NO_TCP.includes(path));
    expect(measured(results, 'bulk')).toEqual(each(['1500 super 4 1'], paths));
    for (const metric of ['latency_p50', 'latency_p99', 'connects']) {
      expect(measured(results, metric)).toEqual(each(['super 4'], paths));
    }
    // To a TAP, both families but where the kernel that is left to do it has no VRF.
    const taps = [
      'plain 4',
      'plain 6',
      'seg6-encap-red 4',
      'seg6-encap-red 6',
      'segue-tcx 4',
      'segue-both 4',
      'segue-both 6',
    ];
    const names = taps.map((tap) => tap.replace(/ (\d)$/, ' 1500 wire $1 1'));
    expect(measured(results, 'tap_bulk')).toEqual(names);
    expect(measured(results, 'tap_packet_bytes')).toEqual(names);
    const page = join(directory, 'benchmarks.md');
    copyFileSync('docs/benchmarks.md', page);
    execFileSync('node', ['build/bench/report/main.js', '--results', directory, '--page', page], { stdio: 'pipe' });
    const text = readFileSync(page, 'utf8');
    expect(text.split('\n').slice(0, 10).join('\n')).toMatch(
      /\*\*TCP\*\*, one flow.*seg6-encap-red [\d.]+ \([\d.]+ ×\)/,
    );
    expect(text).toMatch(/\| vxlan +\|/);
    const charts = readdirSync(join(directory, 'benchmarks'));
    for (const chart of charts) expect(text).toContain(`](benchmarks/${chart})`);
    expect(charts).toContain('tcp-latency.svg');
  },
  TIMEOUT_MS,
);
