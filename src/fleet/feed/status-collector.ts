/** What nodes report, on its way to the store: gathered, bounded, written in few transactions. */
import { randomUUID } from 'node:crypto';
import { put } from '../store/commit.js';
import type { Logger } from '../../agent/log.js';
import type { RealmKeys } from '../keys.js';
import type { RequestOp } from '../rpc.js';
import type { NodeStatus, Seen, StoredStatus } from '../status/node-status.js';
import type { EtcdClient } from '../store/etcd-client.js';

/** How often what was gathered is written, milliseconds. */
const FLUSH_MS = 1000;
/** Puts of one transaction: etcd takes 128 by default. */
const PUTS_PER_TXN = 100;
/** Characters of one transaction: etcd takes 1.5 MiB. */
const CHARS_PER_TXN = 500_000;
/** Nodes of one key that says when they were heard of. */
const NODES_PER_SEEN = 1000;
/**
 * A status goes a day after it was last written. Leases are not kept alive: each takes what is written within an hour, so that a store has few of
 * them, and a feed that dies takes nothing along.
 */
const LEASE_SECONDS = 86_400;
const LEASE_USED_MS = 3_600_000;
/** A feed takes so many reports a second: the more nodes, the less often each is to report. */
const REPORTS_PER_SECOND = 500;
/** Failures are said once in so long, milliseconds. */
const QUIET_MS = 60_000;

interface Held {
  stored: StoredStatus;
  /** Of the status as it was last written. */
  written: string;
  lease: number;
}

export interface CollectorOptions {
  client: EtcdClient;
  keys: RealmKeys;
  /** Of the feed, for people. */
  feed: string;
  /** How often nodes report, milliseconds, while there are few. */
  everyMs: number;
  log: Logger;
}

export class StatusCollector {
  readonly #options: CollectorOptions;
  /** Of this process among all that ever wrote. */
  readonly #id = randomUUID();
  readonly #held = new Map<string, Held>();
  readonly #dirty = new Set<string>();
  #lease = 0;
  #leaseUntilMs = 0;
  #seenDueMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #quietUntilMs = 0;
  #isWriting = false;

  constructor(options: CollectorOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => void this.#flush(), FLUSH_MS);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** When a node is to report again, milliseconds from now. */
  get everyMs(): number {
    return Math.max(this.#options.everyMs, Math.ceil((this.#held.size * 1000) / REPORTS_PER_SECOND));
  }

  /** When a node reported last, milliseconds since 1970. */
  lastOf(node: string): number | undefined {
    return this.#held.get(node)?.stored.atMs;
  }

  /** A node begins to follow: what another feed has written of it meanwhile is not known here. */
  begins(node: string): void {
    const held = this.#held.get(node);
    if (held !== undefined) held.written = '';
  }

  /** @param differs the node has another part of the intent than the feed has for it */
  take(node: string, status: NodeStatus, differs: boolean): void {
    const stored: StoredStatus = { atMs: Date.now(), feed: this.#options.feed, ...(differs && { differs }), status };
    const held = this.#held.get(node);
    if (held === undefined) this.#held.set(node, { stored, written: '', lease: 0 });
    else held.stored = stored;
    this.#dirty.add(node);
  }

  async #flush(): Promise<void> {
    if (this.#isWriting) return;
    this.#isWriting = true;
    try {
      const lease = await this.#currentLease();
      await this.#writeStatuses(lease);
      await this.#writeSeen(lease);
    } catch (error) {
      const now = Date.now();
      if (now >= this.#quietUntilMs) {
        this.#quietUntilMs = now + QUIET_MS;
        this.#options.log.warn({ err: error }, "nodes' status cannot be written: fleet status shows what was before");
      }
    } finally {
      this.#isWriting = false;
    }
  }

  async #currentLease(): Promise<number> {
    const now = Date.now();
    if (this.#dirty.size > 0 && now >= this.#leaseUntilMs) {
      this.#lease = await this.#options.client.grantLease(LEASE_SECONDS);
      this.#leaseUntilMs = now + LEASE_USED_MS;
    }
    return this.#lease;
  }

  async #writeStatuses(lease: number): Promise<void> {
    const { keys } = this.#options;
    let ops: { node: string; text: string; op: RequestOp }[] = [];
    let chars = 0;
    const send = async (): Promise<void> => {
      if (ops.length === 0) return;
      await this.#txn(ops.map(({ op }) => op));
      for (const { node, text } of ops) {
        const held = this.#held.get(node);
        if (held !== undefined) Object.assign(held, { written: text, lease });
      }
      ops = [];
      chars = 0;
    };
    for (const node of [...this.#dirty]) {
      this.#dirty.delete(node);
      const held = this.#held.get(node);
      if (held === undefined) continue;
      const { differs, status } = held.stored;
      const text = comparable(status, differs === true);
      // What says the same as before needs no writing: that the node was heard of is said of many at once.
      if (text === held.written && lease === held.lease) continue;
      const op = put(keys.status + node, held.stored, lease);
      ops.push({ node, text, op });
      chars += text.length;
      try {
        if (ops.length === PUTS_PER_TXN || chars > CHARS_PER_TXN) await send();
      } catch (error) {
        for (const one of ops) this.#dirty.add(one.node);
        throw error;
      }
    }
    try {
      await send();
    } catch (error) {
      for (const one of ops) this.#dirty.add(one.node);
      throw error;
    }
  }

  async #writeSeen(lease: number): Promise<void> {
    const now = Date.now();
    if (now < this.#seenDueMs || this.#held.size === 0) return;
    this.#seenDueMs = now + this.everyMs / 2;
    for (const [node, { stored }] of this.#held) if (now - stored.atMs > LEASE_SECONDS * 1000) this.#held.delete(node);
    const all = [...this.#held].map(([node, { stored }]): [string, Seen] => {
      const { sequence, applied } = stored.status;
      return [node, [stored.atMs, sequence, applied]];
    });
    for (let at = 0, chunk = 0; at < all.length; at += NODES_PER_SEEN, chunk++) {
      const seen = Object.fromEntries(all.slice(at, at + NODES_PER_SEEN));
      await this.#txn([put(`${this.#options.keys.seen}${this.#id}/${chunk}`, seen, lease)]);
    }
  }

  async #txn(success: RequestOp[]): Promise<void> {
    await this.#options.client.txn({ compare: [], success });
  }
}

/** A status without what changes by itself, or with each commit that does not concern the node. */
function comparable(status: NodeStatus, differs: boolean): string {
  const left: Partial<NodeStatus> = { ...status };
  for (const key of ['cpuSeconds', 'residentBytes', 'sequence', 'applied'] as const) delete left[key];
  return JSON.stringify([differs, left]);
}
