import { SetDigest } from '../digest.js';
import type { ServerWritableStream, status } from '@grpc/grpc-js';
import type { Peer } from '../peer.js';
import type { FollowRequest, Update } from '../rpc.js';
import type { ScopedChange } from '../scope/scope-index.js';
import type { Head } from '../types.js';

/** Limits of a message: gRPC allows 4 MiB by default. */
const MAX_CHANGES = 2000;
const MAX_BYTES = 1_000_000;
/** Most bytes queued for a node that does not read; beyond that it gets its whole part once it reads. */
const MAX_QUEUED_BYTES = 16_000_000;

export type FollowStream = ServerWritableStream<FollowRequest, Partial<Update>>;

/**
 * Changes to be sent to one node. A node that reads slowly gets fewer and larger messages, with only the last value of each entity, which lead to a
 * single commit.
 */
export class NodeQueue {
  readonly node: string;
  /** The client by the certificate with which the stream was opened. */
  readonly peer: Peer;
  readonly #stream: FollowStream;
  /** The node's whole part as of now, requested if too much is queued. */
  readonly #whole: () => ScopedChange[];
  #digest = new SetDigest();
  readonly #queued = new Map<string, Buffer>();
  #queuedBytes = 0;
  #head: Head | undefined;
  /** Stamps of the oldest queued commit, since the longest wait counts. */
  #fed: { writtenMs: number; fedMs: number } | undefined;
  #needsWhole = false;
  #isBlocked = false;

  constructor(node: string, stream: FollowStream, peer: Peer, whole: () => ScopedChange[]) {
    this.node = node;
    this.peer = peer;
    this.#stream = stream;
    this.#whole = whole;
    stream.on('drain', () => {
      this.#isBlocked = false;
      this.#flush();
    });
  }

  /** Starts the stream: only names the commit if the node already has its part, else sends the whole part. */
  begin(part: readonly ScopedChange[], head: Head, { epoch, digest }: Pick<FollowRequest, 'epoch' | 'digest'>): void {
    this.#head = head;
    this.#digest = digestOf(part);
    if (epoch === head.epoch && digest === this.#digest.hex) this.#write([], false);
    else this.#write(messagesOf(part), true);
  }

  /** Whether a node's digest differs although it has received everything up to its sequence. */
  differsFrom({ epoch, sequence, digest }: { epoch: string; sequence: number; digest: string }): boolean {
    const head = this.#head;
    return epoch === head?.epoch && sequence === head.sequence && !this.#isBlocked && digest !== this.#digest.hex;
  }

  /** @param fedMs when the feed received the commit, milliseconds since 1970 */
  take(changes: readonly ScopedChange[], head: Head, fedMs: number): void {
    if (this.#queued.size === 0) this.#fed = { writtenMs: head.timeMs, fedMs };
    const isOther = head.epoch !== this.#head?.epoch;
    this.#head = head;
    for (const { key, before, after } of changes) {
      if (before !== undefined) this.#digest.toggle(key, JSON.stringify(before));
      const value = after === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(after));
      if (after !== undefined) this.#digest.toggle(key, value);
      if (this.#needsWhole) continue;
      this.#queuedBytes += key.length + value.length - (this.#queued.get(key)?.length ?? -key.length);
      this.#queued.set(key, value);
    }
    if (isOther || this.#queuedBytes > MAX_QUEUED_BYTES) this.#needsWhole = true;
    this.#flush();
  }

  /** Sends the feed's position as a heartbeat. */
  beat(head: Head, status: Pick<Update, 'behind_ms' | 'held'>): void {
    if (this.#isBlocked) return;
    this.#head = head;
    this.#stream.write({
      epoch: head.epoch,
      sequence: head.sequence,
      written_ms: head.timeMs,
      digest: this.#digest.hex,
      ...status,
    });
  }

  end(): void {
    this.#stream.end();
  }

  refuse(code: status, details: string): void {
    this.#stream.emit('error', { code, details });
  }

  #flush(): void {
    if (this.#isBlocked || (this.#queued.size === 0 && !this.#needsWhole)) return;
    const isWhole = this.#needsWhole;
    const changes = isWhole ? messagesOf(this.#whole()) : [...this.#queued].map(([key, value]) => ({ key, value }));
    this.#queued.clear();
    this.#queuedBytes = 0;
    this.#needsWhole = false;
    this.#write(changes, isWhole);
  }

  #write(changes: Update['changes'], snapshot: boolean): void {
    const head = this.#head;
    if (head === undefined) return;
    const { writtenMs = head.timeMs, fedMs = 0 } = this.#fed ?? {};
    this.#fed = undefined;
    const common = { epoch: head.epoch, sequence: head.sequence, written_ms: writtenMs, fed_ms: fedMs };
    let part: Update['changes'] = [];
    let bytes = 0;
    let isOpen = true;
    const send = (more: boolean): void => {
      const update = { ...common, changes: part, more, snapshot, ...(!more && { digest: this.#digest.hex }) };
      isOpen = this.#stream.write(update);
      part = [];
      bytes = 0;
    };
    for (const change of changes) {
      if (part.length === MAX_CHANGES || bytes > MAX_BYTES) send(true);
      part.push(change);
      bytes += change.key.length + change.value.length;
    }
    send(false);
    this.#isBlocked = !isOpen;
  }
}

function messagesOf(part: readonly ScopedChange[]): Update['changes'] {
  return part.map(({ key, after }) => ({ key, value: Buffer.from(JSON.stringify(after)) }));
}

function digestOf(part: readonly ScopedChange[]): SetDigest {
  const digest = new SetDigest();
  for (const { key, after } of part) digest.toggle(key, JSON.stringify(after));
  return digest;
}
