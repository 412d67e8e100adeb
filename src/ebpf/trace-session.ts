/** Trace sessions: each has a slot, a filter and a ring buffer of its own (bpf/trace/trace.h). */
import { hrtime } from 'node:process';
import { BpfMap, RingBuffer } from 'libbpf-ts';
import * as layouts from './generated/layouts.js';
import { REASONS } from './counters.js';
import type { FastpathMaps } from './maps.js';

export const { MAX_TRACE_SESSIONS, SNAP_MAX } = layouts.Limits;
const { REASON_BITS } = layouts.Limits;

/** Seconds that a session lives after its last renewal: a killed process costs packets nothing after that. */
const LEASE_SECONDS = 5n;
const NS_PER_SECOND = 1_000_000_000n;

/** Parameters of a trace session. */
export interface WatchFilter {
  /** Numbers of reasons; absent: all. */
  reasons?: readonly number[];
  /** Tenant id: packets from this tenant. */
  tenant?: number;
  /** With `tenant`, the same id: also packets to the tenant at a network node. */
  peer?: number;
  /** Packets that arrive or leave at this interface. */
  ifindex?: number;
  /** Events a second for each reason and CPU; absent: unlimited. */
  rate?: number;
  /** Bytes of each packet to capture, at most SNAP_MAX. */
  snap: number;
  /** Size of the ring buffer in bytes: a power of two of pages. */
  ringBytes: number;
}

/** A packet and its verdict. */
export interface TraceEvent extends layouts.TraceEvent {
  /** The frame as it arrived: `captured` bytes of `length`. */
  before: Buffer;
  /** The frame as it leaves, if a program altered it: `afterCaptured` bytes of `afterLength`. */
  after: Buffer | undefined;
}

/** Events that a session lost: beyond its rate, or beyond the space in its ring. */
export interface TraceLoss {
  /** Numbers by reason. */
  suppressed: ReadonlyMap<number, number>;
  lost: number;
}

/** All slots are taken. */
export class NoTraceSlotError extends Error {
  readonly code = 'FASTPATH_WATCHERS';

  constructor() {
    super(`all ${MAX_TRACE_SESSIONS} trace sessions are in use (segue monitor, segue capture): end one of them`);
    this.name = 'WatchersError';
  }
}

type WatchMaps = Pick<FastpathMaps, 'sg_trace_on' | 'sg_trace_sess' | 'sg_trace_rate' | 'sg_trace_rings'>;

export class TraceSession {
  /** Own descriptors: pins and other users of the maps may go while the session runs. */
  readonly #maps: WatchMaps;
  readonly #filter: WatchFilter;
  readonly #slot: number;
  readonly #ring: BpfMap;
  readonly #buffer: RingBuffer;
  #records = 0;

