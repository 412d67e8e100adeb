/** Feeds between a real etcd and node sources: each node gets its part, and recovers from each fault. */
import { execFileSync } from 'node:child_process';
import { existsSync, renameSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { readCache } from '../../../src/fleet/node/cache.js';
import { put, del } from '../../../src/fleet/store/commit.js';
import { IntentWriter } from '../../../src/fleet/store/writer.js';
import { Authority, program, removeDirectory } from './etcd.js';
import { AUTHOR, authority, directory, Fleet } from './fleet.js';
import { portOf, wish } from './intent.js';
import { until } from './until.js';

const fleets: Fleet[] = [];
async function newFleet(): Promise<Fleet> {
  const fleet = new Fleet();
  fleets.push(fleet);
  return fleet.start();
}

beforeAll(() => {
  expect(existsSync('/dev/shm')).toBe(true);
});
afterEach(async () => {
  for (const fleet of fleets.splice(0)) await fleet.end();
});
afterAll(() => {
  removeDirectory(directory);
});

describe('a feed', () => {
  it('sends each node its part, change by change', async () => {
    const fleet = await newFleet();
    fleet.feed();
    await fleet.port(1);
    const [hv1, hv2] = [fleet.node('hv1'), fleet.node('hv2')];
    await Promise.all([hv1.start(), hv2.start()]);
    await until('first parts', () => hv1.isAt(fleet) && hv2.isAt(fleet));
    expect(hv1.ports).toEqual(['p1']);
    expect(hv2.ports).toEqual([]);
    await fleet.port(2, { node: 'hv2' });
    await until('a tenant that comes', () => hv1.isAt(fleet) && hv2.isAt(fleet));
    // hv2 hears of p1 as of a port elsewhere.
    expect(hv2.intent?.ports.find(({ name }) => name === 'p1')).toMatchObject({ interface: '', mac: '' });
    // A MAC address that stood for what hv2 is not told may be a port's own.
    await fleet.port(4, { node: 'hv2', mac: 'ee:00:00:00:00:01' });
    await until('a port with it', () => hv2.isAt(fleet));
    expect(hv2.errors).toEqual([]);
    await fleet.writer.commit(() => [{ key: 'port/red/p4' }], AUTHOR);
    await until('it goes', () => hv1.isAt(fleet) && hv2.isAt(fleet));
    const heard = hv2.events.length;
    await fleet.port(3, { tenant: 'blue' });
    await fleet.writer.commit(() => [{ key: 'port/red/p1' }], AUTHOR);
    await until('a port that goes', () => hv1.isAt(fleet) && hv2.isAt(fleet));
    // Of blue, which it does not have, hv2 hears nothing; p1 takes hv1 away with it.
    expect(hv2.events.slice(heard)).toHaveLength(1);
    expect(hv2.events.at(-1)).toMatchObject({ type: 'change', named: true });
    expect(hv1.errors).toEqual([]);
  });

  it('sends nothing to a client whose certificate has another name', async () => {
    const fleet = await newFleet();
    await fleet.port(1);
    fleet.feed();
    const stranger = new Authority(directory, 'stranger');
    const mixed = { ...stranger.issue('hv1', ['DNS:hv1']), ca: authority.ca };
    const nodes = [
      fleet.node('hv1', authority.issue('hv1')),
      fleet.node('hv1', authority.issue('hv2', ['DNS:hv2'])),
      fleet.node('hv1', mixed),
    ];
    await Promise.all(nodes.map((node) => node.start()));
    for (const node of nodes) {
      expect(node.intent).toBeUndefined();
      expect(node.errors).toHaveLength(1);
    }
    expect(nodes[0]?.errors[0]).toContain("node hv1: expected one of the certificate's names ()");
    expect(nodes[1]?.errors[0]).toContain("node hv1: expected one of the certificate's names (hv2)");
    // Nor does a node believe a feed of another CA.
    const other = fleet.node('hv1', { ...authority.issue('hv1', ['DNS:hv1']), ca: stranger.ca });
    await other.start();
    expect(other.intent).toBeUndefined();
  });

  it('may fail: its nodes continue from the next feed and from disk', async () => {
    const fleet = await newFleet();
    await fleet.port(1);
    const feeds = [fleet.feed(0), fleet.feed(1)];
    const node = fleet.node('hv1', undefined, 2);
    await node.start();
    await until('the part', () => node.isAt(fleet));
    for (const [i, feed] of feeds.entries()) {
      feed.close();
      await fleet.port(10 + i);
      // Whichever the node was with: the other one tells it.
      if (i === 0) await until('the other feed', () => node.isAt(fleet));
    }
    await until('the loss', () => node.status()?.lostSinceMs !== undefined);
    expect(node.ports).toEqual(['p1', 'p10']);
    node.source.close();
    // Without any feed a node begins with what it had.
    const again = fleet.node('hv1', undefined, 2);
    await again.start();
    expect(again.events[0]?.type).toBe('snapshot');
    expect(again.ports).toEqual(['p1', 'p10']);
    const snapshots = again.events.length;
    fleet.feed(0);
    await until('the first feed', () => again.isAt(fleet));
    expect(again.events.slice(snapshots)).toHaveLength(1);
    again.source.close();
    // A cache that was cut off is none.
    truncateSync(again.config.intent, 300);
    expect(() => readCache(again.config.intent, 'hv1')).toThrow('truncated or altered');
    const bare = fleet.node('hv1');
    await bare.start();
    await until('all of it', () => bare.isAt(fleet));
  });
});

describe('a feed after its etcd', () => {
  it('was killed continues from its last state', async () => {
    const fleet = await newFleet();
    fleet.feed();
    const node = fleet.node('hv1');
    await node.start();
    await fleet.port(1);
    await until('the port', () => node.isAt(fleet));
    await fleet.etcd.kill();
    await until('the loss', () => (node.status()?.behindMs ?? 0) > 0);
    expect(node.ports).toEqual(['p1']);
    await fleet.etcd.start();
    await fleet.port(2);
    await until('the next port', () => node.isAt(fleet));
    const changes = node.events.filter(({ type }) => type === 'change');
    expect(changes).toHaveLength(2);
    expect(node.errors).toEqual([]);
  });

  it('was compacted sends only the differences', async () => {
    const fleet = await newFleet();
    await Promise.all([fleet.port(1), fleet.port(2)].map((done) => done.catch(() => undefined)));
    fleet.feed();
    const node = fleet.node('hv1');
    await node.start();
    await until('the ports', () => node.isAt(fleet));
    // A feed that hangs while the store moves on: its process would be stopped; here its etcd is, for it alone.
    fleet.etcd.signal('SIGSTOP');
    await until('the loss', () => (node.status()?.behindMs ?? 0) > 0);
    fleet.etcd.signal('SIGCONT');
    const other = await IntentWriter.open(fleet.client(), 'default');
    for (let n = 20; n < 40; n++) await other.commit(() => [wish(portOf(n))], AUTHOR);
    await other.commit(() => [{ key: 'port/red/p1' }], AUTHOR);
    const revision = (await fleet.client().range({ key: Buffer.from('x') })).header.revision;
    fleet.etcd.ctl(['compact', String(revision), '--physical']);
    await fleet.writer.refresh();
    await until('the difference', () => node.isAt(fleet));
    expect(node.ports).not.toContain('p1');
    expect(node.errors).toEqual([]);
  });

  it('was restored from a backup retains its state until an operator accepts the backup', async () => {
    const fleet = await newFleet();
    await fleet.port(1);
    const backup = join(fleet.directory, 'backup');
    fleet.etcd.ctl(['snapshot', 'save', backup]);
    await fleet.port(2);
    fleet.feed();
    const node = fleet.node('hv1');
    await node.start();
    await until('the ports', () => node.isAt(fleet));
    await fleet.etcd.kill();
    renameSync(fleet.etcd.data, `${fleet.etcd.data}.old`);
    const { peer, data } = fleet.etcd;
    const restore = [
      '--name',
      'm',
      '--initial-cluster',
      `m=${peer}`,
      '--initial-advertise-peer-urls',
      peer,
      '--data-dir',
      data,
    ];
    const env = { ...process.env, ETCDCTL_API: '3' };
    execFileSync(
      program('etcdctl'),
      ['snapshot', 'restore', backup, ...restore, '--initial-cluster-token', 'restored'],
      {
        env,
        stdio: 'pipe',
      },
    );
    await fleet.etcd.start();
    await until('the refusal', () => node.status()?.held !== undefined);
    expect(node.status()?.held).toContain('not followed until segue intent renew');
    expect(node.ports).toEqual(['p1', 'p2']);
    await expect(IntentWriter.open(fleet.client(), 'default')).rejects.toThrow('as after a restored backup');
    await IntentWriter.renew(fleet.client(), 'default', AUTHOR);
    fleet.writer = await IntentWriter.open(fleet.client(), 'default');
    await until('the backup', () => node.isAt(fleet));
    expect(node.ports).toEqual(['p1']);
  });

  it('was written without segue sends nothing until the store is valid again', async () => {
    const fleet = await newFleet();
    fleet.feed();
    const node = fleet.node('hv1');
    await node.start();
    await fleet.port(1);
    await until('the port', () => node.isAt(fleet));
    const client = fleet.client();
    const poison = '/segue/v1/default/intent/port/red/bad';
    await client.txn({
      compare: [],
      success: [put(poison, { ...portOf(1, { name: 'bad' }), addresses: ['not an address'] })],
    });
    await fleet.port(2);
    await until('the refusal', () => node.status()?.held !== undefined);
    expect(node.ports).toEqual(['p1']);
    await client.txn({ compare: [], success: [del(poison)] });
    await until('the next port', () => node.isAt(fleet));
    await until('the news', () => node.status()?.held === undefined);
  });

  it('stored half of a commit sends none of it', async () => {
    const fleet = await newFleet();
    fleet.feed();
    const node = fleet.node('hv1');
    await node.start();
    await until('the cloud', () => node.isAt(fleet));
    const before = node.events.length;
    await fleet.writer.commit(() => Array.from({ length: 300 }, (_, n) => wish(portOf(n))), AUTHOR);
    await until('all ports', () => node.isAt(fleet));
    expect(node.events.slice(before)).toHaveLength(1);
  });
});
