/** The intent in a real etcd: commits of writers, and recovery from partial commits, conflicts and cut connections. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CheckedIntent } from '../../../src/fleet/check/checked-intent.js';
import { RealmKeys } from '../../../src/fleet/keys.js';
import { del, isAt, opsOf, put } from '../../../src/fleet/store/commit.js';
import { EtcdClient } from '../../../src/fleet/store/etcd-client.js';
import { readHistory } from '../../../src/fleet/store/history.js';
import { readHead, readRealm } from '../../../src/fleet/store/realm.js';
import { IntentWriter } from '../../../src/fleet/store/writer.js';
import { Etcd, newDirectory, removeDirectory } from './etcd.js';
import { cloudWishes, portOf, wish } from './intent.js';
import type { HistoryPart } from '../../../src/fleet/types.js';

const directory = newDirectory();
const etcd = new Etcd(directory);
const AUTHOR = { author: 'test', reason: 'because' };
const clients: EtcdClient[] = [];

function newClient(): EtcdClient {
  const client = new EtcdClient(etcd.config());
  clients.push(client);
  return client;
}

/** A writer of a realm that holds the cloud. */
async function setUp(realm: string): Promise<IntentWriter> {
  const writer = await IntentWriter.open(newClient(), realm);
  await writer.commit(cloudWishes, AUTHOR);
  return writer;
}

async function stateOf(realm: string) {
  const state = await readRealm(newClient(), new RealmKeys(realm));
  if (state === undefined) throw new Error(`${realm}: nothing`);
  return state;
}

beforeAll(async () => {
  await etcd.start();
});
afterAll(async () => {
  for (const client of clients) client.close();
  await etcd.kill();
  removeDirectory(directory);
});

