/** Writers that die, or lose their connection, between any two transactions of a commit: it is in the store as a whole, or not at all. */
import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { SEGUE_COMMAND } from '../../../lab/paths.js';
import { Background } from '../../../lab/process.js';
import { CheckedIntent } from '../../../src/fleet/check/checked-intent.js';
import { RealmKeys, endOf } from '../../../src/fleet/keys.js';
import { EtcdClient } from '../../../src/fleet/store/etcd-client.js';
import { readHistory } from '../../../src/fleet/store/history.js';
import { RealmFollower } from '../../../src/fleet/store/realm-follower.js';
import { readHead, readRealm } from '../../../src/fleet/store/realm.js';
import { IntentWriter } from '../../../src/fleet/store/writer.js';
import { Etcd, newDirectory, removeDirectory } from './etcd.js';
import { FaultyClient, Killed } from './faulty-client.js';
import { CLOUD, cloudWishes, portOf, wish } from './intent.js';
import { until } from './until.js';
import type { Fault } from './faulty-client.js';

/** Ports of a commit of three transactions, with one before them and one after. */
const PORTS = 250;
const TRANSACTIONS = 5;
const CLOUD_ENTITIES = cloudWishes().length;
const AUTHOR = { author: 'test', reason: '' };

const directory = newDirectory();
const etcd = new Etcd(directory);
const opened: { close: () => void }[] = [];

const client = (): EtcdClient => {
  const made = new EtcdClient(etcd.config());
  opened.push(made);
  return made;
};
const faulty = (): FaultyClient => {
  const made = new FaultyClient(etcd.config());
  opened.push(made);
  return made;
};

let realms = 0;

/** A realm with the cloud, and what a feed sees of its ports: their number after each commit. */
async function setUp(): Promise<{ realm: string; keys: RealmKeys; seen: number[] }> {
  const realm = `r${++realms}`;
  const writer = await IntentWriter.open(client(), realm);
  await writer.commit(cloudWishes, AUTHOR);
  const seen: number[] = [];
  const held = new CheckedIntent();
  const follower = new RealmFollower(client(), realm, {
    commit: (changes) => {
      held.follow(changes);
      seen.push(held.index.portCount);
    },
    status: () => undefined,
  });
  void follower.run();
  opened.push(follower);
  await until('the follower', () => seen.length === 1);
  return { realm, keys: new RealmKeys(realm), seen };
}

const manyPorts = (): ReturnType<typeof wish>[] => Array.from({ length: PORTS }, (_, n) => wish(portOf(n)));

/** The ports of the store, which must be what its commits wrote, and nothing else. */
async function portsOf(realm: string): Promise<number> {
  const keys = new RealmKeys(realm);
  const state = await readRealm(client(), keys);
  const { head } = await readHead(client(), keys);
  expect(head).not.toHaveProperty('pending');
  const replayed = new CheckedIntent();
  const history = await readHistory(client(), keys, 1, 99);
  expect(history.map(({ sequence }) => sequence)).toEqual(Array.from({ length: head?.sequence ?? 0 }, (_, i) => i + 1));
  for (const { changes } of history) replayed.follow(changes);
  replayed.checkWhole();
  expect(Object.fromEntries(replayed.entities)).toEqual(Object.fromEntries(state?.entities ?? []));
  const locks = await client().range({ key: Buffer.from(keys.locks), range_end: endOf(keys.locks) });
  expect(locks.kvs).toEqual([]);
  return replayed.index.portCount;
}

beforeAll(() => etcd.start());
afterEach(() => {
  for (const one of opened.splice(0)) one.close();
});
afterAll(async () => {
  await etcd.kill();
  removeDirectory(directory);
});

