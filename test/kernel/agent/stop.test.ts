/**
 * SIGTERM ends an agent in any state, and the agent logs nothing more. The aim is two seconds, which no test asserts:
 * the duration is printed, and an agent that only a hang can delay so long is killed, which fails the test.
 */
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { SEGUE_COMMAND } from '../../../lab/paths.js';
import { Background, outputOf, runIn } from '../../../lab/process.js';
import type { IncomingMessage } from 'node:http';
import { createNetns, deleteNetns } from 'netlink-ts';

const NETNS = `sgtk${process.pid}s`;
const START_MS = 300_000;
const HANG_MS = 120_000;
/** Enough that reading the file takes seconds. */
const MANY_PORTS = 1_000_000;

const directory = mkdtempSync(join(tmpdir(), 'segue-stop-'));
const file = join(directory, 'node.yaml');
const ebpfFile = join(directory, 'ebpf.yaml');
const runDirectory = `/run/segue/${NETNS}`;
const command = (...words: string[]): string[] => [process.execPath, SEGUE_COMMAND, ...words];
const HERE = {
  ...{ name: 'here', node: NETNS, tenant: 'red', interface: 'here', mac: '02:ff:00:00:00:01' },
  addresses: ['10.254.0.1'],
};
const running = new Set<Background>();

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended with the agent.
  }
}

function start(argv: readonly string[]): Background {
  const made = new Background(undefined, argv);
  running.add(made);
  return made;
}

/** @param isHosted whether the node has a port of the tenant, so that all of the tenant's are planned */
function writeIntent(ports: number, isHosted = false): void {
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
      ports: [
        ...(isHosted ? [HERE] : []),
        ...Array.from({ length: ports }, (_, at) => ({
          ...{ name: `p${at}`, node: 'far', tenant: 'red', interface: `p${at}`, mac: mac(at + 1) },
          addresses: [address(at + 1)],
        })),
      ],
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

/** Tells an agent to end, and what is left of it. */
async function end(agent: Background, doing: string): Promise<{ isKilled: boolean; isClean: boolean; errors: string }> {
  const signalled = performance.now();
  await agent.stop('SIGTERM', HANG_MS);
  process.stdout.write(`agent, ${doing}: ended ${Math.round(performance.now() - signalled)} ms after SIGTERM\n`);
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
  writeFileSync(ebpfFile, readFileSync(file, 'utf8').replace('kernel', 'ebpf'));
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

it('SIGTERM ends an agent at any moment of its start', { timeout: START_MS }, async () => {
  for (let waitMs = 0; waitMs <= 1500; waitMs += 150) {
    const agent = start(command('agent', '-c', file));
    await sleep(waitMs);
    expect({ waitMs, ...(await end(agent, `started ${waitMs} ms before`)) }).toEqual({ waitMs, ...WELL });
  }
});

it('SIGTERM ends an agent that waits for the node lock', { timeout: START_MS }, async () => {
  await runIn(undefined, command('apply', '-c', file));
  const holder = start(['flock', '-F', `${runDirectory}/lock`, 'sh', '-c', 'echo held; exec sleep 100']);
  await holder.waitFor(/held/, START_MS);
  const agent = start(command('agent', '-c', file));
  await holds(agent);
  await sleep(500);
  expect(await end(agent, 'the lock is held elsewhere')).toEqual(WELL);
  await holder.stop('SIGKILL');
});

it('SIGTERM ends an agent whose child process hangs', { timeout: START_MS }, async () => {
  const folder = join(directory, 'slow');
  mkdirSync(folder);
  const pids = join(directory, 'pids');
  writeFileSync(join(folder, 'nft'), `#!/bin/sh\necho $$ >>${pids}\nexec sleep 1000\n`, { mode: 0o755 });
  const agent = new Background(undefined, command('agent', '-c', file), {
    env: { ...process.env, PATH: `${folder}:${process.env.PATH ?? ''}` },
  });
  running.add(agent);
  await expect.poll(() => existsSync(pids), { timeout: START_MS }).toBe(true);
  try {
    expect(await end(agent, 'nft does not answer')).toEqual(WELL);
    expect(agent.child.exitCode).toBe(0);
  } finally {
    for (const pid of readFileSync(pids, 'utf8').trim().split('\n')) killIfThere(Number(pid));
  }
});

it('SIGTERM ends an agent during a large change that a client follows', { timeout: 2 * START_MS }, async () => {
  writeIntent(0);
  const agent = start(command('agent', '-c', ebpfFile));
  await agent.waitFor(/converged on the intent/, START_MS);
  await agent.waitFor(/API: listening/, START_MS);
  const asked = request({ socketPath: join(runDirectory, 'api.sock'), path: '/v1/events', agent: false });
  asked.on('error', () => undefined).end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  answer.on('error', () => undefined).resume();
  writeIntent(MANY_PORTS / 5, true);
  // The file is read and compared, and entries are written: SIGTERM comes at any moment of that.
  await sleep(6000);
  expect(await end(agent, 'a large change is under way')).toEqual(WELL);
  expect(agent.child.exitCode).toBe(0);
});

it('SIGTERM ends an agent that reads a large intent at its start', { timeout: 2 * START_MS }, async () => {
  writeIntent(MANY_PORTS);
  const agent = start(command('agent', '-c', file));
  await holds(agent);
  // The thread is within JSON.parse, which nothing interrupts.
  await sleep(8000);
  expect(await end(agent, 'a million ports are read')).toEqual(WELL);
  // A thread reads it: the handler ran.
  expect(agent.child.exitCode).toBe(0);
});

it('SIGTERM ends an idle agent through its handler', { timeout: START_MS }, async () => {
  writeIntent(0);
  const agent = start(command('agent', '-c', file));
  await agent.waitFor(/converged on the intent/, START_MS);
  expect(await end(agent, 'idle')).toEqual(WELL);
  expect(agent.child.exitCode).toBe(0);
});
