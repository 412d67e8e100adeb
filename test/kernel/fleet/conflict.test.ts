/**
 * Two writers whose changes exclude each other, while connections are cut and etcd is compacted: each accepted state is valid, no accepted change is
 * lost, and each refusal has a reason in the intent of its time.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CheckedIntent } from '../../../src/fleet/check/checked-intent.js';
import { RealmKeys } from '../../../src/fleet/keys.js';
import { EtcdClient } from '../../../src/fleet/store/etcd-client.js';
import { readHistory } from '../../../src/fleet/store/history.js';
import { RealmFollower } from '../../../src/fleet/store/realm-follower.js';
import { readHead, readRealm } from '../../../src/fleet/store/realm.js';
import { digestOf, IntentWriter } from '../../../src/fleet/store/writer.js';
import { Changes } from './conflicting-changes.js';
import { Etcd, newDirectory, removeDirectory } from './etcd.js';
import { cloudWishes, portOf, wish } from './intent.js';
import { Proxy } from './proxy.js';
import { until } from './until.js';
import type { Quota } from '../../../src/fleet/check/checked-intent.js';
import type { EntityValue, StoredChange } from '../../../src/fleet/types.js';
import type { Change } from './conflicting-changes.js';

/** Changes of both writers together, and which ones. */
const CHANGES = Number(process.env.SEGUE_CONFLICTS ?? 1000);
const SEED = Number(process.env.SEGUE_SEED ?? 1);
/** A connection is cut, and etcd is compacted, once in so many changes. */
const CUT_EVERY = 40;
const COMPACT_EVERY = 500;

const directory = newDirectory();
const etcd = new Etcd(directory);
const REALM = 'default';
const keys = new RealmKeys(REALM);
const direct = new EtcdClient(etcd.config());
const closers = [
  (): void => {
    direct.close();
  },
];

beforeAll(() => etcd.start());
afterAll(async () => {
  for (const close of closers) close();
  await etcd.kill();
  removeDirectory(directory);
});

/** What a writer was told of a change. */
interface Outcome {
  id: string;
  kind: Change['kind'];
  result: 'accepted' | 'refused' | 'failed' | 'unknown';
  /** The sequence that the writer had read in the end. */
  sequence: number;
  /** Accepted ones. */
  changes: StoredChange[];
  /** Refused ones, and why. */
  wanted: readonly { key: string; after?: EntityValue }[];
  why: string;
  quota?: Quota;
}

/** An etcd client whose connections can be cut. */
class Line {
  readonly #proxy = new Proxy({ host: etcd.address, port: 2379 });
  client!: EtcdClient;

  async open(): Promise<this> {
    const port = await this.#proxy.listen(etcd.address);
    this.client = new EtcdClient({ endpoints: [`http://${etcd.address}:${port}`] });
    closers.push(() => {
      this.client.close();
      this.#proxy.close();
    });
    return this;
  }

