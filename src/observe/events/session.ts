/** A trace session for as long as a command runs, even if the agent replaces the maps meanwhile. */
import { join } from 'node:path';
import { withNodeLock } from '../../kernel/lock.js';
import { TraceSession } from '../../ebpf/trace-session.js';
import type { FastpathStore } from '../../ebpf/fastpath.js';
import type { FastpathMaps } from '../../ebpf/maps.js';
import type { TraceLoss, TraceEvent, WatchFilter } from '../../ebpf/trace-session.js';

/** Interval of renewing the lease and checking the maps, in milliseconds. */
const TICK_MS = 1000;
/** Time-out of waiting for another process that is opening a session, in milliseconds. */
const PLACE_TIMEOUT_MS = 10_000;
const LOCK_DIRECTORY = 'watch';

export interface SessionOptions {
  fastpath: FastpathStore;
  /** Run-time directory of the node. */
  runDirectory: string;
  /** Called whenever maps are opened: indexes of interfaces may have changed. */
  filter: () => WatchFilter;
  onSeen: (seen: TraceEvent, maps: FastpathMaps) => void;
  /** Called at most once a second with the loss since the last call. */
  onMissed: (missed: TraceLoss) => void;
  /** Called when the session has started. */
  onStart: () => void;
  /** Called with messages about the maps. */
  onChange: (text: string) => void;
}

export class EventSession {
  readonly #options: SessionOptions;
  #watch: TraceSession | undefined;
  #mapId = 0;
  #reported: TraceLoss = { suppressed: new Map(), lost: 0 };
  #paused = false;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /**
   * Runs until it is stopped.
   *
   * @returns false if there is no fast path at the start
   * @throws NoTraceSlotError if all slots are taken
   */
  async run(stopped: AbortSignal): Promise<boolean> {
    if (!(await this.#look())) return false;
    this.#options.onStart();
    try {
      while (!stopped.aborted) {
        await sleep(TICK_MS, stopped);
        if (!stopped.aborted) await this.#tick();
      }
    } finally {
      this.#end();
    }
    return true;
  }

  /** Pauses delivery: the ring fills, and events beyond its space are counted. */
  pause(): void {
    this.#paused = true;
    this.#watch?.stop();
  }

  resume(): void {
    this.#paused = false;
    this.#watch?.start();
  }

  async #tick(): Promise<void> {
    const { fastpath, onChange } = this.#options;
    this.#tellMissed();
    const id = fastpath.maps?.sg_trace_on.info.id;
    if (id === undefined) {
      if (this.#watch === undefined) return;
      this.#end();
      onChange("the fast path's maps are gone: waiting for new ones (segue apply or the agent makes them)");
      return;
    }
    if (this.#watch !== undefined && id === this.#mapId && this.#watch.renew()) return;
    this.#end();
    if (await this.#look()) onChange('the fast path was made again: continuing with the new one');
  }

  async #look(): Promise<boolean> {
    const { fastpath, runDirectory, filter, onSeen } = this.#options;
    return withNodeLock(
      join(runDirectory, LOCK_DIRECTORY),
      () => {
        const { maps } = fastpath;
        if (maps === undefined) return Promise.resolve(false);
        this.#mapId = maps.sg_trace_on.info.id;
        this.#watch = new TraceSession(maps, filter(), (seen) => {
          const current = fastpath.maps;
          if (current !== undefined) onSeen(seen, current);
        });
        if (!this.#paused) this.#watch.start();
        return Promise.resolve(true);
      },
      PLACE_TIMEOUT_MS,
    );
  }

  #tellMissed(): void {
    if (this.#watch === undefined) return;
    const now = this.#watch.missed();
    const suppressed = new Map<number, number>();
    for (const [reason, count] of now.suppressed) {
      const more = count - (this.#reported.suppressed.get(reason) ?? 0);
      if (more > 0) suppressed.set(reason, more);
    }
    const lost = now.lost - this.#reported.lost;
    this.#reported = now;
    if (suppressed.size > 0 || lost > 0) this.#options.onMissed({ suppressed, lost });
  }

  #end(): void {
    if (this.#watch === undefined) return;
    if (!this.#paused) this.#watch.consume();
    this.#tellMissed();
    this.#watch.close();
    this.#watch = undefined;
    this.#reported = { suppressed: new Map(), lost: 0 };
  }
}

/** Ends early if it is stopped. */
export function sleep(ms: number, stopped: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      stopped.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    stopped.addEventListener('abort', end);
  });
}
