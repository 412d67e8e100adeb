/**
 * The module vrf is loaded while an agent runs that had to refuse its intent without it. Nothing unloads the module
 * again, so this is the first file of its VM (scripts/vm-tests); where VRFs are available already, the agent has no
 * reason to refuse.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createNetns, deleteNetns } from 'netlink-ts';
import { Instance } from '../../src/agent/instance.js';
import { purge } from '../../src/agent/purge.js';
import { loadNodeConfig } from '../../src/intent/load.js';
import { hasVrf } from '../../lab/kernel.js';
import { outputOf } from '../../lab/process.js';
import { AgentRun } from './lib/agent-run.js';

const NETNS = `sgtv${process.pid}`;
/** What the kernel runs to load a module that somebody asks for. */
const LOADER = '/proc/sys/kernel/modprobe';
const directory = mkdtempSync(join(tmpdir(), 'segue-vrf-'));
const file = join(directory, 'node.yaml');
let loader: string | undefined;
let isThere: boolean;

beforeAll(async () => {
  if (existsSync(LOADER)) {
    loader = readFileSync(LOADER, 'utf8');
    const others = join(directory, 'modprobe');
    writeFileSync(others, `#!/bin/sh\ncase "$*" in *vrf*) exit 1 ;; esac\nexec ${loader.trim()} "$@"\n`, {
      mode: 0o755,
    });
    writeFileSync(LOADER, others);
  }
  isThere = hasVrf(NETNS);
  createNetns(NETNS);
  const script = 'ip link set lo up; ip link add up0 type veth peer name far; ip link add p0 type veth peer name vm';
  await outputOf(NETNS, ['bash', '-euc', script]);
  const intent = {
    version: 1,
    sidBlock: 'fd00:5e::/32',
    nodes: [{ name: NETNS, locator: 'fd00:5e:1::/48' }],
    tenants: [{ name: 'red', id: 1, subnets: [{ prefix: '10.0.0.0/24', gateway: '10.0.0.254' }] }],
    ports: [
      { name: 'p0', node: NETNS, tenant: 'red', interface: 'p0', mac: '02:00:00:00:00:01', addresses: ['10.0.0.1'] },
    ],
  };
  writeFileSync(join(directory, 'intent.json'), JSON.stringify(intent));
  writeFileSync(file, `{ node: ${NETNS}, netns: ${NETNS}, uplinks: [up0], dataplane: kernel, intent: intent.json }`);
});

afterAll(() => {
  if (loader !== undefined) writeFileSync(LOADER, loader);
  deleteNetns(NETNS);
  rmSync(directory, { recursive: true });
});

it('an agent that refused its intent without VRF applies it once VRF is available, without a restart', async () => {
  const run = await AgentRun.startWith(loadNodeConfig(file), file);
  const masters = (): Promise<string> => outputOf(NETNS, ['ip', '-o', 'link', 'show', 'type', 'vrf']);
  if (!isThere) {
    const { next } = await run.waitFor(({ level }) => level === 50);
    expect(run.lines[next - 1]).toMatchObject({ err: { code: 'VRF_MISSING' } });
    expect(run.agent.state.ready).toBe(false);
    await outputOf(undefined, ['modprobe', 'vrf']);
  }
  await expect.poll(masters, { timeout: 120_000 }).toContain('sg-1:');
  await expect.poll(() => run.agent.state.ready, { timeout: 60_000 }).toBe(true);
  expect(await outputOf(NETNS, ['ip', '-o', 'link', 'show', 'master', 'sg-1'])).toContain('p0@');
  expect(run.lines.filter(({ level }) => level >= 50)).toHaveLength(isThere ? 0 : 1);
  expect(run.lines.map(({ msg }) => msg)).toContain('converged on the intent');
  expect(run.lines.filter(({ msg }) => msg === 'drift')).toEqual([]);
  await run.stop();
  const instance = new Instance(loadNodeConfig(file));
  expect((await purge(instance)).failures).toEqual([]);
  instance.close();
});