describe('a writer killed between two transactions', () => {
  it.each([1, 2, 3, 4, 5, 6])('before transaction %i of a large commit: the next writer reverts it', async (at) => {
    const { realm, seen } = await setUp();
    const dying = faulty();
    const writer = await IntentWriter.open(dying, realm);
    dying.failing((n) => (n >= at ? 'killed' : undefined));
    const commit = writer.commit(manyPorts, AUTHOR);
    if (at > TRANSACTIONS) await commit;
    else await expect(commit).rejects.toThrow(Killed);
    await (await IntentWriter.open(client(), realm)).commit(() => [wish(portOf(300))], AUTHOR);
    const whole = at > TRANSACTIONS ? PORTS : 0;
    expect(await portsOf(realm)).toBe(whole + 1);
    await until('the last commit', () => seen.at(-1) === whole + 1);
    expect(seen).toEqual(whole === 0 ? [0, 1] : [0, whole, whole + 1]);
  });

  it('while it reverts the commit of another: the next one continues', async () => {
    const { realm, seen } = await setUp();
    const dying = faulty();
    const writer = await IntentWriter.open(dying, realm);
    dying.failing((n) => (n === TRANSACTIONS ? 'killed' : undefined));
    await expect(writer.commit(manyPorts, AUTHOR)).rejects.toThrow(Killed);
    // It dies before it has the lock, before it reverts a part, and after each of three parts.
    for (const at of [1, 2, 3, 3, 3]) {
      dying.failing((n) => (n >= at ? 'killed' : undefined));
      await expect(IntentWriter.open(dying, realm)).rejects.toThrow(Killed);
    }
    dying.failing(() => undefined);
    await (await IntentWriter.open(dying, realm)).commit(() => [wish(portOf(300))], AUTHOR);
    expect(await portsOf(realm)).toBe(1);
    await until('the last commit', () => seen.at(-1) === 1);
    expect(seen).toEqual([0, 1]);
  });

  it('as a process: its lock expires, and nothing of its commit remains', async () => {
    const { realm, keys, seen } = await setUp();
    const fleet = join(directory, 'fleet.yaml');
    const file = join(directory, 'intent.yaml');
    writeFileSync(fleet, stringify({ realm, etcd: { endpoints: [etcd.endpoint] } }));
    const ports = Array.from({ length: 3000 }, (_, n) => portOf(n));
    writeFileSync(file, stringify({ ...CLOUD, ports }, { aliasDuplicateObjects: false }));
    const reader = client();
    const isHalf = async (): Promise<boolean> => {
      const { head } = await readHead(reader, keys);
      if (head?.pending === undefined) return false;
      const place = keys.historyOf(head.pending.sequence);
      return (await reader.range({ key: Buffer.from(place), range_end: endOf(place), limit: 1 })).kvs.length > 0;
    };
    for (;;) {
      const apply = new Background(undefined, [
        ...[process.execPath, SEGUE_COMMAND, 'intent', 'apply'],
        ...['-c', fleet, '-f', file, '--reason', 'x'],
      ]);
      await until('the commit', async () => apply.hasEnded || (await isHalf()));
      await apply.stop('SIGKILL');
      if (await isHalf()) break;
      // It was faster.
      const writer = await IntentWriter.open(client(), realm);
      await writer.commit(() => ports.map((port) => ({ key: wish(port).key })), AUTHOR);
    }
    const writer = await IntentWriter.open(client(), realm);
    expect(writer.checked.index.portCount).toBe(0);
    await writer.commit(() => [wish(portOf(1))], AUTHOR);
    expect(await portsOf(realm)).toBe(1);
    await until('the last commit', () => seen.at(-1) === 1);
    expect(seen.filter((count) => ![0, 1, ports.length].includes(count))).toEqual([]);
  });
});

