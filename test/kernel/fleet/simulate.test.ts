/** A small run of `segue fleet simulate`: processes start, the report has figures, and nothing is left behind. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { SEGUE_COMMAND } from '../../../lab/paths.js';
import { newDirectory } from './etcd.js';
import type { Report } from '../../../lab/fleet/results.js';

const run = promisify(execFile);
const directory = newDirectory();
const SMALL = ['--nodes', '12', '--ports', '240', '--planners', '3', '--hosts', '1', '--rate', '10', '--seconds', '2'];

afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

async function simulate(workload: string, ...more: string[]): Promise<{ report: Report; text: string }> {
  const json = join(directory, `${workload}.json`);
  const argv = [SEGUE_COMMAND, 'fleet', 'simulate', ...SMALL, '--workload', workload, '--json', json, ...more];
  const { stdout } = await run(process.execPath, argv);
  return { report: JSON.parse(readFileSync(json, 'utf8')) as Report, text: stdout };
}

function measured({ results }: Report, what: string | RegExp): number | undefined {
  return results.find((one) => (typeof what === 'string' ? one.what === what : what.test(one.what)))?.measured;
}

describe('segue fleet simulate', () => {
  it('delivers every part to its node, and every change to the affected nodes', async () => {
    const { report, text } = await simulate('churn');
    expect(measured(report, 'nodes: own ports that they know of')).toBe(240);
    expect(measured(report, '12 nodes at once: without their part')).toBe(0);
    expect(measured(report, 'commits')).toBe(20);
    expect(measured(report, 'nodes without the last commit')).toBe(0);
    // Each tenant is on five nodes; those of one commit that come together are one change.
    expect(measured(report, 'changes at nodes')).toBeGreaterThanOrEqual(12);
    // Each feed has one of the intent and one of revocations.
    expect(measured(report, 'etcd: watches')).toBe(4);
    expect(text).toMatch(/^etcd: database +[\d.]+ MiB +≤ 400 MiB \(10,000 nodes, 1,000,000 ports\) +-$/m);
    expect(readdirSync('/dev/shm').filter((name) => name.startsWith('segue-simulate-'))).not.toContain(directory);
  });

  it('loses nothing when a feed or the leader is killed', async () => {
    for (const workload of ['feed-loss', 'leader-loss']) {
      const { report } = await simulate(workload);
      expect(measured(report, 'nodes without the last commit')).toBe(0);
      expect(report.results.filter(({ what }) => what.startsWith('errors'))).toEqual([]);
    }
  });

  it('refuses impossible sizes', async () => {
    const argv = [SEGUE_COMMAND, 'fleet', 'simulate', '--nodes', '10', '--ports', '5'];
    await expect(run(process.execPath, argv)).rejects.toMatchObject({
      code: 2,
      stderr: 'segue: --ports 5: expected a number from 10 to 10000000\n',
    });
  });
});
