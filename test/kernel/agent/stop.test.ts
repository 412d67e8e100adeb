/** SIGTERM ends an agent whatever it is doing, and it says nothing more. `Background.stop` kills after five seconds: that is the failure. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { SEGUE_COMMAND } from '../../../lab/paths.js';
import { Background, outputOf, runIn } from '../../../lab/process.js';
import { createNetns, deleteNetns } from 'netlink-ts';

const NETNS = `sgtk${process.pid}s`;
const START_MS = 120_000;
/** Enough that reading the file takes seconds. */
const MANY_PORTS = 1_000_000;

const directory = mkdtempSync(join(tmpdir(), 'segue-stop-'));
const file = join(directory, 'node.yaml');
const runDirectory = `/run/segue/${NETNS}`;
const command = (...words: string[]): string[] => [process.execPath, SEGUE_COMMAND, ...words];
const running = new Set<Background>();

function start(argv: readonly string[]): Background {
  const made = new Background(undefined, argv);
  running.add(made);
  return made;
}

function writeIntent(ports: number): void {
  const address = (at: number): string => `10.${(at >> 16) & 255}.${(at >> 8) & 255}.${at & 255}`;
  const mac = (at: number): string =>
    `02:00:${at
      .toString(16)
      .padStart(8, '0')
      .replace(/..(?=.)/g, '$&:')}`;
  writeFileSync(
    join(directory, 'intent.json'),
    JSON.stringify({
      version: 1,
      sidBlock: 'fd00:5e::/32',
      nodes: [
        { name: NETNS, locator: 'fd00:5e:1::/48' },
        { name: 'far', locator: 'fd00:5e:2::/48' },
      ],
      tenants: [{ name: 'red', id: 1, subnets: [{ prefix: '10.0.0.0/8', gateway: '10.255.255.254' }] }],
      ports: Array.from({ length: ports }, (_, at) => ({
        ...{ name: `p${at}`, node: 'far', tenant: 'red', interface: `p${at}`, mac: mac(at + 1) },
        addresses: [address(at + 1)],
      })),
    }),
  );
}

/** Resolves when an agent holds the node: the last thing before it reads the intent. */
async function holds(agent: Background): Promise<void> {
  const writer = (): string => {
    try {
      return readFileSync(`${runDirectory}/writer`, 'utf8');
    } catch {
      return '';
    }
  };
  await expect.poll(writer, { timeout: START_MS, interval: 5 }).toContain(`"pid":${agent.child.pid ?? 0},`);
}

/** What is left of an agent that was told to end. */
function end(agent: Background): { isKilled: boolean; isClean: boolean; errors: string } {
  const { exitCode, signalCode } = agent.child;
  const errors = agent.output.split('\n').filter((line) => line !== '' && !/"level":[34]0/.test(line));
  return {
    isKilled: signalCode === 'SIGKILL',
    isClean: exitCode === 0 || signalCode === 'SIGTERM',
    errors: errors.join('\n'),
  };
}
const WELL = { isKilled: false, isClean: true, errors: '' };

beforeAll(async () => {
  createNetns(NETNS);
  await outputOf(NETNS, ['ip', 'link', 'set', 'lo', 'up']);
  writeFileSync(file, `{ node: ${NETNS}, netns: ${NETNS}, uplinks: [eth0], dataplane: kernel, intent: intent.json }`);
  writeIntent(0);
});

afterEach(async () => {
  for (const one of running) await one.stop('SIGKILL');
  running.clear();
});

afterAll(async () => {
  writeIntent(0);
  await runIn(undefined, command('purge', '-c', file));
  deleteNetns(NETNS);
  rmSync(directory, { recursive: true });
});

it('while it starts, at whatever moment', { timeout: START_MS }, async () => {
  for (let waitMs = 0; waitMs <= 1500; waitMs += 150) {
    const agent = start(command('agent', '-c', file));
    await sleep(waitMs);
    await agent.stop();
    expect({ waitMs, ...end(agent) }).toEqual({ waitMs, ...WELL });
  }
});

it('while another process holds the node', { timeout: START_MS }, async () => {
  await runIn(undefined, command('apply', '-c', file));
  const holder = start(['flock', '-F', `${runDirectory}/lock`, 'sh', '-c', 'echo held; exec sleep 100']);
  await holder.waitFor(/held/, START_MS);
  const agent = start(command('agent', '-c', file));
  await holds(agent);
  await sleep(500);
  await agent.stop();
  expect(end(agent)).toEqual(WELL);
});

it('while it reads a large intent, at the start', { timeout: 2 * START_MS }, async () => {
  writeIntent(MANY_PORTS);
  const agent = start(command('agent', '-c', file));
  await holds(agent);
  // The thread is within JSON.parse, which nothing interrupts.
  await sleep(8000);
  await agent.stop();
  expect(end(agent)).toEqual(WELL);
  // A thread reads it: the handler ran.
  expect(agent.child.exitCode).toBe(0);
});

it('while it runs, by its handler', { timeout: START_MS }, async () => {
  writeIntent(0);
  const agent = start(command('agent', '-c', file));
  await agent.waitFor(/converged on the intent/, START_MS);
  await agent.stop();
  expect(end(agent)).toEqual(WELL);
  expect(agent.child.exitCode).toBe(0);
});
