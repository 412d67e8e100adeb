/** Collects nodes' reports for the store: bounded, and written in few transactions. */
import { randomUUID } from 'node:crypto';
import { put } from '../store/commit.js';
import type { Logger } from '../../agent/log.js';
import type { RealmKeys } from '../keys.js';
import type { RequestOp } from '../rpc.js';
import type { NodeStatus, Seen, StoredStatus } from '../status/node-status.js';
import type { EtcdClient } from '../store/etcd-client.js';

/** Interval of writes, in milliseconds. */
const FLUSH_MS = 1000;
/** Puts in a transaction: etcd allows 128 by default. */
const PUTS_PER_TXN = 100;
/** Characters in a transaction: etcd allows 1.5 MiB. */
const CHARS_PER_TXN = 500_000;
/** Nodes in one key of last-seen times. */
const NODES_PER_SEEN = 1000;
/**
 * A status expires a day after it was last written. Leases are not kept alive. Each covers the writes of an hour, so that a store has few leases,
 * and the end of a feed removes nothing.
 */
const LEASE_SECONDS = 86_400;
const LEASE_USED_MS = 3_600_000;
/** Reports that a feed accepts per second: the more nodes, the longer their interval. */
const REPORTS_PER_SECOND = 500;
/** Failures are logged once in this time, in milliseconds. */
const QUIET_MS = 60_000;

interface Held {
  stored: StoredStatus;
  /** The status as last written. */
  written: string;
  lease: number;
}

export interface CollectorOptions {
  client: EtcdClient;
  keys: RealmKeys;
  /** Name of the feed, for people. */
  feed: string;
  /** Interval of nodes' reports in milliseconds, for small fleets. */
  everyMs: number;
  log: Logger;
}

export class StatusCollector {
  readonly #options: CollectorOptions;
  /** Distinguishes this process from all others that ever wrote. */
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

  /** Interval of reports in milliseconds, by the number of nodes. */
  get everyMs(): number {
    return Math.max(this.#options.everyMs, Math.ceil((this.#held.size * 1000) / REPORTS_PER_SECOND));
  }

  /** Time of a node's last report, in milliseconds since 1970. */
  lastOf(node: string): number | undefined {
    return this.#held.get(node)?.stored.atMs;
  }

  /** A node starts to follow: other feeds may have written its status meanwhile. */
  begins(node: string): void {
    const held = this.#held.get(node);
    if (held !== undefined) held.written = '';
  }

  /** @param differs whether the node's part differs from the feed's */
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
        this.#options.log.warn(
          { err: error },
          'the status of nodes cannot be written: segue fleet status shows an older one',
        );
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
      // An unchanged status is not written: last-seen times are written for many nodes at once.
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

/** A status without fields that change on their own, or with commits that do not concern the node. */
function comparable(status: NodeStatus, differs: boolean): string {
  const left: Partial<NodeStatus> = { ...status };
  for (const key of ['cpuSeconds', 'residentBytes', 'sequence', 'applied'] as const) delete left[key];
  return JSON.stringify([differs, left]);
}
