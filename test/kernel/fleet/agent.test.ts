/**
 * Agent processes that get their intent from a feed: a change in etcd reaches the data plane, and no failure costs a
 * packet.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { SEGUE_COMMAND } from '../../../lab/paths.js';
import { Background } from '../../../lab/process.js';
import { useNetwork } from '../../netns/lib/network.js';
import { selftestTopology } from '../../netns/lib/topologies.js';
import { Authority, Etcd, loopbackAddress, newDirectory, removeDirectory } from './etcd.js';

const START_MS = 120_000;

describe('agents of a fleet', () => {
  const network = useNetwork(selftestTopology({ dataplane: { hv1: 'ebpf', hv2: 'ebpf' } }), () => Promise.resolve());
  const directory = newDirectory();
  const authority = new Authority(directory);
  const etcd = new Etcd(directory);
  const address = loopbackAddress();
  const fleet = join(directory, 'fleet.yaml');
  const running = new Set<Background>();
  const start = (...args: string[]): Background => {
    const process_ = new Background(undefined, [process.execPath, SEGUE_COMMAND, ...args]);
    running.add(process_);
    return process_;
  };
  const kill = async (process_: Background): Promise<void> => {
    running.delete(process_);
    await process_.stop('SIGKILL');
  };
  const segue = (...args: string[]): { status: number | null; stdout: string; stderr: string } => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [SEGUE_COMMAND, ...args], { encoding: 'utf8' });
    return { status, stdout, stderr };
  };
  const startFeed = async (): Promise<Background> => {
    const feed = start('feed', '-c', fleet);
    await feed.waitFor(/following etcd/, START_MS);
    return feed;
  };
  const nodeFile = (name: string): string => join(directory, `${name}.yaml`);
  const startAgent = async (name: string): Promise<Background> => {
    const agent = start('agent', '-c', nodeFile(name), '--sweep', '3600');
    await agent.waitFor(/converged on the intent/, START_MS);
    return agent;
  };
  const reaches = async (): Promise<boolean> => (await network.ping('t100-1', '10.0.0.2', { count: 1 })).received === 1;
  const whenReached = (is: boolean): Promise<void> => expect.poll(reaches, { timeout: START_MS }).toBe(is);
  let feed: Background;
  let hv1: Background;

  beforeAll(async () => {
    await etcd.start();
    const tls = authority.issue('feed', [`IP:${address}`]);
    writeFileSync(fleet, stringify({ etcd: { endpoints: [etcd.endpoint] }, feed: { listen: `${address}:7179`, tls } }));
    const files = network.files();
    for (const name of ['hv1', 'hv2']) {
      const node = parse(readFileSync(files.nodes.get(name) ?? '', 'utf8')) as { node: string; intent: unknown };
      const own = authority.issue(name, [`DNS:${node.node}`]);
      writeFileSync(
        nodeFile(name),
        stringify({ ...node, intent: { feeds: [`${address}:7179`], tls: own, cache: `${name}.json` } }),
      );
    }
    expect(segue('intent', 'apply', '-c', fleet, '-f', files.intent)).toMatchObject({ status: 0, stderr: '' });
    feed = await startFeed();
    [hv1] = await Promise.all([startAgent('hv1'), startAgent('hv2')]);
  });
  afterAll(async () => {
    for (const one of running) await one.stop('SIGKILL');
    await etcd.kill();
    removeDirectory(directory);
  });

  it('forward according to etcd, and follow its changes', async () => {
    await whenReached(true);
    const name = network.intent().ports.find(({ addresses }) => addresses.includes('10.0.0.2'))?.name ?? '';
    expect(segue('intent', 'delete', '-c', fleet, 'port', name)).toMatchObject({ status: 0 });
    await whenReached(false);
    expect(segue('intent', 'rollback', '-c', fleet, '1')).toMatchObject({ status: 0 });
    await whenReached(true);
    // Commands read what the feed told, from disk.
    // Packets arrive before the agent has made the last of it.
    await expect
      .poll(() => segue('diff', '-c', nodeFile('hv1')), { timeout: 60_000 })
      .toMatchObject({ status: 0, stderr: '' });
    expect(segue('doctor', '-j', '-c', nodeFile('hv1')).stdout).toMatch(
      /"agent.feed","status":"ok","what":"feed 127[^"]*, sequence 3"/,
    );
  });

  it('lose no packet when etcd, the feed and an agent are killed, and boot from disk', async () => {
    const pings = network.ping('t100-1', '10.0.0.2', { count: 600, args: ['-i', '0.02'] });
    await etcd.kill();
    await kill(feed);
    await kill(hv1);
    hv1 = await startAgent('hv1');
    expect(await pings).toMatchObject({ sent: 600, received: 600 });
    expect(segue('doctor', '-j', '-c', nodeFile('hv1')).stdout).toMatch(
      /"agent.feed","status":"warn","what":"no feed has answered for/,
    );
    // What was changed meanwhile comes once they are back.
    await etcd.start();
    const tenants = network.intent().ports.filter(({ addresses }) => addresses.includes('10.0.0.2'));
    expect(segue('intent', 'delete', '-c', fleet, 'port', tenants[0]?.name ?? '')).toMatchObject({ status: 0 });
    feed = await startFeed();
    await whenReached(false);
    expect(segue('intent', 'rollback', '-c', fleet, '3')).toMatchObject({ status: 0 });
    await whenReached(true);
  });
});
