import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { CheckedIntent } from '../check/checked-intent.js';
import { SetDigest } from '../digest.js';
import { endOf, RealmKeys } from '../keys.js';
import { del, partsOf, put } from './commit.js';
import { readHistory } from './history.js';
import { OpsBook, withDrain } from './ops-book.js';
import { isDrained } from '../ops.js';
import { parseJson, readHead, readRealm, StoreError } from './realm.js';
import { CommitTransactions } from './transactions.js';
import type { Quota } from '../check/checked-intent.js';
import type { NodeOps } from '../ops.js';
import type { IntentNode } from '../../intent/types.js';
import type { RequestOp } from '../rpc.js';
import type { EntityValue, Head, HistoryPart, StoredChange } from '../types.js';
import type { EtcdClient } from './etcd-client.js';
import type { HeadState, RealmState } from './realm.js';

/** Beyond this many commits the store is read as a whole instead. */
const MAX_COMMITS_FOLLOWED = 1000;

export interface Authorship {
  author: string;
  reason: string;
}

export interface Committed {
  /** Sequence of the head after the commit. */
  sequence: number;
  /** Empty if nothing was to be changed, and nothing was written. */
  changes: StoredChange[];
}

/** Computes the wanted changes from the present intent. Called again if another writer was first. */
export type Wishes = (entities: ReadonlyMap<string, EntityValue>) => readonly { key: string; after?: EntityValue }[];

/**
 * Writes a realm's intent. It holds the whole intent, checks each change as files are checked, and commits on the condition that no other commit
 * came first: the store is valid at every commit, with any number of writers.
 */
export class IntentWriter {
  readonly #client: EtcdClient;
  readonly #keys: RealmKeys;
  readonly #transactions: CommitTransactions;
  #checked = new CheckedIntent();
  #digest = new SetDigest();
  #quotas = new Map<string, Quota>();
  readonly #ops = new OpsBook();
  #head: Head | undefined;
  /** Revision of the head; 0: the realm was never set up. */
  #headRevision = 0;
  #cluster = 0;

  private constructor(client: EtcdClient, realm: string) {
    this.#client = client;
    this.#keys = new RealmKeys(realm);
    this.#transactions = new CommitTransactions(client, this.#keys);
  }

  /** @throws StoreError, EtcdError */
  static async open(client: EtcdClient, realm: string): Promise<IntentWriter> {
    const writer = new IntentWriter(client, realm);
    await writer.refresh();
    return writer;
  }

  get head(): Head | undefined {
    return this.#head;
  }

  get checked(): CheckedIntent {
    return this.#checked;
  }

  get quotas(): ReadonlyMap<string, Quota> {
    return this.#quotas;
  }

  get ops(): OpsBook {
    return this.#ops;
  }

