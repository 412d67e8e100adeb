/** Feeds and nodes of different versions: the sources of an earlier commit and the present ones, with a real etcd. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { authority, directory, Fleet, Node } from './fleet.js';
import { removeDirectory } from './etcd.js';
import { until } from './until.js';
import type * as FeedModule from '../../../src/fleet/feed/feed.js';
import type * as SourceModule from '../../../src/fleet/node/feed-source.js';

/** "fleet simulate: measured small and under load": feeds and nodes before sessions were resumed. */
const EARLIER = '6bef7f5';
const ROOT = new URL('../../..', import.meta.url).pathname;

const old = join(directory, 'earlier');
let earlier: Pick<typeof FeedModule, 'Feed'> & Pick<typeof SourceModule, 'FeedSource'>;
let fleet: Fleet;

beforeAll(async () => {
  mkdirSync(old);
  const files = execFileSync('git', ['-C', ROOT, 'archive', EARLIER, 'src', 'package.json', 'tsconfig.json'], {
    maxBuffer: 2 ** 28,
  });
  execFileSync('tar', ['-x', '-C', old], { input: files });
  symlinkSync(join(ROOT, 'node_modules'), join(old, 'node_modules'));
  const [{ Feed }, { FeedSource }] = (await Promise.all([
    import(/* @vite-ignore */ join(old, 'src/fleet/feed/feed.ts')),
    import(/* @vite-ignore */ join(old, 'src/fleet/node/feed-source.ts')),
  ])) as [typeof FeedModule, typeof SourceModule];
  earlier = { Feed, FeedSource };
  expect(Object.keys(Object.getOwnPropertyDescriptors(FeedSource.prototype))).not.toContain('connections');
  fleet = await new Fleet().start();
}, 300_000);
afterAll(async () => {
  await fleet.end();
  removeDirectory(directory);
});

const follows = async (node: Node, first: number): Promise<void> => {
  await fleet.port(first, { node: node.name });
  await node.start();
  await until('the part', () => node.isAt(fleet));
  await fleet.port(first + 1, { node: node.name });
  await until('a change', () => node.isAt(fleet));
  await fleet.writer.commit(() => [{ key: `port/red/p${first}` }], { author: 'test', reason: '' });
  await until('a port that goes', () => node.isAt(fleet));
  expect(node.errors).toEqual([]);
};

it('an older node follows a newer feed, so feeds are upgraded first', async () => {
  const feed = fleet.feed(0);
  const node = new Node(fleet.directory, 'hv1', fleet.addresses.slice(0, 1), authority.issue('hv1', ['DNS:hv1']), {
    source: earlier.FeedSource,
  });
  await follows(node, 1);
  // A key that it does not know: nothing of the commit is taken, nor of those after it, until the key is gone again.
  await fleet.port(2, { node: 'hv1', icmpRate: 10 });
  await until('the refusal', () => node.status()?.refused !== undefined);
  expect(node.status()?.refused).toContain('icmpRate');
  await fleet.port(3, { node: 'hv1' });
  await until('the sequence', () => node.status()?.sequence === fleet.writer.head?.sequence);
  expect(node.ports).toEqual(['p2']);
  await fleet.port(2, { node: 'hv1' });
  await until('all of it', () => node.isAt(fleet));
  expect(node.ports).toEqual(['p2', 'p3']);
  expect(node.status()?.refused).toBeUndefined();
  node.source.close();
  feed.close();
});

it('a newer node follows an older feed', async () => {
  const [, address = ''] = fleet.addresses;
  const tls = authority.issue('feed', [`IP:${address}`]);
  const config = { realm: 'default', etcd: fleet.etcd.config(), feed: { listen: `${address}:7179`, tls } };
  const feed = new earlier.Feed(config, pino({ level: 'silent' }));
  void feed.run();
  const node = new Node(fleet.directory, 'hv2', [address], authority.issue('hv2', ['DNS:hv2']));
  await follows(node, 10);
  node.source.close();
  feed.close();
});
