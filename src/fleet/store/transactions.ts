import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { endOf } from '../keys.js';
import { del, headOps, isAbsent, isAt, opsOf, put, undoOps } from './commit.js';
import { EtcdError } from './etcd-client.js';
import { readParts } from './history.js';
import { parseHead, parseJson, readHead, StoreError } from './realm.js';
import type { RealmKeys } from '../keys.js';
import type { RequestOp, TxnRequest, TxnResponse } from '../rpc.js';
import type { Head, HistoryPart } from '../types.js';
import type { EtcdClient } from './etcd-client.js';
import type { HeadState } from './realm.js';

/** Lifetime of a silent writer's lock in seconds, and the interval of keeping it alive in milliseconds. */
const LOCK_SECONDS = 15;
const LOCK_KEEP_MS = 4000;
/** Interval of checking another writer's lock, in milliseconds. */
const LOCK_LOOK_MS = 250;
/** Attempts at a transaction whose reply was lost, and the pause between them in milliseconds; the second follows at once. */
const ATTEMPTS = 5;
const ATTEMPT_PAUSE_MS = 500;

/** In place of a revision: the commit succeeded, but later commits must be read before the next one. */
const SUPERSEDED = -1;

const UNDONE = 'the commit took too long: another writer has undone it';

/** etcd stopped answering while it carried out a transaction. */
class UnknownOutcomeError extends Error {
  readonly code = 'ETCD';

  constructor({ message }: Error) {
    super(`${message}: whether the commit was carried out is unknown; segue intent history shows it once etcd answers`);
    this.name = 'UnknownOutcomeError';
  }
}

/**
 * The transactions of commits. Each is guarded by the revision of the head, which each commit changes: a transaction whose reply is lost can be
 * repeated, and what was sent before the repetition cannot be carried out after it.
 */
export class CommitTransactions {
  readonly #client: EtcdClient;
  readonly #keys: RealmKeys;

  constructor(client: EtcdClient, keys: RealmKeys) {
    this.#client = client;
    this.#keys = keys;
  }

  /**
   * Writes a commit.
   *
   * @param before the head that the commit replaces, at revision `guard`; undefined: there is none
   * @param more operations of a commit of one transaction
   * @returns revision of the head, SUPERSEDED, or undefined if another writer was first
   * @throws StoreError if another writer has undone it, EtcdError; nothing has changed then. UnknownOutcomeError
   */
  async write(
    head: Head,
    parts: readonly HistoryPart[],
    { before, guard, more }: { before: Head | undefined; guard: number; more: readonly RequestOp[] },
  ): Promise<number | undefined> {
    if (parts.length > 1) return this.#writeParts(head, parts, before, guard);
    return this.#putHead(head, guard, [...more, ...parts.flatMap((part) => this.#partOps(part))]);
  }

