/**
 * The process or the machine runs out of file descriptors: the agent logs a clear error, and resumes once some are
 * free.
 */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { SEGUE_COMMAND } from '../../../lab/paths.js';
import { Background, outputOf, runIn } from '../../../lab/process.js';
import { createNetns, deleteNetns } from 'netlink-ts';

const NETNS = `sgtk${process.pid}d`;
const START_MS = 300_000;

const directory = mkdtempSync(join(tmpdir(), 'segue-descriptors-'));
const file = join(directory, 'node.yaml');
const intentFile = join(directory, 'intent.yaml');
const command = (...words: string[]): string[] => [process.execPath, SEGUE_COMMAND, ...words];
const intent = (locators: readonly number[]): string =>
  `version: 1\nsidBlock: fd00:5e::/32\ntenants: []\nports: []\nnodes:\n` +
  locators.map((at) => `  - { name: ${at === 1 ? NETNS : `far${at}`}, locator: "fd00:5e:${at}::/48" }\n`).join('');
let agent: Background | undefined;

/** Nothing that needs a descriptor below the number can be done, or everything again. */
async function limit(pid: number, number: number | 'unlimited'): Promise<void> {
  const soft = number === 'unlimited' ? '1024' : String(number);
  await outputOf(undefined, ['prlimit', '--pid', String(pid), `--nofile=${soft}:`]);
}

/** How many descriptors a process has. */
function held(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

const elements = (): Promise<string> => outputOf(NETNS, ['nft', 'list', 'table', 'inet', 'segue_edge']);

beforeAll(async () => {
  createNetns(NETNS);
  await outputOf(NETNS, ['ip', 'link', 'set', 'lo', 'up']);
  writeFileSync(intentFile, intent([1]));
  writeFileSync(file, `{ node: ${NETNS}, netns: ${NETNS}, uplinks: [eth0], dataplane: kernel, intent: intent.yaml }`);
});

afterEach(async () => {
  await agent?.stop('SIGKILL');
});

afterAll(async () => {
  await runIn(undefined, command('purge', '-c', file));
  deleteNetns(NETNS);
  rmSync(directory, { recursive: true });
});

it.each([
  // Not one is left, or so few that nft's pipes cannot be made.
  ['no descriptor', () => 3],
  ['too few descriptors for a program', (pid: number) => held(pid) + 4],
])(
  'with %s left, the agent logs an error, survives, and repairs once descriptors are free',
  { timeout: 2 * START_MS },
  async (_name, soft) => {
    agent = new Background(undefined, command('agent', '-c', file, '--sweep', '1'));
    await agent.waitFor(/converged on the intent/, START_MS);
    const pid = agent.child.pid ?? 0;
    await limit(pid, soft(pid));
    await outputOf(NETNS, ['nft', 'delete', 'table', 'inet', 'segue_edge']);
    await agent.waitFor(/"level":50.*(EMFILE)/, START_MS);
    await limit(pid, 'unlimited');
    await expect.poll(elements, { timeout: START_MS }).toContain('fd00:5e::/32');
    expect(agent.hasEnded).toBe(false);
    expect(agent.output).not.toMatch(/^ +at /m);
  },
);

it('the agent reads a changed intent once descriptors are free', { timeout: 2 * START_MS }, async () => {
  agent = new Background(undefined, command('agent', '-c', file, '--sweep', '3600'));
  await agent.waitFor(/converged on the intent/, START_MS);
  const pid = agent.child.pid ?? 0;
  await limit(pid, 3);
  writeFileSync(intentFile, intent([1, 2]));
  await agent.waitFor(/"level":50.*EMFILE.*the intent cannot be read, and is read again/, START_MS);
  await limit(pid, 'unlimited');
  await expect.poll(elements, { timeout: START_MS }).toContain('fd00:5e:2::1');
});
