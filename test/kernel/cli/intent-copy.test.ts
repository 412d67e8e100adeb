/**
 * Every `show` gives the same answer with and without the copy of the intent, and reads the copy where there is one.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runDirectory } from '../../../src/agent/instance.js';
import { SHOWN } from '../../../src/cli/show.js';
import { Background } from '../../../lab/process.js';
import { useNetwork } from '../../netns/lib/network.js';
import { selftestTopology } from '../../netns/lib/topologies.js';
import { ViewNode } from '../gateway/view-node.js';

const SEGUE = fileURLToPath(new URL('../../../bin/segue', import.meta.url));
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

function answer(args: readonly string[]): Answer {
  const argv = [SEGUE, ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8', timeout: START_MS });
  return { status, stdout: stdout.replace(COUNTED, '"$1":0'), stderr };
}

describe('the copy of the intent', () => {
  const network = useNetwork(selftestTopology({ dataplane: { hv1: 'ebpf', hv2: 'ebpf' } }));
  const configFile = (): string => join(network.directory, 'hv1.yaml');
  const intentFile = (): string => join(network.directory, 'intent.yaml');
  const copy = (): string => join(runDirectory(network.netns('hv1')), 'intent-copy');

  const segue = (...args: string[]): Answer => answer([...args, '-c', configFile()]);
  /** Alters the intent in the copy, which stays whole: what then answers so was read from it. */
  const rewriteCopy = (from: string, to: string): void => {
    const [head = '', body = ''] = readFileSync(copy(), 'utf8').split('\n');
    const altered = body.replace(from, to);
    const header = JSON.parse(head) as { config: object };
    const sha256 = createHash('sha256')
      .update(`${JSON.stringify(header.config)}\n${altered}`)
      .digest('hex');
    writeFileSync(copy(), `${JSON.stringify({ ...header, sha256 })}\n${altered}`);
  };

  beforeAll(async () => {
    network.files();
    await sleep(SETTLED_MS);
  });

  it('is written by apply, and show answers from it as from the file', { timeout: 4 * START_MS }, () => {
    const all = (): Record<string, Answer> => ({
      ...Object.fromEntries(SHOWN.map((what) => [what, segue('show', what, '-j')])),
      route: segue('show', 'route', '-t', 't100'),
      'port of another node': segue('show', 'port', '-p', 't100-2'),
      'no port': segue('show', 'port', '-p', 'nobody'),
    });
    rmSync(copy(), { force: true });
    const without = all();
    expect(without.port?.stdout).toContain('t100-1');
    expect(without['port of another node']?.stderr).toContain('it is on');
    expect(segue('apply').status).toBe(0);
    expect(all()).toEqual(without);
    expect(without.counters?.stdout).toContain('"fastpath":{');
    rewriteCopy('"name":"t100-1"', '"name":"by-the-copy"');
    expect(segue('show', 'port').stdout).toContain('by-the-copy');
  });

  it('is not used after a change of the node file', async () => {
    expect(segue('apply').status).toBe(0);
    rewriteCopy('"name":"t100-1"', '"name":"by-the-copy"');
    const text = readFileSync(configFile(), 'utf8');
    writeFileSync(configFile(), `${text}\nno-key: 1\n`);
    expect(segue('show', 'port')).toMatchObject({ status: 2, stderr: expect.stringContaining('no-key') as string });
    writeFileSync(configFile(), text);
    await sleep(SETTLED_MS);
  });

  it('is not used after a change of the intent file', async () => {
    expect(segue('apply').status).toBe(0);
    writeFileSync(intentFile(), readFileSync(intentFile(), 'utf8').replaceAll('t100-1', 't100-new'));
    expect(segue('show', 'port').stdout).toContain('t100-new');
    writeFileSync(intentFile(), readFileSync(intentFile(), 'utf8').replaceAll('t100-new', 't100-1'));
    await sleep(SETTLED_MS);
  });

  it('is ignored when damaged', () => {
    expect(segue('apply').status).toBe(0);
    writeFileSync(copy(), readFileSync(copy(), 'utf8').replace('t100-1', 't100-x'));
    const { status, stdout, stderr } = segue('show', 'port');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('t100-1');
  });

  it('follows the file while an agent runs', { timeout: 2 * START_MS }, async () => {
    rmSync(copy(), { force: true });
    const agent = new Background(undefined, [process.execPath, SEGUE, 'agent', '-c', configFile()]);
    try {
      await agent.waitFor(/converged on the intent/, START_MS);
      rewriteCopy('"name":"t100-1"', '"name":"by-the-copy"');
      expect(segue('show', 'port').stdout).toContain('by-the-copy');
      writeFileSync(intentFile(), readFileSync(intentFile(), 'utf8').replaceAll('t100-1', 't100-next'));
      await expect.poll(() => readFileSync(copy(), 'utf8'), { timeout: START_MS }).toContain('t100-next');
    } finally {
      await agent.stop();
    }
  });
});

describe('the copy of the intent of a network node', () => {
  const node = new ViewNode();
  const POLICY = { name: 'web', from: { tenant: 'red' }, to: { tenant: 'blue' }, protocol: 'tcp', action: 'allow' };

  beforeAll(() => {
    node.setUp();
    node.want({ policies: [POLICY, { ...POLICY, name: 'dc', to: { external: 'dc' } }] });
  });
  afterAll(() => node.tearDown());

  it('gives the same answers as the file', { timeout: 4 * START_MS }, async () => {
    await sleep(SETTLED_MS);
    const all = (): Record<string, Answer> =>
      Object.fromEntries(SHOWN.map((what) => [what, answer(['show', what, '-j', '-c', node.file('node.yaml')])]));
    expect(answer(['apply', '-c', node.file('node.yaml')]).status).toBe(0);
    const withCopy = all();
    rmSync(join(runDirectory(node.name), 'intent-copy'));
    expect(withCopy).toEqual(all());
    expect(withCopy.policy?.stdout).toContain('"state":"in-force"');
    expect(withCopy.gateway?.stdout).toContain('network-node');
  });
});
