/** A node and a network namespace have one writer: a second one names the first in its error, and changes nothing. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SEGUE_COMMAND } from '../../../lab/paths.js';
import { Background, outputOf, runIn } from '../../../lab/process.js';
import { createNetns, deleteNetns } from 'netlink-ts';
import type { Ended } from '../../../lab/process.js';

const NETNS = `sgtk${process.pid}w`;
/** Another node of the same intent, whose file names the same namespace. */
const TWIN = `${NETNS}2`;
const START_MS = 300_000;

const directory = mkdtempSync(join(tmpdir(), 'segue-writer-'));
const file = join(directory, 'node.yaml');
const twin = join(directory, 'twin.yaml');
const agents = new Set<Background>();

const command = (...words: string[]): string[] => [process.execPath, SEGUE_COMMAND, ...words];
const segue = (...words: string[]): Promise<Ended> => runIn(undefined, command(...words));

const agent = (path = file): Background => {
  const made = new Background(undefined, command('agent', '-c', path));
  agents.add(made);
  return made;
};
const running = async (): Promise<Background> => {
  const made = agent();
  await made.waitFor(/converged on the intent/, START_MS);
  return made;
};
/** What the second is told. */
const refusal = (by: Background, node = NETNS): string =>
  node === NETNS
    ? `segue: ${NETNS}: segue agent runs, pid ${by.child.pid}, node file ${file}: stop it first (systemctl stop segue)\n`
    : `segue: ${node} (its network namespace is that of node ${NETNS}): segue agent runs, pid ${by.child.pid}, node file ${file}: ` +
      'stop it first (systemctl stop segue)\n';
const rules = (): Promise<string> => outputOf(NETNS, ['ip', '-6', 'rule', 'show']);

beforeAll(async () => {
  createNetns(NETNS);
  await outputOf(NETNS, ['ip', 'link', 'set', 'lo', 'up']);
  const nodes = [NETNS, TWIN].map((name, at) => `  - { name: ${name}, locator: "fd00:5e:${at + 1}::/48" }\n`).join('');
  const intent = `version: 1\nsidBlock: fd00:5e::/32\nnodes:\n${nodes}tenants: []\nports: []\n`;
  writeFileSync(join(directory, 'intent.yaml'), intent);
  for (const [path, node] of [
    [file, NETNS],
    [twin, TWIN],
  ] as const) {
    const text = `{ node: ${node}, netns: ${NETNS}, uplinks: [eth0], dataplane: kernel, intent: intent.yaml }`;
    writeFileSync(path, text);
  }
});

afterEach(async () => {
  for (const one of agents) await one.stop('SIGKILL');
  agents.clear();
});

afterAll(async () => {
  await segue('purge', '-c', file);
  deleteNetns(NETNS);
  rmSync(directory, { recursive: true });
  rmSync(`/run/segue/${TWIN}`, { recursive: true, force: true });
});

describe('beside a running agent', () => {
  it.each([
    ['a second agent', ['agent', '-c', file], NETNS],
    ['apply', ['apply', '-c', file], NETNS],
    ['purge', ['purge', '-c', file], NETNS],
    ['an agent of another node in the namespace', ['agent', '-c', twin], TWIN],
    ['apply of another node in the namespace', ['apply', '-c', twin], TWIN],
    ['purge of another node in the namespace', ['purge', '-c', twin], TWIN],
  ] as const)('%s is refused with the name of the running agent', { timeout: START_MS }, async (_name, words, node) => {
    const first = await running();
    const before = await rules();
    const { status, stdout, stderr } = await segue(...words);
    expect({ status, stdout, stderr }).toEqual({ status: 1, stdout: '', stderr: refusal(first, node) });
    expect(await rules()).toBe(before);
    expect(first.hasEnded).toBe(false);
  });

  it('apply --force and read-only commands proceed', { timeout: START_MS }, async () => {
    await running();
    expect(await segue('apply', '--force', '-c', file)).toMatchObject({ status: 0 });
    expect(await segue('apply', '--dry-run', '-c', file)).toMatchObject({ status: 0 });
    expect(await segue('diff', '-c', file)).toMatchObject({ status: 0 });
    expect(await segue('show', 'vrf', '-c', file)).toMatchObject({ status: 0 });
  });
});

describe('an agent that was killed', () => {
  it('does not block its successor or purge', { timeout: 2 * START_MS }, async () => {
    await (await running()).stop('SIGKILL');
    await (await running()).stop('SIGTERM');
    expect(await segue('purge', '-c', file)).toMatchObject({ status: 0 });
    expect(await rules()).not.toContain('fd00:5e');
    expect(readdirSync('/run/segue')).not.toContain(NETNS);
  });
});

describe('a purge during its grace period', () => {
  it('holds the node lock: only the announcement is withdrawn', { timeout: START_MS }, async () => {
    await segue('apply', '-c', file);
    const purge = new Background(undefined, command('purge', '--grace', '600', '-c', file));
    agents.add(purge);
    const announced = (): Promise<string> => outputOf(NETNS, ['ip', '-6', 'route', 'show', 'proto', '94']);
    await expect.poll(announced, { timeout: START_MS }).toBe('');
    expect(await rules()).toContain('to fd00:5e:1::/48 blackhole');
    const { status, stderr } = await segue('agent', '-c', file);
    expect(status).toBe(1);
    expect(stderr).toBe(
      `segue: ${NETNS}: segue purge runs, pid ${purge.child.pid}, node file ${file}: wait until it ends\n`,
    );
  });

  it('accepts a number of seconds', async () => {
    for (const grace of ['-1', 'soon', '601', '', '1e-9', '0x10', ' 5']) {
      expect(await segue('purge', '--grace', grace, '-c', file)).toMatchObject({
        status: 2,
        stderr: `segue: --grace ${grace}: expected a number of seconds from 0 to 600\n`,
      });
    }
  });
});
