/** The micro benchmarks run once at a small size: each result is present and a number; its magnitude is not tested. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Row } from '../../bench/micro/rows.js';

test('micro benchmarks report a number for each operation', { timeout: 300_000 }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'segue-bench-micro-'));
  onTestFinished(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  execFileSync('node_modules/.bin/tsc', ['-p', 'bench/tsconfig.json'], { stdio: 'inherit' });
  const json = join(directory, 'micro.json');
  const effort = ['--rounds', '2', '--scale', '0.02', '--json', json];
  const text = execFileSync('node', ['build/bench/micro/main.js', ...effort], { encoding: 'utf8' });
  const { rows } = JSON.parse(readFileSync(json, 'utf8')) as { rows: Row[] };
  expect(rows.length).toBe(text.trimEnd().split('\n').length);
  for (const { name, median, spread } of rows) {
    expect([name, spread[0] <= median && median <= spread[1]]).toEqual([name, true]);
  }
  const rates = rows.filter(({ unit }) => unit.endsWith('/s'));
  // Three kinds of map, four ways each; two readers of the ring buffer.
  expect(rates.length).toBe(14);
  for (const { name, median } of rates) expect([name, median > 0]).toEqual([name, true]);
  expect(rows.filter(({ unit }) => unit === 'ns/packet').map(({ name }) => name)[0]).toMatch(/empty/);
  // One packet of the other tenant's connection for 31 of the flood's.
  const beside = (what: string): number | undefined => rows.find(({ name }) => name.endsWith(what))?.median;
  expect(beside('packets of an established one')).toBe(Math.ceil((200_000 * 32) / 31 / 32));
  expect(beside('of these lost')).toBe(0);
});
