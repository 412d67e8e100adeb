/** Looking on while the programs work: each watcher has a slot, a filter and a ring buffer of its own (bpf/trace/trace.h). */
import { hrtime } from 'node:process';
import { BpfMap, RingBuffer } from 'libbpf-ts';
import * as layouts from './generated/layouts.js';
import { REASONS } from './counters.js';
import type { FastpathMaps } from './maps.js';

export const { MAX_TRACE_SESSIONS, SNAP_MAX } = layouts.Limits;
const { REASON_BITS } = layouts.Limits;

/** How long a watcher is served after its last renewal: one that was killed costs packets nothing after that. Seconds. */
const LEASE_SECONDS = 5n;
const NS_PER_SECOND = 1_000_000_000n;

/** What a watcher wants to be told. */
export interface WatchFilter {
  /** Numbers of reasons; absent: every one. */
  reasons?: readonly number[];
  /** Tenant id: packets that are from it. */
  tenant?: number;
  /** With `tenant`, the same id: packets that are for it at a network node, too. */
  peer?: number;
  /** Packets that came in by this interface, or leave by it. */
  ifindex?: number;
  /** Events a second of each reason and CPU; absent: all. */
  rate?: number;
  /** Bytes to keep of a packet, at most SNAP_MAX. */
  snap: number;
  /** Size of the ring buffer: a power of two of pages, bytes. */
  ringBytes: number;
}

/** What became of a packet. */
export interface TraceEvent extends layouts.TraceEvent {
  /** The frame as it came: `captured` bytes of `length`. */
  before: Buffer;
  /** The frame as it leaves, where a program altered it: `afterCaptured` bytes of `afterLength`. */
  after: Buffer | undefined;
}

/** What a watcher was not told: more than its rate, or than its ring had room for. */
export interface TraceLoss {
  /** By number of reason. */
  suppressed: ReadonlyMap<number, number>;
  lost: number;
}

/** Every slot is taken. */
export class NoTraceSlotError extends Error {
  readonly code = 'FASTPATH_WATCHERS';

  constructor() {
    super(`${MAX_TRACE_SESSIONS} others look on already (segue monitor, segue capture): expected a free place`);
    this.name = 'WatchersError';
  }
}

type WatchMaps = Pick<FastpathMaps, 'sg_trace_on' | 'sg_trace_sess' | 'sg_trace_rate' | 'sg_trace_rings'>;

export class TraceSession {
  /** Of its own: the pins, and those who have them open, may go while it looks on. */
  readonly #maps: WatchMaps;
  readonly #filter: WatchFilter;
  readonly #slot: number;
  readonly #ring: BpfMap;
  readonly #buffer: RingBuffer;
  #records = 0;

  /**
   * Begins to look on. Not to be done by two processes at once.
   *
   * @param handler gets copies: it may keep them
   * @throws WatchersError, LibbpfError
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

  /** Hands over what comes, through the event loop. */
  start(): this {
    this.#buffer.start();
    return this;
  }

  /** Until start() again the ring fills. */
  stop(): void {
    this.#buffer.stop();
  }

  /** Hands over what is there. @returns events handed over */
  consume(): number {
    return this.#buffer.consume();
  }

  /** To be called every second or so. @returns false: another has the slot now, as this one slept too long */
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

  /** What it was not told so far. */
  missed(): TraceLoss {
    return missedBy(this.#maps, this.#slot);
  }

  /** Ends it; what is in the ring is dropped. Twice does no harm. */
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

/** What whoever has a slot, or had it last, was told and was not told; each who takes the slot begins at zero. */
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

/** A slot that nobody has, or whose session ended without releasing it. */
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

/** ns of CLOCK_MONOTONIC, as bpf_ktime_get_ns has it. */
export function monotonic(): bigint {
  return hrtime.bigint();
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
