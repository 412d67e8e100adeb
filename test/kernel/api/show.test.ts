/**
 * Every `show` gives the same answer with and without a running agent, and asks the agent only where its answer is
 * certain.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SEGUE_COMMAND } from '../../../lab/paths.js';
import { Background } from '../../../lab/process.js';
import { SHOWN } from '../../../src/cli/show/shown.js';
import { useNetwork } from '../../netns/lib/network.js';
import { selftestTopology } from '../../netns/lib/topologies.js';
import { ask, socketOf } from './client.js';

const START_MS = 300_000;
/** Longer than a file counts as just changed. */
const SETTLED_MS = 100;
/** Packets of neighbour discovery come when they come. */
const COUNTED = /"(\w*(?:packets|bytes)|idleSeconds|ageSeconds|timeoutSeconds)":\d+/gi;

interface Answer {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Says at the end whether what calls into libc and libbpf was loaded. */
const TELL_TALE = `process.on('exit', () => {
  const { sharedObjects } = process.report.getReport();
  process.stderr.write(sharedObjects.some((one) => one.includes('koffi')) ? 'BY-ITSELF' : 'BY-AGENT');
});`;

function segue(...args: string[]): Answer & { byAgent: boolean } {
  const argv = ['--import', `data:text/javascript,${encodeURIComponent(TELL_TALE)}`, SEGUE_COMMAND, ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8', timeout: START_MS });
  const byAgent = stderr.endsWith('BY-AGENT');
  return {
    status,
    stdout: stdout.replace(COUNTED, '"$1":0'),
    stderr: stderr.replace(/BY-(AGENT|ITSELF)$/, ''),
    byAgent,
  };
}

/** `show counters` without counts, the widths of their columns, and the verdicts: some frame of a VM's own makes a new one at any time. */
function withoutCounts(stdout: string): string {
  if (!stdout.startsWith('{')) return stdout.replace(/\nVERDICT[^]*?(?=\n\n|$)/, '').replace(/ +[0-9]+/g, ' 0');
  const isVerdict = (one: unknown): boolean => typeof one === 'object' && one !== null && 'verdict' in one;
  return JSON.stringify(
    JSON.parse(stdout, (_key, value: unknown) => (Array.isArray(value) && value.some(isVerdict) ? [] : value)),
  );
}

describe('show beside an agent', () => {
  const network = useNetwork(selftestTopology({ dataplane: { hv1: 'ebpf', hv2: 'ebpf' } }));
  const configFile = (name = 'hv1'): string => join(network.directory, `${name}.yaml`);
  const agents: Background[] = [];
  const start = async (name: string): Promise<void> => {
    const agent = new Background(undefined, [process.execPath, SEGUE_COMMAND, 'agent', '-c', configFile(name)]);
    agents.push(agent);
    await agent.waitFor(/converged on the intent/, START_MS);
    await agent.waitFor(/API: listening/, START_MS);
  };
  const QUESTIONS = (): string[][] => [
    ...SHOWN.flatMap((what) => [
      ['show', what],
      ['show', what, '-j'],
    ]),
    ['show', 'port', '-t', 't100'],
    ['show', 'port', '-p', 't100-1', '-j'],
    ['show', 'port', '-p', 't100-2'],
    ['show', 'port', '-p', 'nobody'],
    ['show', 'port', '-t', 'nobody'],
    ['show', 'route', '--address', '10.0.0.0/24', '-a'],
    ['show', 'route', '--address', 'x'],
    ['show', 'counters', '--host', '10.0.0.0/24', '-j'],
    ['show', 'counters', '--host', 'x'],
    ['show', 'flow', '--l4-port', '99999'],
    ['show', 'vrf', '--all'],
  ];
  const answers = (): (Answer & { byAgent: boolean })[] =>
    QUESTIONS().map((args) => segue(...args, '-c', configFile()));

  beforeAll(async () => {
    network.files();
    await sleep(SETTLED_MS);
    await start('hv1');
    await start('hv2');
  });
  afterAll(async () => {
    for (const agent of agents) await agent.stop();
  });

  it('prints the same answer without loading the code that reads the kernel', { timeout: 4 * START_MS }, async () => {
    const withAgent = answers();
    expect(withAgent.map(({ byAgent }) => byAgent)).toEqual(
      // What is on another node only the whole file knows.
      QUESTIONS().map((args) => (!args.includes('t100-2') && !args.includes('nobody')) || args.includes('-t')),
    );
    await agents.shift()?.stop();
    const alone = answers();
    expect(alone.slice(0, SHOWN.length).some(({ byAgent }) => byAgent)).toBe(false);
    await start('hv1');
    const said = (all: typeof alone): Answer[] =>
      all.map(({ byAgent: _by, stdout, ...rest }, at) => ({
        ...rest,
        stdout: QUESTIONS()[at]?.includes('counters') === true ? withoutCounts(stdout) : stdout,
      }));
    expect(said(withAgent)).toEqual(said(alone));
    expect(withAgent[SHOWN.indexOf('port') * 2]?.stdout).toContain('t100-1');
  });

  it('asks the agent of the given node file', () => {
    expect(segue('show', 'port', '-c', configFile('hv2'))).toMatchObject({
      byAgent: true,
      stdout: expect.stringContaining('t100-2') as string,
    });
  });

  it('reads the kernel itself for files that the agent was not started with', { timeout: 2 * START_MS }, async () => {
    const copy = join(network.directory, 'copy.yaml');
    const text = readFileSync(configFile(), 'utf8');
    writeFileSync(copy, text);
    expect(segue('show', 'port', '-c', copy)).toMatchObject({ status: 0, byAgent: false });
    expect(segue('show', 'port', '-c', configFile(), '-f', join(network.directory, 'intent.yaml'))).toMatchObject({
      byAgent: false,
    });
    writeFileSync(configFile(), `${text}\nmtu: 1400\n`);
    expect(segue('show', 'port', '-c', configFile())).toMatchObject({ status: 0, byAgent: false });
    writeFileSync(configFile(), text);
    await sleep(SETTLED_MS);
    expect(segue('show', 'port', '-c', configFile())).toMatchObject({ status: 0, byAgent: true });
  });

  it('follows changes of the intent file', { timeout: 2 * START_MS }, async () => {
    const file = join(network.directory, 'intent.yaml');
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replaceAll('t100-1', 't100-next'));
    // At once, whoever answers.
    expect(segue('show', 'port', '-c', configFile()).stdout).toContain('t100-next');
    await expect
      .poll(() => segue('show', 'port', '-c', configFile()), { timeout: START_MS, interval: 500 })
      .toMatchObject({ byAgent: true, stdout: expect.stringContaining('t100-next') as string });
    writeFileSync(file, 'version: 2\n');
    const refused = segue('show', 'port', '-c', configFile());
    expect(refused).toMatchObject({ byAgent: false, stderr: expect.stringContaining('cannot be used') as string });
    writeFileSync(file, text);
  });

  it('prints what the API answers', async () => {
    await expect
      .poll(() => segue('show', 'port', '-j', '-c', configFile()).byAgent, { timeout: START_MS, interval: 500 })
      .toBe(true);
    const socket = socketOf(network.netns('hv1'));
    const { status, headers } = await ask(socket, '/v1/ports');
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('application/json');
    // The agent may still be at work on the intent of the test before.
    const both = async () => ({
      body: (await ask(socket, '/v1/ports')).body,
      printed: segue('show', 'port', '-j', '-c', configFile()).stdout,
    });
    let { body, printed } = await both();
    for (const end = performance.now() + START_MS; body !== printed && performance.now() < end;) {
      ({ body, printed } = await both());
    }
    expect(body).toBe(printed);
  });
});
