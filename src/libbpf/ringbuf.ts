/**
 * Reading a ring buffer (BPF_MAP_TYPE_RINGBUF) through the event loop. The kernel's pages are mapped and read here, in TypeScript:
 * some 25 times as fast as ring_buffer__consume() with a callback through koffi (bench/micro). The protocol is kernel/bpf/ringbuf.c's, the reader's part
 * as in libbpf's ringbuf.c, ringbuf_process_ring().
 */
import { LibbpfError } from './errors.js';
import { lastErrno, libc, poll, type PollHandle, view } from './ffi.js';
import type { BpfMap } from './map.js';

const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;
const MAP_FAILED = 2n ** 64n - 1n;

/** bits of a record's length, and its header's size (linux/bpf.h) */
const BUSY_BIT = 1 << 31;
const DISCARD_BIT = 1 << 30;
const HEADER_BYTES = 8;
/** Records of one turn of the event loop: others get theirs too; what is left makes the descriptor readable again. */
const RECORDS_PER_TURN = 8192;
/** Shorter records are copied word by word: calling into C++ costs more. */
const COPY_WORDS_MAX = 64;

/** Called with each record: a buffer of its own, or with `reuse` one that serves again for the next. */
export type RecordHandler = (record: Buffer) => void;

export interface RingBufferOptions {
  /** what the handler threw, or why polling stopped; default: an uncaught exception */
  onError?: (error: unknown) => void;
  /** false: does not keep the process alive */
  keepAlive?: boolean;
  /** true: one buffer serves every record, for handlers that decode at once */
  reuse?: boolean;
  /** ms: reads by a timer; default is the event loop's poll, and 5 where a runtime has none (Bun) */
  intervalMs?: number;
}

/** The mapped pages. Positions are bytes since the buffer was made; they fit a double for 9 PB. */
interface Mapping {
  consumerAddress: bigint;
  producerAddress: bigint;
  producerBytes: number;
  consumerPosition: BigInt64Array;
  producerPosition: BigInt64Array;
  /** the data twice in a row, so that every record is in one piece */
  words: Int32Array;
  bytes: Buffer;
}

export class RingBuffer {
  readonly #map: BpfMap;
  readonly #handler: RecordHandler;
  readonly #options: RingBufferOptions;
  readonly #page: number;
  readonly #mask: number;
  #mapping: Mapping | undefined;
  #position: number;
  #poll: PollHandle | undefined;
  #scheduled = false;
  #consuming = false;
  #scratchWords = new Int32Array(COPY_WORDS_MAX);
  #record = Buffer.alloc(0);

  /**
   * @param map must stay open as long as this is; several readers of one buffer take records from each other
   * @throws LibbpfError LIBBPF_ARGUMENT when the map is no ring buffer
   */
  constructor(map: BpfMap, handler: RecordHandler, options: RingBufferOptions = {}) {
    const { type, maxEntries } = map.info;
    if (type !== 'ringbuf') {
      throw new LibbpfError({
        code: 'LIBBPF_ARGUMENT',
        operation: `${map.label}: read as ring buffer`,
        reason: `it is a ${type}`,
      });
    }
    this.#map = map;
    this.#handler = handler;
    this.#options = options;
    this.#page = libc().getpagesize();
    this.#mask = maxEntries - 1;
    this.#mapping = this.#mapPages(maxEntries);
    this.#position = Number(Atomics.load(this.#mapping.consumerPosition, 0));
  }

