/**
 * `segue report` of a node whose agent repaired drift, refused and blocked an intent, and was killed and restarted; and
 * of a node without an agent.
 */
import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { intentText } from '../../../lab/files.js';
import { SEGUE_COMMAND } from '../../../lab/paths.js';
import { Background, runIn } from '../../../lab/process.js';
import { openApi } from '../../../src/api/openapi.js';
import { runDirectory } from '../../../src/agent/run-directory.js';
import { useNetwork } from '../../netns/lib/network.js';
import { selftestTopology } from '../../netns/lib/topologies.js';
import type { Ended } from '../../../lab/process.js';
import type { NodeReport } from '../../../src/observe/report/report.js';

const START_MS = 300_000;
const COMMAND_MS = 180_000;

describe('segue report', () => {
  const network = useNetwork(selftestTopology({ dataplane: { hv1: 'ebpf', hv2: 'ebpf' } }));
  const path = (name: string): string => join(network.directory, name);
  const segue = (...args: string[]): Promise<Ended> =>
    runIn(undefined, [process.execPath, SEGUE_COMMAND, ...args, '-c', path('hv1.yaml')], { timeoutMs: COMMAND_MS });
  const report = async (): Promise<NodeReport> => JSON.parse((await segue('report', '-j')).stdout) as NodeReport;
  let agent: Background;

  async function start(): Promise<void> {
    const argv = [process.execPath, SEGUE_COMMAND, 'agent', '--sweep', '2', '-c', path('hv1.yaml')];
    agent = new Background(undefined, argv);
    await agent.waitFor(/converged on the intent/, START_MS);
    await agent.waitFor(/API: listening/, START_MS);
  }
  function replaceIntent(text: string): void {
    writeFileSync(path('intent.yaml.new'), text);
    renameSync(path('intent.yaml.new'), path('intent.yaml'));
  }

  beforeAll(async () => {
    network.files();
    await start();
  });
  afterAll(() => agent.stop());

  it('includes past events, also after a kill', { timeout: 3 * START_MS }, async () => {
    const first = await report();
    expect(first).toMatchObject({ node: network.netns('hv1'), repairs: [], held: [], agent: { ready: true } });
    await network.ip('hv1', '-6 addr del fd00:5e:1::1/128 dev lo');
    await agent.waitFor(/"repaired"/, START_MS);
    replaceIntent(intentText(network.topology).replace('sidBlock: ', 'sidBlok: '));
    await agent.waitFor(/the intent is not valid/, START_MS);
    replaceIntent(intentText({ ...network.topology, vms: [] }));
    await agent.waitFor(/the intent removes/, START_MS);
    const held = await report();
    expect(held.intent).toMatchObject({ held: true, refused: null });
    expect(held.intent?.heldAt).toBeGreaterThan(0);
    replaceIntent(intentText(network.topology));
    // A VM with somebody else's address.
    await network.shell(
      't100-1',
      'ip addr add 10.0.0.77/32 dev eth0; ping -c 3 -i 0.2 -W 1 -I 10.0.0.77 10.0.0.2 >/dev/null || true',
    );
    await agent.stop('SIGKILL');
    await start();
    const after = await report();
    expect(after).toMatchObject({
      quiet: false,
      intent: { held: false, heldAt: null },
      drift: { count: 0, changes: [] },
    });
    expect(after.since).toBe(first.since);
    expect(after.repairs.map(({ kind, action }) => `${kind ?? ''} ${action ?? ''}`)).toContain('address create');
    expect(after.refused[0]?.text).toMatch(/sidBlok/);
    expect(after.held[0]?.text).toMatch(/the intent removes/);
    expect(after.starts[0]?.count).toBe(2);
    expect(after.drops?.reasons.map(({ where, reason }) => `${where} ${reason}`)).toContain(
      'fastpath drop-neighbour-sender',
    );
    expect(after.problems).toEqual([]);
    const { components } = openApi() as { components: object };
    const ajv = new Ajv2020({ strict: false });
    ajv.addSchema({ $id: 'api', components });
    const isValid = ajv.compile({ $ref: 'api#/components/schemas/Report' });
    expect([isValid(after), isValid.errors]).toEqual([true, null]);
  });

  it('prints text, and writes an HTML page atomically', { timeout: 2 * START_MS }, async () => {
    const { stdout, status } = await segue('report');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^sgt.*: needs attention\n/);
    expect(stdout).toMatch(/Repairs +objects changed by others were repaired/);
    expect((await segue('report', '--html', '--output', path('report.html'))).status).toBe(0);
    expect(readFileSync(path('report.html'), 'utf8')).toMatch(
      /^<!DOCTYPE html>[^]*drop-neighbour-sender[^]*<\/html>\n$/,
    );
    expect((statSync(path('report.html')).mode & 0o777).toString(8)).toBe('644');
    for (const [file, status] of [
      ['/proc/nowhere/report.html', 2],
      ['/proc/report.html', 1],
    ] as const) {
      const wrong = await segue('report', '--html', '--output', file);
      const words = expect.stringContaining(`segue: --output ${file}: `) as string;
      expect(wrong).toMatchObject({ status, stdout: '', stderr: words });
    }
    const both = await segue('report', '--html', '-j');
    expect([both.status, both.stderr]).toEqual([2, expect.stringMatching(/cannot be used with/)]);
  });

  it('works without an agent, and says that none runs', { timeout: 2 * START_MS }, async () => {
    await agent.stop();
    const alone = await report();
    expect(alone).toMatchObject({ quiet: false, agent: null, intent: null, drops: null, drift: { count: 0 } });
    expect(alone.repairs).not.toEqual([]);
    expect(alone.problems[0]).toEqual({ part: 'agent', detail: expect.stringMatching(/no agent answers/) as string });
    await start();
  });

  it('ignores invalid files in its directory', { timeout: 2 * START_MS }, async () => {
    await agent.stop();
    const directory = runDirectory(network.netns('hv1'));
    for (const name of [
      'journal.json',
      'counters.json',
      'drop-history.json',
      'request-counts.json',
      'watcher-totals.json',
    ]) {
      writeFileSync(join(directory, name), name === 'counters.json' ? '{"repairs": -1}' : '[[');
    }
    await start();
    expect(await report()).toMatchObject({ repairs: [], agent: { ready: true }, problems: [] });
  });
});
