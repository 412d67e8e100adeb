/** Converts times of events (CLOCK_MONOTONIC) to wall-clock time. */
import { monotonic } from '../../ebpf/trace-session.js';

const NS_PER_MS = 1_000_000n;
const NS_PER_US = 1000n;

export class EventClock {
  /** Offset of the clocks in ns, fixed at creation, so that time does not jump during a run. */
  readonly #offset = BigInt(Math.round((performance.timeOrigin + performance.now()) * 1e3)) * NS_PER_US - monotonic();

  /** ns since 1970. */
  nanoseconds(time: bigint): bigint {
    return time + this.#offset;
  }

  now(): string {
    return timeText(this.nanoseconds(monotonic()));
  }

  text(time: bigint): string {
    return timeText(this.nanoseconds(time));
  }
}

/** RFC 3339 in UTC with microseconds. */
export function timeText(nanoseconds: bigint): string {
  const seconds = new Date(Number(nanoseconds / NS_PER_MS)).toISOString().slice(0, 19);
  const microseconds = (nanoseconds / NS_PER_US) % 1_000_000n;
  return `${seconds}.${String(microseconds).padStart(6, '0')}Z`;
}
