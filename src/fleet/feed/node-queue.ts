import { SetDigest } from '../digest.js';
import type { ServerWritableStream, status } from '@grpc/grpc-js';
import type { Peer } from '../peer.js';
import type { FollowRequest, Update } from '../rpc.js';
import type { ScopedChange } from '../scope/scope-index.js';
import type { Head } from '../types.js';

/** Of one message: gRPC takes 4 MiB by default. */
const MAX_CHANGES = 2000;
const MAX_BYTES = 1_000_000;
/** More than this is not kept for a node that does not read: it gets all of its part once it does. */
const MAX_QUEUED_BYTES = 16_000_000;

export type FollowStream = ServerWritableStream<FollowRequest, Partial<Update>>;

/**
 * What one node is still to be told. A node that reads slowly gets fewer and larger messages: of each entity the last value alone, and the whole
 * leads to one commit.
 */
export class NodeQueue {
  readonly node: string;
  /** By the certificate that the stream was begun with. */
  readonly peer: Peer;
  readonly #stream: FollowStream;
  /** All of the node's part as of now: asked for when too much is queued. */
  readonly #whole: () => ScopedChange[];
  #digest = new SetDigest();
  readonly #queued = new Map<string, Buffer>();
  #queuedBytes = 0;
  #head: Head | undefined;
  /** Of the oldest commit that is queued: what waits longest counts. */
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

  /** Begins: with nothing but the commit's name where the node has what it should have, else with all. */
  begin(part: readonly ScopedChange[], head: Head, { epoch, digest }: Pick<FollowRequest, 'epoch' | 'digest'>): void {
    this.#head = head;
    this.#digest = digestOf(part);
    if (epoch === head.epoch && digest === this.#digest.hex) this.#write([], false);
    else this.#write(messagesOf(part), true);
  }

  /** Whether a node says that it has another part, at the sequence up to which it was told all. */
  differsFrom({ epoch, sequence, digest }: { epoch: string; sequence: number; digest: string }): boolean {
    const head = this.#head;
    return epoch === head?.epoch && sequence === head.sequence && !this.#isBlocked && digest !== this.#digest.hex;
  }

  /** @param fedMs when the feed had the commit, milliseconds since 1970 */
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

  /** Says where the feed is. */
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