describe('a connection cut at a transaction', () => {
  const faults: Fault[] = ['request lost', 'reply lost'];
  const places = Array.from({ length: TRANSACTIONS }, (_, i) => i + 1);
  const cases = places.flatMap((at) => faults.map((fault) => ({ at, fault })));

  it.each(cases)('$fault at transaction $at of a large commit: it is carried out once', async ({ at, fault }) => {
    const { realm, keys, seen } = await setUp();
    const reader = client();
    const cut = faulty();
    const writer = await IntentWriter.open(cut, realm);
    cut.failing(async (n) => {
      // Nobody reads a part of it.
      const isDone = n > TRANSACTIONS && at === TRANSACTIONS && fault === 'reply lost';
      expect((await readRealm(reader, keys))?.entities.size).toBe(isDone ? CLOUD_ENTITIES + PORTS : CLOUD_ENTITIES);
      return n === at ? fault : undefined;
    });
    expect(await writer.commit(manyPorts, AUTHOR)).toMatchObject({ sequence: 2 });
    cut.failing(() => undefined);
    await writer.commit(() => [wish(portOf(300))], AUTHOR);
    expect(await portsOf(realm)).toBe(PORTS + 1);
    await until('the last commit', () => seen.at(-1) === PORTS + 1);
    expect(seen).toEqual([0, PORTS, PORTS + 1]);
  });

  it.each(faults)('%s at the only transaction of a commit: it is carried out once', async (fault) => {
    const { realm } = await setUp();
    const cut = faulty();
    const writer = await IntentWriter.open(cut, realm);
    cut.failing((n) => (n === 1 ? fault : undefined));
    expect(await writer.commit(() => [wish(portOf(1))], AUTHOR)).toMatchObject({ sequence: 2, changes: [{}] });
    expect(await portsOf(realm)).toBe(1);
  });

  it.each(cases.filter(({ at }) => at === 1))(
    '$fault at the first transaction, and another writer comes first: both commits are there',
    async ({ fault }) => {
      for (const wishes of [manyPorts, () => [wish(portOf(1))]]) {
        const { realm } = await setUp();
        const other = await IntentWriter.open(client(), realm);
        const cut = faulty();
        const writer = await IntentWriter.open(cut, realm);
        cut.failing(async (n) => {
          if (n !== 1) return undefined;
          if (fault === 'request lost') await other.commit(() => [wish(portOf(300))], AUTHOR);
          return fault;
        });
        const { changes } = await writer.commit(wishes, AUTHOR);
        expect(changes).toHaveLength(wishes().length);
        expect(await portsOf(realm)).toBe(changes.length + (fault === 'request lost' ? 1 : 0));
      }
    },
  );

  it('reply lost at a commit that others follow at once: it counts as carried out', async () => {
    const { realm } = await setUp();
    const other = await IntentWriter.open(client(), realm);
    const cut = faulty();
    const writer = await IntentWriter.open(cut, realm);
    let isCut = false;
    cut.failing((n) => (n === 1 ? 'reply lost' : undefined));
    cut.after = async () => {
      if (isCut) return;
      isCut = true;
      await other.refresh();
      await other.commit(() => [wish(portOf(300))], AUTHOR);
    };
    expect(await writer.commit(() => [wish(portOf(1))], AUTHOR)).toMatchObject({ sequence: 2, changes: [{}] });
    await writer.commit(() => [wish(portOf(2))], AUTHOR);
    expect(await portsOf(realm)).toBe(3);
  });

  it('a lost last transaction of a large commit, until its lock is gone: the writer says that the commit was reverted', async () => {
    const { realm } = await setUp();
    const other = client();
    const cut = faulty();
    const writer = await IntentWriter.open(cut, realm);
    cut.failing(async (n) => {
      if (n !== TRANSACTIONS) return undefined;
      // As when the writer was suspended for longer than its lock lasts.
      await cut.revokeLease(cut.lastLease);
      await IntentWriter.open(other, realm);
      return 'request lost';
    });
    const answer = await writer.commit(manyPorts, AUTHOR).then(({ sequence }) => `committed ${sequence}`, String);
    expect(answer).toContain('another writer has undone it');
    await writer.refresh();
    await writer.commit(() => [wish(portOf(300))], AUTHOR);
    expect(await portsOf(realm)).toBe(1);
  });

  it('a change that another writer makes meanwhile is not committed again', async () => {
    const { realm } = await setUp();
    const cut = faulty();
    const writer = await IntentWriter.open(cut, realm);
    cut.failing((n) => (n <= 2 ? 'request lost' : undefined));
    await writer.commit(() => [wish(portOf(1))], AUTHOR);
    expect(writer.head?.sequence).toBe(2);
    expect(await portsOf(realm)).toBe(1);
  });
});
