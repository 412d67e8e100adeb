/**
 * A data plane with a kernel part is refused completely on a kernel without VRFs, and applied completely on one with
 * VRFs.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { applyOnce } from '../../src/agent/apply.js';
import { Instance } from '../../src/agent/instance.js';
import { purge } from '../../src/agent/purge.js';
import { vrfResource } from '../../src/vrf/vrf-resource.js';
import { hasVrf } from '../../lab/kernel.js';
import { outputOf } from '../../lab/process.js';
import { createNetns, deleteNetns } from 'netlink-ts';
import { AgentRun } from '../netns/lib/agent-run.js';
import type { NodeConfig } from '../../src/intent/types.js';
import { parseIntent } from '../../src/app/intent.js';
import { loadNodeConfig } from '../../src/intent/load.js';

const NETNS = `sgtk${process.pid}v`;
const directory = mkdtempSync(join(tmpdir(), 'segue-vrf-'));
const isThere = hasVrf(NETNS);

const text = (ports: number): string =>
  JSON.stringify({
    version: 1,
    sidBlock: 'fd00:5e::/32',
    nodes: [{ name: NETNS, locator: 'fd00:5e:1::/48' }],
    tenants: [{ name: 'red', id: 1, subnets: [{ prefix: '10.0.0.0/24', gateway: '10.0.0.254' }] }],
    ports: Array.from({ length: ports }, (_, at) => ({
      ...{ name: `p${at}`, node: NETNS, tenant: 'red', interface: `p${at}`, mac: `02:00:00:00:00:0${at}` },
      addresses: [`10.0.0.${at + 1}`],
    })),
  });

function config(dataplane: string): NodeConfig {
  const file = join(directory, 'node.yaml');
  writeFileSync(
    file,
    `{ node: ${NETNS}, netns: ${NETNS}, uplinks: [up0], dataplane: ${dataplane}, intent: intent.json }`,
  );
  return loadNodeConfig(file);
}

/** All that an application would change first. */
const state = (): Promise<string> =>
  outputOf(NETNS, [
    'bash',
    '-euc',
    'ip rule; ip -6 rule; ip -6 route show proto 94; nft list ruleset; ip -o -d link; sysctl -a -r net.ipv[46].conf 2>/dev/null',
  ]);

beforeAll(async () => {
  createNetns(NETNS);
  const script = 'ip link set lo up; ip link add up0 type veth peer name far; ip link add p0 type veth peer name vm';
  await outputOf(NETNS, ['bash', '-euc', script]);
});

afterAll(() => {
  deleteNetns(NETNS);
  rmSync(directory, { recursive: true });
});

it.each(['kernel', 'hybrid'])('%s mode is applied or refused as a whole', async (dataplane) => {
  const instance = new Instance(config(dataplane));
  try {
    const before = await state();
    const apply = applyOnce(instance, parseIntent(text(1), { file: 'intent.json' }));
    if (isThere) expect((await apply).failures).toEqual([]);
    else {
      await expect(apply).rejects.toMatchObject({
        code: 'VRF_MISSING',
        message: expect.stringMatching(/modprobe vrf/) as string,
      });
      expect(await state()).toBe(before);
    }
    expect((await purge(instance)).failures).toEqual([]);
  } finally {
    instance.close();
  }
});

it('an agent that gets its first port reports it, and what it applied before stays', async () => {
  const file = join(directory, 'intent.json');
  writeFileSync(file, text(0));
  const own = config('kernel');
  const run = await AgentRun.startWith(own, join(directory, 'node.yaml'));
  const before = await state();
  const from = run.lines.length;
  const attempts = vi.spyOn(vrfResource, 'require');
  writeFileSync(file, text(1));
  if (isThere) await run.waitFor('followed a change of the intent', from);
  else {
    const { line } = await run.waitFor(({ level }) => level === 50, from);
    expect(line).toMatchObject({
      msg: 'the task failed, and is tried again; forwarding continues',
      err: { code: 'VRF_MISSING' },
    });
    expect(await state()).toBe(before);
    // It is tried again and again, with pauses that double, and says so once.
    await vi.waitFor(() => expect(attempts.mock.calls.length).toBeGreaterThan(3), { timeout: 60_000 });
    expect(run.lines.slice(from).filter(({ level }) => level === 50)).toHaveLength(1);
  }
  attempts.mockRestore();
  await run.stop();
  const instance = new Instance(own);
  expect((await purge(instance)).failures).toEqual([]);
  instance.close();
});