  /**
   * Opens a session. Two processes must not do so at the same time.
   *
   * @param handler gets copies, which it may keep
   * @throws NoTraceSlotError, LibbpfError
   */
  constructor(maps: WatchMaps, filter: WatchFilter, handler: (seen: TraceEvent) => void) {
    this.#filter = filter;
    this.#slot = freeSlot(maps);
    this.#maps = {
      sg_trace_on: maps.sg_trace_on.clone(),
      sg_trace_sess: maps.sg_trace_sess.clone(),
      sg_trace_rate: maps.sg_trace_rate.clone(),
      sg_trace_rings: maps.sg_trace_rings.clone(),
    };
    this.#ring = BpfMap.create({
      type: 'ringbuf',
      keySize: 0,
      valueSize: 0,
      maxEntries: filter.ringBytes,
      name: 'segue_watch',
    });
    const onRecord = (record: Buffer): void => {
      this.#records += 1;
      handler(readSeen(record));
    };
    this.#buffer = new RingBuffer(this.#ring, onRecord, { reuse: true });
    const { sg_trace_rings, sg_trace_rate } = this.#maps;
    sg_trace_rings.updateHandle(u32(this.#slot), this.#ring);
    for (let reason = 0; reason < REASON_BITS; reason++) {
      sg_trace_rate.update(u32(this.#slot * REASON_BITS + reason), Buffer.alloc(sg_trace_rate.valueSize));
    }
    this.renew();
  }

  /** Delivers events through the event loop. */
  start(): this {
    this.#buffer.start();
    return this;
  }

  /** Stops delivery; the ring fills until start() is called again. */
  stop(): void {
    this.#buffer.stop();
  }

  /** Delivers the events in the ring. @returns their number */
  consume(): number {
    return this.#buffer.consume();
  }

  /** Renews the lease; to be called about every second. @returns false if the lease had expired and another session has the slot */
  renew(): boolean {
    const { sg_trace_rings, sg_trace_sess, sg_trace_on } = this.#maps;
    const ringId = sg_trace_rings.lookup(u32(this.#slot))?.readUInt32LE(0);
    if (ringId !== this.#ring.info.id) return false;
    const { reasons, tenant = 0, peer = 0, ifindex = 0, rate = 0, snap } = this.#filter;
    const wanted = reasons ?? REASONS.keys();
    const mask = [...wanted].reduce((bits, reason) => bits | (1n << BigInt(reason)), 0n);
    const watcher = Buffer.alloc(layouts.TraceSession.SIZE);
    const until = monotonic() + LEASE_SECONDS * NS_PER_SECOND;
    layouts.TraceSession.encode(watcher, 0, {
      until,
      reasons: mask,
      tenant,
      ifindex,
      rate,
      peer,
      records: BigInt(this.#records),
    });
    sg_trace_sess.update(u32(this.#slot), watcher);
    const now = readWatching(sg_trace_on);
    const want = { active: now.active | (1 << this.#slot), snap: now.active === 0 ? snap : Math.max(now.snap, snap) };
    if (want.active !== now.active || want.snap !== now.snap) writeWatching(sg_trace_on, want);
    return true;
  }

  /** Events lost so far. */
  missed(): TraceLoss {
    return missedBy(this.#maps, this.#slot);
  }

  /** Ends the session and discards the ring's contents. May be called twice. */
  close(): void {
    if (this.#ring.closed) return;
    const { sg_trace_rings, sg_trace_sess, sg_trace_on } = this.#maps;
    if (sg_trace_rings.lookup(u32(this.#slot))?.readUInt32LE(0) === this.#ring.info.id) {
      const { active, snap } = readWatching(sg_trace_on);
      writeWatching(sg_trace_on, { active: active & ~(1 << this.#slot), snap });
      const ended = Buffer.alloc(layouts.TraceSession.SIZE);
      ended.writeBigUInt64LE(BigInt(this.#records), layouts.TraceSession.OFFSETS.records);
      sg_trace_sess.update(u32(this.#slot), ended);
      sg_trace_rings.delete(u32(this.#slot));
    }
    this.#buffer.close();
    this.#ring.close();
    for (const map of Object.values(this.#maps)) map.close();
  }
}

/** Delivered and lost events of each slot's present or last session. Each session starts at zero. */
export function watcherCounts(maps: WatchMaps): { records: number; suppressed: number; lost: number }[] {
  return Array.from({ length: MAX_TRACE_SESSIONS }, (_none, slot) => {
    const value = maps.sg_trace_sess.lookup(u32(slot));
    const records = value === undefined ? 0 : Number(layouts.TraceSession.decode(value, 0).records);
    const { suppressed, lost } = missedBy(maps, slot);
    return { records, suppressed: [...suppressed.values()].reduce((sum, one) => sum + one, 0), lost };
  });
}

function missedBy({ sg_trace_rate }: WatchMaps, slot: number): TraceLoss {
  const suppressed = new Map<number, number>();
  let lost = 0;
  for (const reason of REASONS.keys()) {
    const value = sg_trace_rate.lookup(u32(slot * REASON_BITS + reason));
    if (value === undefined) continue;
    const all = sg_trace_rate.cpuValues(value).map((bytes) => layouts.TraceRatelimit.decode(bytes, 0));
    const count = all.reduce((total, one) => total + Number(one.suppressed), 0);
    if (count > 0) suppressed.set(reason, count);
    lost += all.reduce((total, one) => total + Number(one.lost), 0);
  }
  return { suppressed, lost };
}

/** A free slot, or one whose session ended without releasing it. */
function freeSlot({ sg_trace_sess }: WatchMaps): number {
  const now = monotonic();
  for (let slot = 0; slot < MAX_TRACE_SESSIONS; slot++) {
    const value = sg_trace_sess.lookup(u32(slot));
    if (value !== undefined && layouts.TraceSession.decode(value, 0).until < now) return slot;
  }
  throw new NoTraceSlotError();
}

function readSeen(record: Buffer): TraceEvent {
  const event = layouts.TraceEvent.decode(record, 0);
  const before = Buffer.from(record.subarray(layouts.TraceEvent.SIZE, layouts.TraceEvent.SIZE + event.captured));
  const rest = record.subarray(
    layouts.TraceEvent.SIZE + event.captured,
    layouts.TraceEvent.SIZE + event.captured + event.afterCaptured,
  );
  return { ...event, before, after: event.afterCaptured === 0 ? undefined : Buffer.from(rest) };
}

function readWatching(map: BpfMap): layouts.TraceEnabled {
  return layouts.TraceEnabled.decode(map.lookup(u32(0)) ?? Buffer.alloc(layouts.TraceEnabled.SIZE), 0);
}

function writeWatching(map: BpfMap, value: layouts.TraceEnabled): void {
  const bytes = Buffer.alloc(layouts.TraceEnabled.SIZE);
  layouts.TraceEnabled.encode(bytes, 0, value);
  map.update(u32(0), bytes);
}

/** CLOCK_MONOTONIC in ns, as bpf_ktime_get_ns reports it. */
export function monotonic(): bigint {
  return hrtime.bigint();
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
