import { SetDigest } from '../digest.js';
import { endOf, kindOfKey, RealmKeys } from '../keys.js';
import { EtcdError } from './etcd-client.js';
import { parseHead, parseJson, readHead, readRealm, StoreError } from './realm.js';
import { digestOf, toggleAll } from './writer.js';
import type { WatchResponse } from '../rpc.js';
import type { EntityValue, Head, StoredChange } from '../types.js';
import type { EtcdClient } from './etcd-client.js';
import type { HeadState } from './realm.js';

/** Interval of checking the store, in milliseconds: a watch that was cut off, or is on a member without a leader, stalls silently. */
const CHECK_MS = 2000;
/** The store counts as lost after this time without an answer, in milliseconds, even if a call that still tries all members has not failed yet. */
const SILENT_MS = 8000;
/** Pause between attempts in milliseconds: random, below a limit that doubles. */
const RETRY_MS = 200;
const MAX_RETRY_MS = 5000;
/** Limit while the store answers but must not be followed: reading a large one takes a minute. */
const MAX_HELD_RETRY_MS = 30_000;

export interface RealmListener {
  /** The intent changed to a commit; the first one starts from nothing. Each key occurs once. */
  commit(changes: StoredChange[], head: Head): void;
  /** The state changed: lost, found again, or held. */
  status(status: RealmStatus): void;
}

export interface RealmStatus {
  /** Since when the store has not answered, in milliseconds since 1970; undefined: it is followed. */
  lostSinceMs?: number;
  /** Why the store is not followed although it answers. */
  held?: string;
  /** Error of the last loss. */
  error?: string;
}

type Event = WatchResponse['events'][number];

/**
 * Follows a realm commit by commit, with one watch whose events are collected until the head marks them as a commit. It never goes back: an older
 * store, or another one, is refused until an operator confirms it (a new epoch). It only passes on what writers have checked: entities that no
 * commit wrote do not match the digest, and then nothing is passed on.
 */
export class RealmFollower {
  readonly #client: EtcdClient;
  readonly #keys: RealmKeys;
  readonly #listener: RealmListener;
  /** Entities as of the last commit passed on. */
  readonly #entities = new Map<string, EntityValue>();
  #digest = new SetDigest();
  #head: Head | undefined;
  /** Later changes by key; undefined: deleted. */
  #overlay = new Map<string, EntityValue | undefined>();
  #isPending = false;
  /** Set if the events do not match a commit. */
  #mustReadAll = false;
  #cluster = 0;
  /** Revision up to which all events have been received. */
  #revision = 0;
  /** The store's highest revision seen so far. */
  #seenRevision = 0;
  #headRevision = 0;
  #status: RealmStatus = {};
  #isClosed = false;
  #retryMs = RETRY_MS;
  #closeWatch: () => void = () => undefined;
  #wake: () => void = () => undefined;

  constructor(client: EtcdClient, realm: string, listener: RealmListener) {
    this.#client = client;
    this.#keys = new RealmKeys(realm);
    this.#listener = listener;
  }

  get head(): Head | undefined {
    return this.#head;
  }

