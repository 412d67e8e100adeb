import { endOf } from '../keys.js';
import type { WatchResponse } from '../rpc.js';
import type { RealmKeys } from '../keys.js';
import type { EtcdClient } from '../store/etcd-client.js';

/** Interval of reading all, in milliseconds: a watch on a member without a leader stalls silently. */
const READ_MS = 5000;

/**
 * Fingerprints of revoked certificates in the store, updated by a watch. Without the store the last known ones apply; a feed that has never read
 * them serves nobody.
 */
export class Revocations {
  readonly #client: EtcdClient;
  readonly #prefix: string;
  readonly #changed: () => void;
  #revoked: ReadonlySet<string> | undefined;
  #error: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closeWatch: (() => void) | undefined;
  #isClosed = false;

  /** @param changed called when a certificate was revoked, and after the first reading */
  constructor(client: EtcdClient, keys: RealmKeys, changed: () => void) {
    this.#client = client;
    this.#prefix = keys.revoked;
    this.#changed = changed;
  }

  /** Whether they have been read. */
  get isKnown(): boolean {
    return this.#revoked !== undefined;
  }

  /** Error of the last reading, if it failed. */
  get error(): string | undefined {
    return this.#error;
  }

  has(fingerprint: string): boolean {
    return this.#revoked?.has(fingerprint) ?? false;
  }

  start(): void {
    void this.#read();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#closeWatch?.();
  }

  async #read(): Promise<void> {
    clearTimeout(this.#timer);
    try {
      const request = { key: Buffer.from(this.#prefix), range_end: endOf(this.#prefix), keys_only: true };
      const { kvs, header } = await this.#client.range(request);
      this.#set(kvs.map(({ key }) => key.toString().slice(this.#prefix.length)));
      this.#error = undefined;
      if (!this.#isClosed) this.#watch(header.revision + 1);
    } catch (error) {
      this.#error = (error as Error).message;
    }
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => {
      void this.#read();
    }, READ_MS);
  }

  #set(fingerprints: readonly string[]): void {
    const before = this.#revoked;
    this.#revoked = new Set(fingerprints);
    if (before === undefined || fingerprints.some((one) => !before.has(one))) this.#changed();
  }

  /** Starts the watch unless there is one. If it ends, all are read again within READ_MS. */
  #watch(from: number): void {
    if (this.#closeWatch !== undefined) return;
    const { stream, close, failed } = this.#client.openWatch();
    const end = (): void => {
      if (this.#closeWatch !== end) return;
      this.#closeWatch = undefined;
      close();
    };
    this.#closeWatch = end;
    stream.on('error', () => {
      if (this.#closeWatch === end) failed();
      end();
    });
    stream.on('end', end);
    stream.on('data', ({ canceled, events }: WatchResponse) => {
      if (canceled) return end();
      const added = events.filter(({ type }) => type === 'PUT');
      if (added.length === 0) return;
      this.#set([...(this.#revoked ?? []), ...added.map(({ kv }) => kv.key.toString().slice(this.#prefix.length))]);
    });
    stream.write({
      create_request: { key: Buffer.from(this.#prefix), range_end: endOf(this.#prefix), start_revision: from },
    });
  }
}
