/**
 * The agent repairs what the kernel notifies it of, on a real kernel without emulation: the objects that a node has
 * before any tenant, which need no VRF. It does not sweep, so a repair shows that the notification was heeded. The
 * latency is printed; `make soak` bounds it.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { diffOnce } from '../../../src/agent/apply.js';
import { Instance } from '../../../src/agent/instance.js';
import { purge } from '../../../src/agent/purge.js';
import { loadIntent } from '../../../src/app/intent.js';
import { loadNodeConfig } from '../../../src/intent/load.js';
import { outputOf } from '../../../lab/process.js';
import { createNetns, deleteNetns } from 'netlink-ts';
import { AgentRun } from '../../netns/lib/agent-run.js';
import type { ChangeText } from '../../../src/reconcile/change.js';

const NETNS = `sgtk${process.pid}a`;

const INTENT = `
version: 1
sidBlock: fd00:5e::/32
nodes:
  - { name: ${NETNS}, locator: "fd00:5e:1::/48" }
tenants: []
ports: []
`;

const DAMAGE: [name: string, script: string][] = [
  ['rule 990', 'ip -6 rule del pref 990'],
  ['rule 991', 'ip -6 rule del pref 991'],
  ['rule 0 restored, IPv4', 'ip rule add pref 0 lookup local'],
  ['rule 0 restored, IPv6', 'ip -6 rule add pref 0 lookup local'],
  ['local rule removed', 'ip rule del pref 32765'],
  ['announcement', 'ip -6 route del blackhole fd00:5e:1::/48'],
  ['locator: local', 'ip -6 rule del pref 32762'],
  ['locator: main', 'ip -6 rule del pref 32763'],
  ['locator: discard', 'ip -6 rule del pref 32764'],
  ['outer source', 'ip -6 addr del fd00:5e:1::1/128 dev lo'],
  // From Linux 6.17 the uplink's, below the host's.
  [
    'forwarding',
    'cd /proc/sys/net/ipv6/conf; if [ -e eth0/force_forwarding ]; then echo 0 >eth0/force_forwarding; else echo 0 >all/forwarding; fi',
  ],
  ['nft element', 'nft delete element inet segue block "{ fd00:5e::/32 }"'],
  ['nft rule', 'nft insert rule inet segue prerouting accept'],
  ['nft ruleset', 'nft flush ruleset'],
];

const directory = mkdtempSync(join(tmpdir(), 'segue-repair-'));
const nodeFile = join(directory, 'node.yaml');
const latencies: [name: string, ms: number][] = [];
let run: AgentRun;
let instance: Instance;

beforeAll(async () => {
  createNetns(NETNS);
  await outputOf(NETNS, ['ip', 'link', 'set', 'lo', 'up']);
  await outputOf(NETNS, ['ip', 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'far']);
  writeFileSync(join(directory, 'intent.yaml'), INTENT);
  writeFileSync(
    nodeFile,
    `{ node: ${NETNS}, netns: ${NETNS}, uplinks: [eth0], dataplane: kernel, intent: intent.yaml }`,
  );
  const config = loadNodeConfig(nodeFile);
  instance = new Instance(config);
  run = await AgentRun.startWith(config, nodeFile);
});

afterAll(async () => {
  await run.stop();
  await purge(instance);
  instance.close();
  deleteNetns(NETNS);
  rmSync(directory, { recursive: true, force: true });
  console.log(latencies.map(([name, ms]) => `repaired after ${ms.toFixed(0).padStart(4)} ms: ${name}`).join('\n'));
});

async function diff(): Promise<ChangeText[]> {
  const { changes } = await diffOnce(instance, loadIntent(instance.config.intent));
  return changes.map((change) => instance.engine.text(change));
}

it('the agent starts without an error', async () => {
  expect(run.lines.filter(({ level }) => level >= 50)).toEqual([]);
  expect(await diff()).toEqual([]);
});

it.each(DAMAGE)('the agent repairs on notification: %s', async (name, script) => {
  const from = run.lines.length;
  const start = performance.now();
  await outputOf(NETNS, ['bash', '-euc', script]);
  latencies.push([name, (await run.repaired(diff, from)) - start]);
});

it('the agent leaves a foreign route in place of its announcement, and announces again once that route is gone', async () => {
  await outputOf(NETNS, ['bash', '-euc', 'ip -6 route replace unreachable fd00:5e:1::/48 proto static']);
  await run.agent.idle();
  expect(await diff()).toEqual([]);
  // Something else is repaired after it, so the agent has looked.
  const from = run.lines.length;
  await outputOf(NETNS, ['bash', '-euc', 'ip -6 rule del pref 990']);
  await run.repaired(diff, from);
  const routes = (): Promise<string> => outputOf(NETNS, ['ip', '-6', 'route', 'show', 'fd00:5e:1::/48']);
  expect(await routes()).toMatch(/^unreachable fd00:5e:1::\/48 .*proto static/);
  const later = run.lines.length;
  await outputOf(NETNS, ['bash', '-euc', 'ip -6 route del unreachable fd00:5e:1::/48 proto static']);
  await run.repaired(diff, later);
  expect(await routes()).toMatch(/^blackhole fd00:5e:1::\/48 .*proto 94/);
});