  /** Runs until it is closed. */
  async run(): Promise<void> {
    this.#setStatus({ lostSinceMs: Date.now() });
    while (!this.#isClosed) {
      try {
        if (await this.#mayFollow()) await this.#watch();
      } catch (error) {
        if (!(error instanceof EtcdError) && !(error instanceof StoreError)) throw error;
        const { lostSinceMs = Date.now() } = this.#status;
        const held = error instanceof StoreError ? { held: error.message } : {};
        this.#setStatus({ lostSinceMs, error: error.message, ...held });
      }
      if (!this.#isClosed) await this.#pause();
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#closeWatch();
    this.#wake();
  }

  async #pause(): Promise<void> {
    const ms = Math.random() * this.#retryMs;
    const most = this.#mustReadAll ? MAX_HELD_RETRY_MS : MAX_RETRY_MS;
    this.#retryMs = Math.min(this.#retryMs * 2, most);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Checks the store's position; reads it as a whole at first, and after a new epoch. */
  async #mayFollow(): Promise<boolean> {
    const state = await readHead(this.#client, this.#keys);
    if (this.#head === undefined || this.#mustReadAll) return this.#readAll();
    if (state.head !== undefined && state.head.epoch !== this.#head.epoch) return this.#readAll();
    const isBack = state.cluster !== this.#cluster || state.revision < this.#seenRevision;
    if (!isBack) return true;
    this.#hold(state);
    return false;
  }

  #hold({ cluster, revision }: HeadState): void {
    const what =
      cluster === this.#cluster
        ? `the store went back from revision ${this.#seenRevision} to ${revision}`
        : 'the store is another etcd cluster';
    this.#setStatus({
      lostSinceMs: this.#status.lostSinceMs ?? Date.now(),
      held: `${what}: not followed until segue intent renew`,
    });
  }

  /** @returns false if there is nothing to follow yet */
  async #readAll(): Promise<boolean> {
    const state = await readRealm(this.#client, this.#keys);
    if (state === undefined) {
      if (this.#head === undefined) throw new StoreError('the realm holds no intent yet');
      throw new StoreError('the store is empty: not followed');
    }
    const { head, entities } = state;
    if (head.cluster !== state.cluster) {
      throw new StoreError(
        'the store is in another etcd cluster than its last commit: not followed until segue intent renew',
      );
    }
    const digest = digestOf(entities);
    if (digest.hex !== head.digest) throw new StoreError(WRITTEN_PAST);
    const changes: StoredChange[] = [];
    for (const [key, before] of this.#entities) if (!entities.has(key)) changes.push({ key, before });
    for (const [key, after] of entities) {
      const before = this.#entities.get(key);
      if (before === undefined) changes.push({ key, after });
      else if (JSON.stringify(before) !== JSON.stringify(after)) changes.push({ key, before, after });
    }
    this.#overlay = new Map();
    this.#isPending = false;
    this.#mustReadAll = false;
    this.#cluster = state.cluster;
    this.#revision = state.revision;
    this.#seenRevision = state.revision;
    this.#headRevision = (await readHead(this.#client, this.#keys, state.revision)).modRevision;
    this.#give(changes, head, digest);
    return true;
  }

  /** Watches until the stream ends. */
  #watch(): Promise<void> {
    return new Promise((resolve, reject) => {
      const { stream, close, failed, endpoint } = this.#client.openWatch();
      let isOver = false;
      const settle = (error?: Error, readAll = false): void => {
        if (isOver) return;
        isOver = true;
        clearInterval(timer);
        close();
        if (this.#isClosed) return resolve();
        if (error !== undefined && !readAll) failed();
        const { lostSinceMs = Date.now() } = this.#status;
        this.#setStatus({
          ...this.#status,
          lostSinceMs,
          ...(error && { error: `etcd at ${endpoint}: ${error.message}` }),
        });
        if (readAll) this.#readAll().then(() => resolve(), reject);
        else resolve();
      };
      this.#closeWatch = () => settle();
      let behind = 0;
      let heardMs = Date.now();
      let isChecking = false;
      const check = async (): Promise<void> => {
        if (isChecking) return;
        isChecking = true;
        const state = await readHead(this.#client, this.#keys).finally(() => {
          isChecking = false;
        });
        heardMs = Date.now();
        if (isOver) return;
        if (state.cluster !== this.#cluster || state.revision < this.#seenRevision)
          return settle(new Error('the store went back'));
        this.#seenRevision = state.revision;
        behind = state.modRevision > this.#headRevision ? behind + 1 : 0;
        if (behind > 1) return settle(new Error('the watch lags behind the store'));
        // Every commit writes the head: there was none up to this revision.
        if (behind === 0 && !this.#isPending && state.head?.pending === undefined)
          this.#revision = Math.max(this.#revision, state.revision);
        if (behind === 0) this.#found();
      };
      const timer = setInterval(() => {
        if (Date.now() - heardMs > SILENT_MS && this.#status.lostSinceMs === undefined)
          this.#setStatus({ ...this.#status, lostSinceMs: heardMs, error: `etcd at ${endpoint}: no answer` });
        check().catch((error: unknown) => settle(error as Error));
      }, CHECK_MS);
      let fragments: Event[] = [];
      stream.on('data', (response: WatchResponse) => {
        if (isOver) return;
        if (response.canceled) {
          const isCompacted = response.compact_revision > 0;
          const why = isCompacted ? `compacted up to revision ${response.compact_revision}` : response.cancel_reason;
          return settle(new Error(`the watch was ended: ${why}`), isCompacted);
        }
        fragments.push(...response.events);
        if (response.fragment) return;
        const events = fragments;
        fragments = [];
        try {
          this.#takeAll(events);
        } catch (error) {
          settle(error as Error);
        }
        if (response.created) check().catch((error: unknown) => settle(error as Error));
      });
      stream.on('error', (error) => settle(error));
      stream.on('end', () => settle(new Error('the watch ended')));
      const prefix = this.#keys.intent;
      const create = {
        key: Buffer.from(prefix),
        range_end: endOf(prefix),
        start_revision: this.#revision + 1,
        fragment: true,
      };
      stream.write({ create_request: create });
    });
  }

  /** Groups events by their transactions, within which their order has no meaning. */
  #takeAll(events: readonly Event[]): void {
    for (let at = 0; at < events.length;) {
      const revision = events[at]?.kv.mod_revision ?? 0;
      let end = at;
      while (events[end]?.kv.mod_revision === revision) end += 1;
      if (revision > this.#revision) this.#takeTransaction(revision, events.slice(at, end));
      at = end;
    }
  }

  #takeTransaction(revision: number, events: readonly Event[]): void {
    let head: Head | undefined;
    for (const { type, kv } of events) {
      const key = kv.key.toString().slice(this.#keys.intent.length);
      if (key === 'head') {
        this.#headRevision = kv.mod_revision;
        head = type === 'PUT' ? parseHead(kv.value.toString()) : undefined;
      } else if (kindOfKey(key) !== undefined) {
        this.#overlay.set(key, type === 'PUT' ? (parseJson(key, kv.value.toString()) as EntityValue) : undefined);
      }
    }
    this.#revision = revision;
    this.#seenRevision = Math.max(this.#seenRevision, revision);
    if (head === undefined) return;
    this.#isPending = head.pending !== undefined;
    if (!this.#isPending) this.#commit(head);
  }

  #commit(head: Head): void {
    const changes: StoredChange[] = [];
    for (const [key, after] of this.#overlay) {
      const before = this.#entities.get(key);
      if (JSON.stringify(before) === JSON.stringify(after)) continue;
      changes.push({ key, ...(before !== undefined && { before }), ...(after !== undefined && { after }) });
    }
    const digest = new SetDigest(this.#digest.hex);
    toggleAll(digest, changes);
    if (digest.hex !== head.digest) {
      this.#mustReadAll = true;
      throw new StoreError('the events do not add up to the commit: reading everything again');
    }
    this.#overlay = new Map();
    this.#give(changes, head, digest);
  }

  #give(changes: StoredChange[], head: Head, digest: SetDigest): void {
    const isNew = head.id !== this.#head?.id;
    this.#digest = digest;
    this.#head = head;
    for (const { key, after } of changes) {
      if (after === undefined) this.#entities.delete(key);
      else this.#entities.set(key, after);
    }
    if (isNew || changes.length > 0) this.#listener.commit(changes, head);
    if (this.#status.held !== undefined) {
      const rest = { ...this.#status };
      delete rest.held;
      this.#setStatus(rest);
    }
  }

  #found(): void {
    this.#retryMs = RETRY_MS;
    if (this.#status.lostSinceMs === undefined) return;
    const rest = { ...this.#status };
    delete rest.lostSinceMs;
    delete rest.error;
    this.#setStatus(rest);
  }

  #setStatus(status: RealmStatus): void {
    if (JSON.stringify(status) === JSON.stringify(this.#status)) return;
    this.#status = status;
    this.#listener.status(status);
  }
}

const WRITTEN_PAST =
  'the store was changed by something other than segue: nothing is sent to nodes until that is corrected';