  /** Reads the commits of other writers; an unfinished commit of a dead writer is undone first. */
  async refresh(): Promise<void> {
    const state = await this.#settledHead();
    if (state.head !== undefined) refuseOtherCluster(state);
    if (state.modRevision !== this.#headRevision) {
      if (!(await this.#follow(state))) await this.#reload();
    }
    await this.#readQuotas();
    await this.#ops.read(this.#client, this.#keys);
  }

  /**
   * Commits changes as a whole or not at all.
   *
   * @throws IntentError if they are refused, StoreError, EtcdError; nothing has changed then. Error with code ETCD and a message that says so if
   * etcd stopped answering before it confirmed whether it has
   */
  async commit(wishes: Wishes, authorship: Authorship): Promise<Committed> {
    for (;;) {
      const wanted = wishes(this.#checked.entities).map(({ key, after }) =>
        after === undefined ? { key } : { key, after: this.#ops.inForce(key, after) },
      );
      const changes = this.#checked.apply(wanted, this.#quotas);
      try {
        this.#ops.refuseNewPorts(changes);
        if (changes.length === 0 && this.#head !== undefined) return { sequence: this.#head.sequence, changes };
        if (await this.#write(changes, authorship)) return { sequence: this.#head?.sequence ?? 0, changes };
      } catch (error) {
        this.#revert(changes);
        throw error;
      }
      this.#revert(changes);
      await this.refresh();
    }
  }

  /** Sets a tenant's quota, `*` for tenants without their own; undefined removes it. */
  async setQuota(tenant: string, quota: Quota | undefined, authorship: Authorship): Promise<void> {
    if (this.#head === undefined) throw new StoreError(NEVER_SET_UP);
    const key = this.#keys.quotas + tenant;
    const op = quota === undefined ? del(key) : put(key, quota);
    while (!(await this.#write([], authorship, [op]))) await this.refresh();
    // Not read again: the commit has been carried out, whether the store answers or not.
    const others = [...this.#quotas].filter(([of]) => of !== tenant);
    this.#quotas = new Map(quota === undefined ? others : [...others, [tenant, quota]]);
  }

  /**
   * Changes a node's orders; its `drain` changes in the same commit.
   *
   * @param next computes the new orders from the present ones; undefined: none
   * @throws StoreError if the node is not in the intent
   */
  async setOps(
    node: string,
    next: (ops: NodeOps | undefined, now: IntentNode) => NodeOps | undefined,
    authorship: Authorship,
  ): Promise<Committed> {
    for (;;) {
      const key = `node/${node}`;
      const before = this.#checked.entities.get(key) as IntentNode | undefined;
      if (before === undefined) throw new StoreError(`node ${node}: not in the intent`);
      const known = this.#ops.all.get(node);
      const ops = next(known, before);
      if (isDeepStrictEqual(ops, known)) return { sequence: this.#head?.sequence ?? 0, changes: [] };
      const own = known?.ownDrain ?? before.drain === true;
      const after = withDrain(before, ops === undefined ? own : isDrained(ops) || ops.ownDrain);
      const changes = this.#checked.apply([{ key, after }], this.#quotas);
      const place = this.#keys.ops + node;
      try {
        const isOurs = await this.#write(changes, authorship, [ops === undefined ? del(place) : put(place, ops)]);
        if (isOurs) {
          this.#ops.put(node, ops);
          return { sequence: this.#head?.sequence ?? 0, changes };
        }
      } catch (error) {
        this.#revert(changes);
        throw error;
      }
      this.#revert(changes);
      await this.refresh();
    }
  }

  /**
   * Accepts the store as it is, if all of it passes the checks, and starts a new epoch: after restoring a backup, or after writes that bypassed
   * segue.
   *
   * @throws IntentError if it does not pass
   */
  static async renew(client: EtcdClient, realm: string, authorship: Authorship): Promise<Head> {
    const writer = new IntentWriter(client, realm);
    await writer.#settledHead();
    const state = await readRealm(client, writer.#keys);
    if (state === undefined) throw new StoreError(NEVER_SET_UP);
    writer.#checked = new CheckedIntent(state.entities);
    writer.#checked.checkWhole();
    writer.#digest = digestOf(state.entities);
    writer.#head = { ...state.head, epoch: randomUUID(), cluster: state.cluster };
    writer.#headRevision = (await readHead(client, writer.#keys, state.revision)).modRevision;
    if (!(await writer.#write([], authorship))) throw new StoreError('another writer was first: try again');
    return writer.#head;
  }

  #revert(changes: readonly StoredChange[]): void {
    this.#checked.follow(changes.map(({ key, before }) => ({ key, ...(before !== undefined && { after: before }) })));
  }

  async #settledHead(): Promise<HeadState> {
    const state = await this.#transactions.settledHead();
    this.#cluster = state.cluster;
    return state;
  }

  /** Follows the history. @returns false if that does not lead to the head */
  async #follow({ head, modRevision }: HeadState): Promise<boolean> {
    const from = this.#head;
    if (head === undefined || head.epoch !== from?.epoch) return false;
    const count = head.sequence - from.sequence;
    if (count < 0 || count > MAX_COMMITS_FOLLOWED) return false;
    const commits = count === 0 ? [] : await readHistory(this.#client, this.#keys, from.sequence + 1, head.sequence);
    if (commits.length !== count) return false;
    const digest = new SetDigest(this.#digest.hex);
    for (const { changes } of commits) toggleAll(digest, changes);
    if (digest.hex !== head.digest) return false;
    for (const { changes } of commits) this.#checked.follow(changes);
    this.#digest = digest;
    this.#head = head;
    this.#headRevision = modRevision;
    return true;
  }

  async #reload(): Promise<void> {
    const state = await readRealm(this.#client, this.#keys);
    const entities: RealmState['entities'] = state?.entities ?? new Map<string, EntityValue>();
    const digest = digestOf(entities);
    if (state !== undefined && digest.hex !== state.head.digest) throw new StoreError(WRITTEN_PAST);
    this.#checked = new CheckedIntent(entities);
    this.#digest = digest;
    this.#head = state?.head;
    this.#headRevision =
      state === undefined ? 0 : (await readHead(this.#client, this.#keys, state.revision)).modRevision;
  }

  async #readQuotas(): Promise<void> {
    const { quotas } = this.#keys;
    const { kvs } = await this.#client.range({ key: Buffer.from(quotas), range_end: endOf(quotas) });
    const entries = kvs.map(({ key, value }) => {
      const name = key.toString().slice(quotas.length);
      return [name, parseJson(`quota ${name}`, value.toString()) as Quota] as const;
    });
    this.#quotas = new Map(entries);
  }

  /** @returns false if another writer was first */
  async #write(changes: readonly StoredChange[], authorship: Authorship, more: RequestOp[] = []): Promise<boolean> {
    const digest = new SetDigest(this.#digest.hex);
    toggleAll(digest, changes);
    const { author, reason } = authorship;
    const sequence = (this.#head?.sequence ?? 0) + 1;
    const rest = { sequence, id: randomUUID(), author, reason, timeMs: Date.now() };
    const { epoch = randomUUID(), cluster = this.#cluster } = this.#head ?? {};
    const head: Head = { format: 1, epoch, cluster, ...rest, changes: changes.length, digest: digest.hex };
    const parts = partsOf(changes).map((some, part): HistoryPart => ({ ...rest, part, changes: some }));
    const revision = await this.#transactions.write(head, parts, {
      ...{ before: this.#head, guard: this.#headRevision, more },
    });
    if (revision === undefined) return false;
    this.#digest = digest;
    this.#head = head;
    this.#headRevision = revision;
    return true;
  }
}

const NEVER_SET_UP = 'the realm holds no intent yet: segue intent apply -f sets it up';
const WRITTEN_PAST =
  'the store was changed by something other than segue, and is left unchanged: segue intent validate says what is wrong, segue intent renew accepts it as it is';

function refuseOtherCluster({ head, cluster }: HeadState): void {
  if (head === undefined || head.cluster === cluster) return;
  throw new StoreError(
    'the store is in another etcd cluster than its last commit, as after a restored backup: segue intent renew accepts it as it is',
  );
}

export function digestOf(entities: ReadonlyMap<string, EntityValue>): SetDigest {
  const digest = new SetDigest();
  for (const [key, value] of entities) digest.toggle(key, JSON.stringify(value));
  return digest;
}

export function toggleAll(digest: SetDigest, changes: readonly StoredChange[]): void {
  for (const { key, before, after } of changes) {
    if (before !== undefined) digest.toggle(key, JSON.stringify(before));
    if (after !== undefined) digest.toggle(key, JSON.stringify(after));
  }
}
