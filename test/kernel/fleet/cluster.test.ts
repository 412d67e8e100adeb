/**
 * Three members of a real etcd, a feed and a node: no failure of members loses, duplicates, reorders or splits an
 * acknowledged change.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Feed } from '../../../src/fleet/feed/feed.js';
import { FeedSource } from '../../../src/fleet/node/feed-source.js';
import { readFeedStatus } from '../../../src/fleet/node/status.js';
import { EtcdClient } from '../../../src/fleet/store/etcd-client.js';
import { IntentWriter } from '../../../src/fleet/store/writer.js';
import { Cluster, loopbackAddress, removeDirectory } from './etcd.js';
import { AUTHOR, authority, directory } from './fleet.js';
import { cloudWishes, portOf, wish } from './intent.js';
import { Proxy } from './proxy.js';
import { until } from './until.js';
import type { Intent } from '../../../src/intent/types.js';

/** Both of a commit's ports have this in their address: a change that came by half shows. */
const numberOf = (intent: Intent, name: string): number => {
  const [, b = 0, c = 0] =
    /^10\.0\.(\d+)\.(\d+)$/.exec(intent.ports.find((port) => port.name === name)?.addresses[0] ?? '') ?? [];
  return Number(b) * 100 + Number(c);
};

const pairOf = (n: number): ReturnType<typeof wish>[] => {
  const address = (half: number): string => `10.0.${half * 100 + Math.floor(n / 100)}.${(n % 100) + 2}`;
  return [wish(portOf(1, { addresses: [address(0)] })), wish(portOf(2, { addresses: [address(1)] }))];
};

describe('an etcd cluster of three members', () => {
  const place = join(directory, 'cluster');
  mkdirSync(place);
  const cluster = new Cluster(place, 3);
  const address = loopbackAddress();
  const proxy = new Proxy({ host: address, port: 7179 });
  const clients: EtcdClient[] = [];
  const seen: { n: number; other: number }[] = [];
  const errors: string[] = [];
  const run = join(place, 'run');
  let feed: Feed;
  let source: FeedSource;
  let writer: IntentWriter;
  let n = 0;
  /** Commits that were acknowledged. */
  const write = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      n += 1;
      await writer.commit(() => pairOf(n), AUTHOR);
    }
  };
  const isThere = (): boolean => seen.at(-1)?.n === n + 2;
  const open = async (): Promise<IntentWriter> => {
    const client = new EtcdClient(cluster.config());
    clients.push(client);
    return IntentWriter.open(client, 'default');
  };

  beforeAll(async () => {
    await cluster.start();
    writer = await open();
    await writer.commit(cloudWishes, AUTHOR);
    const tls = authority.issue('feed', [`IP:${address}`]);
    const config = { realm: 'default', etcd: cluster.config(), feed: { listen: `${address}:7179`, tls } };
    feed = new Feed(config, pino({ level: 'silent' }));
    void feed.run();
    const port = await proxy.listen(address);
    source = new FeedSource({
      config: {
        ...{ node: 'hv1', uplinks: ['eth0'], dataplane: 'ebpf', xdp: 'auto', behaviours: ['dt46'] },
        intent: join(place, 'hv1.json'),
        feeds: { endpoints: [`${address}:${port}`], tls: authority.issue('hv1', ['DNS:hv1']) },
      },
      configFile: 'node.yaml',
      runDirectory: run,
    });
    await write(1);
    await source.start((event) => {
      if (event.type === 'error') errors.push(event.error.message);
      else {
        const [one, two] = [numberOf(event.intent, 'p1'), numberOf(event.intent, 'p2') - 100 * 100];
        if (event.intent.ports.length > 0) seen.push({ n: one, other: two });
      }
    });
    await until('the first', isThere);
  });
  afterAll(async () => {
    source.close();
    feed.close();
    proxy.close();
    for (const client of clients) client.close();
    await cluster.kill();
    removeDirectory(directory);
  });

  /** Of all that the node was given. */
  const expectWhole = (): void => {
    expect(seen.filter(({ n: one, other }) => one !== other)).toEqual([]);
    const numbers = seen.map(({ n: one }) => one);
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
    expect(numbers.at(-1)).toBe(n + 2);
  };

  it('delivers all changes after its leader is killed', async () => {
    const leader = await cluster.leader();
    const writing = write(40);
    await sleep(50);
    await leader.kill();
    await writing;
    await until('what was written', isThere);
    await leader.start();
    await write(5);
    await until('the rest', isThere);
    expectWhole();
  });

  it('delivers all changes after its leader is suspended and resumed', async () => {
    const leader = await cluster.leader();
    const writing = write(20);
    await sleep(50);
    leader.signal('SIGSTOP');
    await writing;
    await until('what was written', isThere);
    leader.signal('SIGCONT');
    await write(5);
    await until('the rest', isThere);
    expectWhole();
  });

  it('accepts no write without two members: the node reports it, works on, and gets all changes later', async () => {
    const leader = await cluster.leader();
    const [one, two] = cluster.members.filter((member) => member !== leader);
    one?.signal('SIGSTOP');
    two?.signal('SIGSTOP');
    await until('the news', () => (readFeedStatus(run)?.behindMs ?? 0) > 0);
    const before = n;
    expect(seen.at(-1)?.n).toBe(before + 2);
    one?.signal('SIGCONT');
    two?.signal('SIGCONT');
    writer = await open();
    await write(10);
    await until('what was written', isThere);
    await until('the good news', () => readFeedStatus(run)?.behindMs === undefined);
    expectWhole();
  });

  it('delivers all changes when the stream to the node is cut at any byte', async () => {
    // The handshake is some 2,000 bytes: cut in it, in the first message, and between and in those that follow. SEGUE_CUTS=1: at every byte.
    const step = Number(process.env.SEGUE_CUTS ?? 577);
    for (let at = 1; at < 6000; at += step) {
      const cuts = proxy.cuts;
      proxy.cutAfter = at;
      proxy.cutAll();
      await until(`cut at ${at}`, async () => {
        await write(1);
        return proxy.cuts > cuts;
      });
      proxy.cutAfter = undefined;
    }
    await until('what was written', isThere);
    expectWhole();
    expect(errors).toEqual([]);
  });
});