describe('IntentWriter', () => {
  it('commits differences with author and reason, and refuses what a file may not contain', async () => {
    const writer = await setUp('one');
    await writer.commit(() => [wish(portOf(1))], { author: 'ann', reason: 'a VM' });
    await expect(writer.commit(() => [wish(portOf(2, { addresses: ['10.0.0.11'] }))], AUTHOR)).rejects.toThrow(
      'intent: port p2: addresses[0]: "10.0.0.11": expected an address given once in tenant red; port p1 has it',
    );
    expect(await writer.commit(() => [wish(portOf(1))], AUTHOR)).toEqual({ sequence: 2, changes: [] });
    const { head, entities } = await stateOf('one');
    expect(head).toMatchObject({ sequence: 2, author: 'ann', reason: 'a VM', changes: 1 });
    expect(entities.get('port/red/p1')).toEqual(portOf(1));
    expect(entities.has('port/red/p2')).toBe(false);
    const history = await readHistory(newClient(), new RealmKeys('one'), 1, 9);
    expect(history.map(({ sequence, author, changes }) => [sequence, author, changes.length])).toEqual([
      [1, 'test', 5],
      [2, 'ann', 1],
    ]);
  });

  it('commits one of two conflicting changes, and every state is valid', async () => {
    await setUp('two');
    const keys = new RealmKeys('two');
    const writers = await Promise.all([1, 2, 3].map(async () => IntentWriter.open(newClient(), 'two')));
    // Six addresses and four interfaces for eight names: most wishes exclude others.
    const tries = 120;
    const outcomes = await Promise.all(
      writers.map(async (writer, w) => {
        const outcome = { committed: 0, refused: 0 };
        for (let i = 0; i < tries; i++) {
          const n = (i * 7 + w * 3) % 8;
          const port = portOf(n, {
            node: `hv${1 + (i % 2)}`,
            addresses: [`10.0.0.${10 + ((i + w) % 6)}`],
            interface: `tap${(i * w) % 4}`,
          });
          const change = i % 5 === 4 ? { key: `port/red/p${n}` } : wish(port);
          try {
            const { changes } = await writer.commit(() => [change], { author: `w${w}`, reason: String(i) });
            if (changes.length > 0) outcome.committed += 1;
          } catch (error) {
            expect((error as Error).name).toBe('IntentError');
            outcome.refused += 1;
          }
        }
        return outcome;
      }),
    );
    for (const { committed, refused } of outcomes) {
      expect(committed).toBeGreaterThan(5);
      expect(refused).toBeGreaterThan(5);
    }
    // From the first to the last each commit led from a valid whole to a valid whole, and nothing else happened.
    const { head, entities } = await stateOf('two');
    const history = await readHistory(newClient(), keys, 1, head.sequence);
    expect(history.map(({ sequence }) => sequence)).toEqual(Array.from({ length: head.sequence }, (_, i) => i + 1));
    expect(history.length).toBe(1 + outcomes.reduce((sum, { committed }) => sum + committed, 0));
    const replayed = new CheckedIntent();
    for (const { changes } of history) {
      for (const { key, before } of changes) expect(replayed.entities.get(key)).toEqual(before);
      replayed.follow(changes);
      replayed.checkWhole();
    }
    expect(Object.fromEntries(replayed.entities)).toEqual(Object.fromEntries(entities));
  });

  it('splits a large change into many transactions of one commit', async () => {
    const writer = await setUp('large');
    const ports = Array.from({ length: 450 }, (_, n) => wish(portOf(n)));
    const keys = new RealmKeys('large');
    const client = newClient();
    // Whoever reads meanwhile sees none of it, or all.
    let isDone = false;
    const seen = new Set<number>();
    const reader = (async () => {
      while (!isDone)
        seen.add([...(await readRealm(client, keys))!.entities.keys()].filter((key) => key.startsWith('port/')).length);
    })();
    const { sequence } = await writer.commit(() => ports, AUTHOR);
    isDone = true;
    await reader;
    expect(sequence).toBe(2);
    expect([...seen].filter((count) => count !== 0 && count !== 450)).toEqual([]);
    const { entities, head } = await stateOf('large');
    expect([...entities.keys()].filter((key) => key.startsWith('port/'))).toHaveLength(450);
    expect(head).not.toHaveProperty('pending');
    const [, commit] = await readHistory(client, keys, 1, 2);
    expect(commit?.parts).toBe(5);
    expect(commit?.changes).toHaveLength(450);
  });

  it("reverts a dead writer's partial commit once its lock has expired", async () => {
    await setUp('half');
    const keys = new RealmKeys('half');
    const client = newClient();
    const { head, modRevision } = await readHead(client, keys);
    // What a writer leaves that is killed between two transactions: a lock that nobody keeps, the pending head, one part.
    const lock = `${keys.locks}dead`;
    const pending = { sequence: 2, id: 'dead', author: 'dead', reason: '', lock };
    const lease = await client.grantLease(2);
    const begun = await client.txn({
      compare: [isAt(keys.head, modRevision)],
      success: [put(lock, {}, lease), put(keys.head, { ...head, pending })],
    });
    const changes = [
      { key: 'port/red/p1', after: portOf(1) },
      { key: 'tenant/blue', before: (await stateOf('half')).entities.get('tenant/blue')! },
    ];
    const part: HistoryPart = { sequence: 2, id: 'dead', author: 'dead', reason: '', timeMs: 0, part: 0, changes };
    await client.txn({
      compare: [isAt(keys.head, begun.header.revision)],
      success: [...opsOf(keys, changes), put(keys.historyOf(2, 0), part)],
    });
    expect([...(await stateOf('half')).entities.keys()]).toContain('tenant/blue');
    const writer = await IntentWriter.open(newClient(), 'half');
    expect(writer.head).toMatchObject({ sequence: 1 });
    await writer.commit(() => [wish(portOf(3))], AUTHOR);
    const after = await stateOf('half');
    expect([...after.entities.keys()].filter((key) => /blue|port/.test(key)).sort()).toEqual([
      'port/red/p3',
      'tenant/blue',
    ]);
    expect(after.head).not.toHaveProperty('pending');
    expect((await readHistory(client, keys, 2, 2)).map(({ author }) => author)).toEqual(['test']);
  });

  it('refuses to continue after a foreign write until the state is accepted', async () => {
    const writer = await setUp('past');
    const client = newClient();
    await client.txn({ compare: [], success: [put('/segue/v1/past/intent/port/red/x', portOf(7, { name: 'x' }))] });
    await expect(IntentWriter.open(newClient(), 'past')).rejects.toThrow('changed by something other than segue');
    await IntentWriter.renew(client, 'past', AUTHOR);
    await writer.refresh();
    expect(writer.checked.entities.has('port/red/x')).toBe(true);
    // What is wrong in itself is not taken.
    await client.txn({ compare: [], success: [put('/segue/v1/past/intent/port/red/y', portOf(7, { name: 'y' }))] });
    await expect(IntentWriter.renew(client, 'past', AUTHOR)).rejects.toThrow(
      'a MAC address no other port of tenant red has',
    );
    await client.txn({ compare: [], success: [del('/segue/v1/past/intent/port/red/y')] });
    expect((await IntentWriter.open(newClient(), 'past')).head?.sequence).toBe(2);
  });

  it('continues after etcd was killed, and recognises its own commits', async () => {
    const writer = await setUp('killed');
    await writer.commit(() => [wish(portOf(1))], AUTHOR);
    await etcd.kill();
    const waiting = writer.commit(() => [wish(portOf(2))], AUTHOR);
    await etcd.start();
    await waiting;
    await writer.commit(() => [wish(portOf(3))], AUTHOR);
    const history = await readHistory(newClient(), new RealmKeys('killed'), 1, 99);
    expect(history.map(({ changes }) => changes.length)).toEqual([5, 1, 1, 1]);
  });
});
