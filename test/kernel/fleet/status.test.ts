/** Status from node sources through feeds into a real etcd, and what `segue fleet` shows and sets. */
import { execFile, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { SEGUE_COMMAND } from '../../../lab/paths.js';
import { NO_FACTS } from '../../../src/fleet/node/agent-facts.js';
import { Feed } from '../../../src/fleet/feed/feed.js';
import { FeedSource } from '../../../src/fleet/node/feed-source.js';
import { FeedConnection } from '../../../src/fleet/node/connection.js';
import { RealmKeys } from '../../../src/fleet/keys.js';
import { readFleet } from '../../../src/fleet/status/read-fleet.js';
import { EtcdClient } from '../../../src/fleet/store/etcd-client.js';
import { IntentWriter } from '../../../src/fleet/store/writer.js';
import { put } from '../../../src/fleet/store/commit.js';
import { Authority, Etcd, loopbackAddress, newDirectory, removeDirectory } from './etcd.js';
import { CLOUD, cloudWishes, portOf, wish } from './intent.js';
import type { AgentFacts } from '../../../src/fleet/node/agent-facts.js';
import type { FleetNode } from '../../../src/fleet/status/read-fleet.js';
import type { IntentProgress } from '../../../src/intent/source.js';

const PATIENCE = { timeout: 90_000, interval: 100 };
const AUTHOR = { author: 'test', reason: '' };
const directory = newDirectory();
const authority = new Authority(directory);
const etcd = new Etcd(directory);
const address = loopbackAddress();
const client = new EtcdClient(etcd.config());
const keys = new RealmKeys('default');
const fleetFile = join(directory, 'fleet.yaml');
const tls = authority.issue('feed', [`IP:${address}`]);
const sources: FeedSource[] = [];
let writer: IntentWriter;
let feed: Feed;

function newFeed(): Feed {
  const config = { realm: 'default', etcd: etcd.config(), feed: { listen: `${address}:7179`, tls, reportMs: 1000 } };
  const made = new Feed(config, pino({ level: 'silent' }));
  void made.run();
  return made;
}

/** A node whose agent takes what it is given at once, unless it is told to wait. */
class Node {
  facts: AgentFacts = { ...NO_FACTS, startedMs: Date.now() };
  readonly waiting: IntentProgress[] = [];
  isStuck = false;
  readonly source: FeedSource;

  constructor(name: string, shown = name) {
    const own = authority.issue(name, [`DNS:${name}`]);
    this.source = new FeedSource({
      config: {
        ...{ node: shown, uplinks: ['eth0'], dataplane: 'ebpf', xdp: 'auto', behaviours: ['dt46'] },
        intent: join(directory, `${shown}.json`),
        feeds: { endpoints: [`${address}:7179`], tls: own },
      },
      configFile: 'node.yaml',
      runDirectory: join(directory, shown),
      facts: () => this.facts,
    });
    sources.push(this.source);
  }

  start(): Promise<void> {
    return this.source.start((event) => {
      if (event.type === 'error' || event.progress === undefined) return;
      this.waiting.push(event.progress);
      if (!this.isStuck) this.goOn();
    });
  }

  goOn(): void {
    this.isStuck = false;
    for (const progress of this.waiting.splice(0)) {
      progress('planned');
      progress('applied');
    }
  }
}

const nodeNow = async (name: string): Promise<FleetNode | undefined> =>
  (await readFleet(client, keys)).nodes.find((node) => node.name === name);

function fleet(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const [name = '', ...rest] = args;
  const argv = [SEGUE_COMMAND, 'fleet', name, '-c', fleetFile, ...rest];
  const { status, stdout, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8', timeout: 120_000 });
  return { status, stdout, stderr };
}

const hv1 = new Node('hv1');

beforeAll(async () => {
  await etcd.start();
  writeFileSync(
    fleetFile,
    stringify({ etcd: { endpoints: [etcd.endpoint] }, feed: { listen: `${address}:7179`, tls } }),
  );
  writer = await IntentWriter.open(client, 'default');
  await writer.commit(() => [...cloudWishes(), wish(portOf(1))], AUTHOR);
  feed = newFeed();
  await hv1.start();
});
afterAll(async () => {
  for (const source of sources) source.close();
  feed.close();
  client.close();
  await etcd.kill();
  removeDirectory(directory);
});

describe('status', () => {
  it("is a node's report under a lease, and silent for a node that never reported", async () => {
    await expect.poll(() => nodeNow('hv1'), PATIENCE).toMatchObject({ state: 'ok', behind: 0, applied: 1 });
    expect(await nodeNow('hv1')).toMatchObject({ status: { dataplane: 'ebpf', ports: 1, epoch: writer.head?.epoch } });
    expect(await nodeNow('hv2')).toMatchObject({ state: 'silent' });
    const { kvs } = await client.range({ key: Buffer.from(`${keys.status}hv1`) });
    expect((kvs[0] as { lease?: number } | undefined)?.lease).not.toBe(0);
    // Outside of what feeds watch.
    expect(keys.status.startsWith(keys.intent)).toBe(false);
    const { status, stdout } = fleet('status');
    expect(status).toBe(3);
    expect(stdout).toMatch(
      /^sequence 1, \d+ s ago by test\n2 nodes: 1 ok, 1 silent\nversions 0\.1\.0 \(1\); data planes ebpf \(1\)\n/,
    );
    expect(stdout).toMatch(/^hv2 +silent +- +- +- +- +- +no report within a day$/m);
  });

  it('shows how far a node is behind, and the latency of changes to its kernel', async () => {
    hv1.isStuck = true;
    await writer.commit(() => [wish(portOf(2))], AUTHOR);
    await writer.commit(() => [wish(portOf(3))], AUTHOR);
    await expect.poll(() => nodeNow('hv1'), PATIENCE).toMatchObject({ state: 'behind', behind: 2, applied: 1 });
    expect(fleet('status', 'hv1').stdout).toMatch(/^hv1: behind: 2 commits behind\n/);
    hv1.goOn();
    await expect.poll(() => nodeNow('hv1'), PATIENCE).toMatchObject({ state: 'ok', applied: 3 });
    await expect
      .poll(() => JSON.parse(fleet('top', '-j').stdout) as unknown, PATIENCE)
      .toMatchObject({
        latency: expect.arrayContaining([expect.objectContaining({ stage: 'whole', changes: 2 })]) as unknown,
      });
    expect(fleet('top').stdout).toMatch(/^written → applied +2 +≤ /m);
  });

  it('lists drift, pending objects and failures of all nodes', async () => {
    hv1.facts = {
      ...{
        ...hv1.facts,
        drift: 2,
        driftKinds: [{ kind: 'route', action: 'create', count: 2 }],
        waiting: 1,
        failures: 3,
      },
      doctor: {
        atMs: 1,
        ok: 1,
        warn: 0,
        fail: 1,
        checks: [{ name: 'uplink.mtu.eth0', status: 'fail', what: 'too small' }],
      },
    };
    await expect.poll(() => nodeNow('hv1'), PATIENCE).toMatchObject({ state: 'failing' });
    const { status, stdout } = fleet('drift');
    expect(status).toBe(3);
    for (const line of [
      'drift: route (create): hv1',
      'objects fail: hv1',
      'doctor: uplink.mtu.eth0: hv1',
      'no report within a day: hv2',
    ])
      expect(stdout).toContain(`1  ${line}\n`);
    hv1.facts = { ...NO_FACTS, startedMs: Date.now() };
    await expect.poll(() => nodeNow('hv1'), PATIENCE).toMatchObject({ state: 'ok' });
  });

  it('becomes stale after the loss of the node, but not of its feed', async () => {
    feed.close();
    const before = await nodeNow('hv1');
    expect(before).toMatchObject({ status: { ports: 3 } });
    // As it is two minutes later.
    const [stored] = (await client.range({ key: Buffer.from(`${keys.status}hv1`) })).kvs;
    const old = { ...(JSON.parse(stored?.value.toString() ?? '') as object), atMs: Date.now() - 300_000 };
    const seen = (await client.range({ key: Buffer.from(keys.seen), range_end: Buffer.from(`${keys.seen}~`) })).kvs;
    await client.txn({
      compare: [],
      success: [
        put(`${keys.status}hv1`, old),
        ...seen.map(({ key }) => put(key.toString(), { hv1: [Date.now() - 300_000, 3, 3] })),
      ],
    });
    expect(await nodeNow('hv1')).toMatchObject({ state: 'stale', why: 'no report for 5 min' });
    expect(fleet('drift').stdout).toContain('sequence 3; 0 of 2 nodes report\n');
    feed = newFeed();
    await expect.poll(() => nodeNow('hv1'), PATIENCE).toMatchObject({ state: 'ok' });
  });

  it("is accepted only from the certificate's node, complete and within limits", async () => {
    const report = async (node: string, shown: string, status: unknown): Promise<string> => {
      const connection = new FeedConnection({
        ...{ node: shown, feeds: [`${address}:7179`], tls: authority.issue(node, [`DNS:${node}`]), version: 'x' },
        has: () => ({ epoch: '', sequence: 0, digest: '' }),
        begun: () => undefined,
        update: () => undefined,
        lost: () => undefined,
      });
      connection.start();
      try {
        await connection.report(Buffer.from(typeof status === 'string' ? status : JSON.stringify(status)));
        return 'taken';
      } catch (error) {
        return (error as { details?: string }).details ?? String(error);
      } finally {
        connection.close();
      }
    };
    expect(await report('hv2', 'hv1', hv1.source.nodeStatus)).toMatch(
      /^status of node hv1: expected one of the certificate's names \(hv2\)/,
    );
    const hv2 = new Node('hv2');
    await hv2.start();
    await expect.poll(() => nodeNow('hv2'), PATIENCE).toMatchObject({ state: 'ok' });
    // Of one that follows: what is no status is not kept.
    const refused = [{}, 'x', { ...hv1.source.nodeStatus, ports: -1 }, 'x'.repeat(20_000)];
    for (const status of refused) {
      await expect.poll(() => report('hv2', 'hv2', status), PATIENCE).toMatch(/^status of node hv2: /);
    }
    expect(await nodeNow('hv2')).toMatchObject({ status: { ports: 0 } });
  });
});

describe('an operator', () => {
  const intent = (name: string, ...args: string[]): ReturnType<typeof fleet> => {
    const argv = [SEGUE_COMMAND, 'intent', name, '-c', fleetFile, ...args];
    const { status, stdout, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8', timeout: 120_000 });
    return { status, stdout, stderr };
  };

  it('drains a node with a reason in the history, whatever the file says', () => {
    expect(fleet('drain', 'hv1')).toMatchObject({ status: 2 });
    expect(fleet('drain', 'hv9', '--reason', 'x')).toMatchObject({
      status: 2,
      stderr: 'segue: node hv9: not in the intent\n',
    });
    expect(fleet('drain', 'hv1', '--reason', ' ')).toMatchObject({ status: 2 });
    const drained = fleet('drain', 'hv1', '--reason', 'new fan', '--author', 'ann');
    expect(drained).toMatchObject({
      status: 0,
      stderr: '',
      stdout: '~ node hv1  (drain: none → true)\nhv1: drains; sequence 4\n',
    });
    expect(intent('history', '4').stdout).toContain('  ann  0 added, 1 changed, 0 removed  drain hv1: new fan\n');
    writeFileSync(
      join(directory, 'intent.yaml'),
      stringify({ ...CLOUD, ports: [portOf(1)] }, { aliasDuplicateObjects: false }),
    );
    expect(intent('diff', '-f', join(directory, 'intent.yaml')).stdout).toBe('- port p2\n- port p3\n');
    expect(intent('export').stdout).not.toContain('drain');
    expect(intent('set', 'node', '{ name: hv1, locator: "fd00:5e:1::/48" }').stdout).not.toContain('drain');
    expect(intent('get', 'node', 'hv1').stdout).toContain('drain: true');
    expect(fleet('undrain', 'hv1', '--reason', 'done').stdout).toContain('~ node hv1  (drain: true → none)\n');
    expect(intent('get', 'node', 'hv1').stdout).not.toContain('drain');
  });

  it('disables a node: it takes no new ports, and is safe to reboot once its ports are gone', async () => {
    const disabled = fleet('disable', 'hv1', '--reason', 'kernel');
    expect(disabled.status).toBe(0);
    expect(disabled.stdout).toContain('  remaining: 3 ports: p1, p2, p3\n');
    expect(disabled.stdout).toMatch(/\nhv1: not safe to reboot yet\n$/);
    const port = JSON.stringify(portOf(9));
    expect(intent('set', 'port', port)).toMatchObject({ status: 2 });
    expect(intent('set', 'port', port).stderr).toMatch(
      /^intent: port p9: node: "hv1": expected a node that takes new ports: .* disabled this one \(kernel\)$/m,
    );
    // What is there may change.
    expect(intent('set', 'port', JSON.stringify(portOf(1, { addresses: ['10.0.0.99'] })))).toMatchObject({ status: 0 });
    expect(fleet('status').stdout).toMatch(/^hv1 .* disabled /m);
    expect(intent('delete', 'port', 'p1', 'p2', 'p3')).toMatchObject({ status: 0 });
    // Meanwhile feed and node go on, in this process.
    const waits = ['fleet', 'disable', '-c', fleetFile, 'hv1', '--reason', 'kernel', '--wait', '200'];
    const { stdout } = await promisify(execFile)(process.execPath, [SEGUE_COMMAND, ...waits]);
    expect(stdout).toMatch(/\nhv1: safe to reboot\n$/);
    expect(fleet('enable', 'hv1', '--reason', 'done')).toMatchObject({ status: 0 });
    expect(intent('set', 'port', port)).toMatchObject({ status: 0 });
    expect(intent('get', 'node', 'hv1').stdout).not.toContain('drain');
  });
});
