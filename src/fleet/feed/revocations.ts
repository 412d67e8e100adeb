import { endOf } from '../keys.js';
import type { WatchResponse } from '../rpc.js';
import type { RealmKeys } from '../keys.js';
import type { EtcdClient } from '../store/etcd-client.js';

/** How often all are read anew, milliseconds: a watch that hangs on a member without a leader does not say so. */
const READ_MS = 5000;

/**
 * Fingerprints of certificates that are revoked, as the store has them: told at once by a watch. While the store is gone those count that were
 * known before; a feed that never knew them serves nobody.
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

  /** @param changed one is revoked that was not, or the first were read */
  constructor(client: EtcdClient, keys: RealmKeys, changed: () => void) {
    this.#client = client;
    this.#prefix = keys.revoked;
    this.#changed = changed;
  }

  /** False until they were read. */
  get isKnown(): boolean {
    return this.#revoked !== undefined;
  }

  /** Why they were not read last time. */
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

  /** One at a time; whatever ends it, all are read anew within READ_MS. */
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