  /** Bytes written and not read yet. */
  get available(): number {
    return Number(Atomics.load(this.#open('available').producerPosition, 0)) - this.#position;
  }

  /**
   * Hands over what is there, at most `limit` records, without waiting.
   * @returns records handed over; discarded ones do not count
   * @throws what the handler throws: that record counts as read
   */
  consume(limit = Infinity): number {
    const mapping = this.#open('consume');
    if (!(limit >= 0)) {
      throw new LibbpfError({
        code: 'LIBBPF_ARGUMENT',
        operation: `ring buffer of ${this.#map.label}: consume`,
        reason: `limit ${String(limit)}: expected a number from 0 up`,
      });
    }
    // A handler that consumes would see its own record again.
    if (this.#consuming) return 0;
    this.#consuming = true;
    const { words } = mapping;
    const mask = this.#mask;
    const releaseBytes = (mask + 1) >>> 3;
    let released = this.#position;
    let records = 0;
    try {
      for (;;) {
        const end = Number(Atomics.load(mapping.producerPosition, 0));
        if (this.#position >= end) break;
        while (this.#position < end && records < limit) {
          const offset = this.#position & mask;
          const length = Atomics.load(words, offset >>> 2);
          if ((length & BUSY_BIT) !== 0) return records;
          const bytes = length & ~DISCARD_BIT;
          this.#position += (bytes + HEADER_BYTES + 7) & ~7;
          if ((length & DISCARD_BIT) === 0) {
            records++;
            this.#handler(this.#copy(mapping, offset + HEADER_BYTES, bytes));
            if (this.#mapping === undefined) return records; // the handler closed us
          }
          // Room for the producer now and then: each store costs more than reading a record.
          if (this.#position - released >= releaseBytes) {
            Atomics.store(mapping.consumerPosition, 0, BigInt(this.#position));
            released = this.#position;
          }
        }
        if (records >= limit) break;
        // Seen by the producer before its position is read again: else it would not wake us for what it adds in between.
        Atomics.store(mapping.consumerPosition, 0, BigInt(this.#position));
        released = this.#position;
      }
      return records;
    } finally {
      if (this.#mapping !== undefined) Atomics.store(mapping.consumerPosition, 0, BigInt(this.#position));
      this.#consuming = false;
    }
  }

  /** Reads whenever there is something, until stop() or close(). */
  start(): this {
    this.#open('start');
    if (this.#poll) return this;
    const { intervalMs, keepAlive } = this.#options;
    const onReadable = (status: number): void => {
      // The poll callback has no callback scope of Node's; setImmediate's has one, in the same turn.
      if (this.#scheduled) return;
      this.#scheduled = true;
      setImmediate(() => {
        this.#scheduled = false;
        this.#turn(status);
      });
    };
    this.#poll = poll(this.#map.fd, onReadable, intervalMs);
    if (keepAlive === false) this.#poll.unref();
    return this;
  }

  stop(): void {
    this.#poll?.close();
    this.#poll = undefined;
  }

  /** Stops and unmaps. Twice does no harm; the map stays open. */
  close(): void {
    this.stop();
    const mapping = this.#mapping;
    if (mapping === undefined) return;
    Atomics.store(mapping.consumerPosition, 0, BigInt(this.#position));
    this.#mapping = undefined;
    libc().munmap(mapping.consumerAddress, this.#page);
    libc().munmap(mapping.producerAddress, mapping.producerBytes);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #turn(status: number): void {
    if (this.#poll === undefined || this.#mapping === undefined) return;
    try {
      if (status < 0) {
        this.stop();
        throw new LibbpfError({ operation: `${this.#map.label}: poll`, errno: -status });
      }
      this.consume(RECORDS_PER_TURN);
    } catch (error) {
      if (!this.#options.onError) throw error;
      this.#options.onError(error);
    }
  }

  /** The record in memory of ours: what a handler keeps must not outlive the mapping, nor change under it. */
  #copy(mapping: Mapping, offset: number, length: number): Buffer {
    if (this.#options.reuse !== true) {
      const own = Buffer.allocUnsafe(length);
      mapping.bytes.copy(own, 0, offset, offset + length);
      return own;
    }
    const words = (length + 3) >>> 2;
    if (words > this.#scratchWords.length) this.#scratchWords = new Int32Array(2 ** Math.ceil(Math.log2(words)));
    const scratch = this.#scratchWords;
    if (this.#record.length !== length || this.#record.buffer !== scratch.buffer) {
      this.#record = Buffer.from(scratch.buffer, 0, length);
    }
    if (words <= COPY_WORDS_MAX) {
      const source = mapping.words;
      for (let at = 0, from = offset >>> 2; at < words; at++, from++) scratch[at] = source[from] ?? 0;
    } else {
      mapping.bytes.copy(this.#record, 0, offset, offset + length);
    }
    return this.#record;
  }

  #mapPages(size: number): Mapping {
    const page = this.#page;
    const consumerAddress = this.#mmap(page, PROT_READ | PROT_WRITE, 0);
    const producerBytes = page + 2 * size;
    let producerAddress: bigint;
    try {
      producerAddress = this.#mmap(producerBytes, PROT_READ, page);
    } catch (error) {
      libc().munmap(consumerAddress, page);
      throw error;
    }
    const consumer = view(consumerAddress, page);
    const producer = view(producerAddress, producerBytes);
    return {
      consumerAddress,
      producerAddress,
      producerBytes,
      consumerPosition: new BigInt64Array(consumer, 0, 1),
      producerPosition: new BigInt64Array(producer, 0, 1),
      words: new Int32Array(producer, page, (2 * size) / 4),
      bytes: Buffer.from(producer, page, 2 * size),
    };
  }

  #mmap(bytes: number, protection: number, offset: number): bigint {
    const address = libc().mmap(null, bytes, protection, MAP_SHARED, this.#map.fd, offset);
    if (address !== null && address !== MAP_FAILED) return address;
    throw new LibbpfError({ operation: `${this.#map.label}: mmap ${bytes} bytes`, errno: lastErrno() });
  }

  #open(operation: string): Mapping {
    if (this.#mapping !== undefined) return this.#mapping;
    throw new LibbpfError({
      code: 'LIBBPF_CLOSED',
      operation: `ring buffer of ${this.#map.label}: ${operation}`,
      reason: 'it was closed',
    });
  }
}