  /** Cuts the connection instead of the next reply. @param isOver whether none is to be expected */
  async cut(isOver: () => boolean): Promise<void> {
    const { cuts } = this.#proxy;
    this.#proxy.cutAfter = 0;
    await until('a cut', () => isOver() || this.#proxy.cuts > cuts);
    this.#proxy.cutAfter = undefined;
  }
}

async function carriedOut(writer: IntentWriter, change: Change, id: string): Promise<Outcome> {
  const authorship = { author: id.split(':')[0] ?? '', reason: id };
  const told: Omit<Outcome, 'result' | 'sequence'> = { id, kind: change.kind, changes: [], wanted: [], why: '' };
  const sequence = (): number => writer.head?.sequence ?? 0;
  try {
    if (change.kind === 'quota') {
      await writer.setQuota('red', change.quota, authorship);
      return { ...told, result: 'accepted', sequence: sequence(), quota: change.quota ?? {} };
    }
    const { changes } =
      change.kind === 'ops'
        ? await writer.setOps('hv2', change.next, authorship)
        : await writer.commit(change.wishes, authorship);
    return { ...told, result: 'accepted', sequence: sequence(), changes };
  } catch (error) {
    const { name, message } = error as Error;
    if (name === 'IntentError' && change.kind === 'wishes') {
      const wanted = change.wishes(writer.checked.entities);
      return { ...told, result: 'refused', sequence: sequence(), wanted, why: message };
    }
    const result = message.includes('whether the commit was carried out is unknown') ? 'unknown' : 'failed';
    if (result === 'failed' && !message.includes('etcd at ')) throw error;
    return { ...told, result, sequence: sequence(), why: message };
  }
}

function refusalOf(apply: () => unknown): string {
  try {
    apply();
  } catch (error) {
    return (error as Error).message;
  }
  return 'accepted';
}

/** Of what is wrong, in any order: it depends on the order in which entities came. */
function linesOf(message: string): string[] {
  return message.split('\n').sort();
}

it(`${CHANGES} changes`, { timeout: Math.max(600_000, CHANGES * 1000) }, async () => {
  const lines = await Promise.all([1, 2, 3].map(() => new Line().open()));
  const [own, other, feed] = lines as [Line, Line, Line];
  const shared = portOf(9, { name: 'shared', interface: 'tap9', addresses: ['10.0.50.9'] });
  const first = await IntentWriter.open(direct, REALM);
  await first.commit(() => [...cloudWishes(), wish(shared)], { author: 'first', reason: 'first' });

  // What a feed is told, commit by commit.
  const fed: { sequence: number; digest: string }[] = [];
  const held = new CheckedIntent();
  const follower = new RealmFollower(feed.client, REALM, {
    commit: (changes, { sequence }) => {
      held.follow(changes);
      fed.push({ sequence, digest: digestOf(held.entities).hex });
    },
    status: () => undefined,
  });
  void follower.run();
  closers.push(() => {
    follower.close();
  });

  let done = 0;
  const write = async (line: Line, w: number): Promise<Outcome[]> => {
    const writer = await IntentWriter.open(line.client, REALM);
    const changes = new Changes(w, SEED);
    const outcomes: Outcome[] = [];
    for (let i = 0; i < CHANGES / 2; i++) {
      const outcome = await carriedOut(writer, changes.next(), `w${w}:${i}`);
      outcomes.push(outcome);
      done += 1;
    }
    return outcomes;
  };
  let isOver = false;
  const disturb = async (): Promise<void> => {
    for (let n = 1; !isOver; n++) {
      await until('changes', () => isOver || done >= n * CUT_EVERY);
      if (isOver) return;
      await lines[n % lines.length]?.cut(() => isOver);
      if ((n * CUT_EVERY) % COMPACT_EVERY === 0) etcd.ctl(['compact', String((await readHead(direct, keys)).revision)]);
    }
  };
  const disturbing = disturb();
  const outcomes = (await Promise.all([write(own, 0), write(other, 1)])).flat();
  isOver = true;
  await disturbing;

  const { head, entities } = (await readRealm(direct, keys))!;
  const history = await readHistory(direct, keys, 1, head.sequence);
  expect(history.map(({ sequence }) => sequence)).toEqual(Array.from({ length: head.sequence }, (_, i) => i + 1));

  // Each accepted change is one commit, as the writer was told; no other change is one.
  const byReason = new Map(history.map((commit) => [commit.reason, commit]));
  expect(byReason.size).toBe(history.length);
  const isWritten = ({ result, changes, quota }: Outcome): boolean =>
    result === 'accepted' && (changes.length > 0 || quota !== undefined);
  for (const outcome of outcomes) {
    const commit = byReason.get(outcome.id);
    // An order may be a commit without changed entities.
    if (outcome.result === 'unknown' || (outcome.kind === 'ops' && outcome.changes.length === 0)) continue;
    expect(commit === undefined ? 'not there' : 'there', JSON.stringify(outcome)).toBe(
      isWritten(outcome) ? 'there' : 'not there',
    );
    if (commit !== undefined) expect(commit.changes).toEqual(outcome.changes);
  }

  // From commit to commit the intent is valid, within the quotas of its time, and what feeds are told.
  const refused = new Map<number, Outcome[]>();
  for (const outcome of outcomes)
    if (outcome.result === 'refused')
      refused.set(outcome.sequence, [...(refused.get(outcome.sequence) ?? []), outcome]);
  const quotas = new Map(outcomes.flatMap(({ sequence, quota }) => (quota === undefined ? [] : [[sequence, quota]])));
  const digests = new Map<number, string>();
  const replayed = new CheckedIntent();
  let inForce = new Map<string, Quota>();
  for (const { sequence, changes } of history) {
    for (const { key, before } of changes) expect(replayed.entities.get(key), `${sequence} ${key}`).toEqual(before);
    expect(replayed.apply(changes, inForce)).toHaveLength(changes.length);
    replayed.checkWhole();
    const quota = quotas.get(sequence);
    if (quota !== undefined) inForce = new Map([['red', quota]]);
    digests.set(sequence, digestOf(replayed.entities).hex);
    for (const { wanted, why } of refused.get(sequence) ?? []) {
      if (why.includes('a node that takes new ports')) continue;
      expect(linesOf(refusalOf(() => replayed.apply(wanted, inForce)))).toEqual(linesOf(why));
    }
  }
  expect(Object.fromEntries(replayed.entities)).toEqual(Object.fromEntries(entities));
  expect(digests.get(head.sequence)).toBe(head.digest);

  await until('the feed', () => fed.at(-1)?.sequence === head.sequence);
  expect(fed.map(({ sequence }) => sequence)).toEqual(
    [...new Set(fed.map(({ sequence }) => sequence))].sort((a, b) => a - b),
  );
  expect(fed.filter(({ sequence, digest }) => digests.get(sequence) !== digest)).toEqual([]);

  const count = (result: Outcome['result']): number => outcomes.filter((outcome) => outcome.result === result).length;
  const counts = {
    commits: history.length - 1,
    refused: count('refused'),
    failed: count('failed'),
    unknown: count('unknown'),
    large: history.filter(({ parts }) => parts > 1).length,
    fed: fed.length,
  };
  if (process.env.SEGUE_CONFLICTS !== undefined) console.log(counts);
  // Both sides of what is tested occur.
  expect(counts.commits).toBeGreaterThan(CHANGES / 10);
  expect(counts.refused).toBeGreaterThan(CHANGES / 10);
  expect(counts.large).toBeGreaterThan(0);
});