  /** The head, after waiting for or undoing an unfinished commit. @throws EtcdError */
  async settledHead(): Promise<HeadState> {
    for (;;) {
      const state = await readHead(this.#client, this.#keys);
      if (state.head?.pending === undefined) return state;
      const { kvs } = await this.#client.range({ key: Buffer.from(state.head.pending.lock) });
      if (kvs.length > 0) await sleep(LOCK_LOOK_MS);
      else await this.#undo(state);
    }
  }

  #partOps(part: HistoryPart): RequestOp[] {
    return [...opsOf(this.#keys, part.changes), put(this.#keys.historyOf(part.sequence, part.part), part)];
  }

  /** Commits in several transactions: the head marks the commit as pending, and it is undone unless it is completed. */
  async #writeParts(
    head: Head,
    parts: readonly HistoryPart[],
    before: Head | undefined,
    guard: number,
  ): Promise<number | undefined> {
    const { sequence, id, author, reason } = head;
    const lock = this.#keys.locks + id;
    const pending: Head = {
      ...(before ?? { ...head, sequence: 0, digest: '' }),
      pending: { sequence, id, author, reason, lock },
    };
    return this.#locked(async (lease) => {
      const begun = await this.#putHead(pending, guard, [put(lock, { author }, lease)]);
      if (begun === undefined) return undefined;
      for (const part of parts) await this.#putGuarded(begun, this.#partOps(part));
      const written = await this.#putHead(head, begun, [del(lock)]);
      if (written === undefined) throw new StoreError(UNDONE);
      return written;
    });
  }

  /** Writes a head. @returns its revision, or SUPERSEDED; undefined: it was not written, since the head is not at `guard` */
  async #putHead(head: Head, guard: number, ops: readonly RequestOp[]): Promise<number | undefined> {
    const { head: place } = this.#keys;
    const history = this.#keys.historyOf(head.sequence);
    const request: TxnRequest = {
      compare: [isAt(place, guard)],
      success: [...ops, ...headOps(this.#keys, head)],
      failure: [
        { request_range: { key: Buffer.from(place) } },
        { request_range: { key: Buffer.from(history), range_end: endOf(history), limit: 1 } },
      ],
    };
    const { header, succeeded, responses } = await this.#repeated(request, head.pending === undefined);
    if (succeeded) return header.revision;
    const [now, first] = responses.map(({ response_range }) => response_range?.kvs[0]);
    const current = now && parseHead(now.value.toString());
    // An earlier attempt was carried out.
    if (now !== undefined && current !== undefined && isSame(current, head)) return now.mod_revision;
    // The history of an unfinished commit is that of its parts.
    if (head.pending !== undefined || current?.pending?.id === head.id || first === undefined) return undefined;
    const { id } = parseJson(history, first.value.toString()) as HistoryPart;
    return id === head.id ? SUPERSEDED : undefined;
  }

  /** Writes under a head that must not have changed. @throws StoreError if it has */
  async #putGuarded(guard: number, success: RequestOp[]): Promise<void> {
    const { succeeded } = await this.#repeated({ compare: [isAt(this.#keys.head, guard)], success });
    if (!succeeded) throw new StoreError(UNDONE);
  }

  /**
   * Repeats a transaction until its reply arrives.
   *
   * @param completes whether the commit is carried out with it
   * @throws EtcdError if the commit is not carried out, UnknownOutcomeError
   */
  async #repeated(request: TxnRequest, completes = false): Promise<TxnResponse> {
    let isUncertain = false;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#client.txn(request);
      } catch (error) {
        if (!(error instanceof EtcdError)) throw error;
        isUncertain ||= error.isUncertain;
        if (!isUncertain) throw error;
        if (attempt === ATTEMPTS) throw completes ? new UnknownOutcomeError(error) : error;
        if (attempt > 1) await sleep(ATTEMPT_PAUSE_MS);
      }
    }
  }

  async #locked<T>(work: (lease: number) => Promise<T>): Promise<T> {
    const lease = await this.#client.grantLease(LOCK_SECONDS);
    const release = this.#client.keepLease(lease, LOCK_KEEP_MS);
    try {
      return await work(lease);
    } finally {
      release();
      await this.#client.revokeLease(lease).catch(() => undefined);
    }
  }

  /** Undoes the unfinished commit of a dead writer. */
  async #undo({ head, modRevision }: HeadState): Promise<void> {
    if (head?.pending === undefined) return;
    const keys = this.#keys;
    const { pending, ...before } = head;
    const lock = `${keys.locks}${randomUUID()}`;
    await this.#locked(async (lease) => {
      const taken = await this.#client.txn({
        compare: [isAt(keys.head, modRevision), isAbsent(pending.lock)],
        success: [put(lock, { undoes: pending.id }, lease), put(keys.head, { ...head, pending: { ...pending, lock } })],
      });
      if (!taken.succeeded) return;
      const guard = taken.header.revision;
      const parts = await readParts(this.#client, keys, pending.sequence);
      for (const part of parts.reverse()) await this.#putGuarded(guard, undoOps(keys, part));
      // Before the first commit there was no head.
      const last = before.sequence === 0 ? del(keys.head) : put(keys.head, before);
      // The head is read again in either case.
      await this.#client.txn({ compare: [isAt(keys.head, guard)], success: [last, del(lock)] });
    });
  }
}

/** Whether two heads are of the same commit and in the same state of it. */
function isSame(a: Head, b: Head): boolean {
  return a.id === b.id && a.pending?.lock === b.pending?.lock;
}
