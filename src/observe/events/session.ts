/** Looks on for as long as a command runs, whatever the agent does meanwhile: maps may go, and others come. */
import { join } from 'node:path';
import { withNodeLock } from '../../kernel/lock.js';
import { TraceSession } from '../../ebpf/trace-session.js';
import type { FastpathStore } from '../../ebpf/fastpath.js';
import type { FastpathMaps } from '../../ebpf/maps.js';
import type { TraceLoss, TraceEvent, WatchFilter } from '../../ebpf/trace-session.js';

/** How often the lease is renewed and the maps are looked at, milliseconds. */
const TICK_MS = 1000;
/** Two that look for a place at once: the second waits so long at most, milliseconds. */
const PLACE_TIMEOUT_MS = 10_000;
const LOCK_DIRECTORY = 'watch';

export interface SessionOptions {
  fastpath: FastpathStore;
  /** Of the node. */
  runDirectory: string;
  /** Asked whenever maps are opened: interfaces may have other numbers by then. */
  filter: () => WatchFilter;
  onSeen: (seen: TraceEvent, maps: FastpathMaps) => void;
  /** What was not told since the last time, at most once a second. */
  onMissed: (missed: TraceLoss) => void;
  /** Once it looks on. */
  onStart: () => void;
  /** In words, what happened to the maps. */
  onChange: (text: string) => void;
}

export class EventSession {
  readonly #options: SessionOptions;
  #watch: TraceSession | undefined;
  #mapId = 0;
  #told: TraceLoss = { suppressed: new Map(), lost: 0 };
  #paused = false;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /**
   * Looks on until it is stopped.
   *
   * @returns false where there is no fast path to begin with
   * @throws NoTraceSlotError when every slot is taken
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

  /** Takes no more for now: the ring fills, and what has no room there is counted. */
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
    const id = fastpath.maps?.watching.info.id;
    if (id === undefined) {
      if (this.#watch === undefined) return;
      this.#end();
      onChange("the fast path's maps are gone: waiting for others (they come with segue apply, or the agent)");
      return;
    }
    if (this.#watch !== undefined && id === this.#mapId && this.#watch.renew()) return;
    this.#end();
    if (await this.#look()) onChange('the fast path was made anew: looking on there');
  }

  async #look(): Promise<boolean> {
    const { fastpath, runDirectory, filter, onSeen } = this.#options;
    return withNodeLock(
      join(runDirectory, LOCK_DIRECTORY),
      () => {
        const { maps } = fastpath;
        if (maps === undefined) return Promise.resolve(false);
        this.#mapId = maps.watching.info.id;
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
      const more = count - (this.#told.suppressed.get(reason) ?? 0);
      if (more > 0) suppressed.set(reason, more);
    }
    const lost = now.lost - this.#told.lost;
    this.#told = now;
    if (suppressed.size > 0 || lost > 0) this.#options.onMissed({ suppressed, lost });
  }

  #end(): void {
    if (this.#watch === undefined) return;
    if (!this.#paused) this.#watch.consume();
    this.#tellMissed();
    this.#watch.close();
    this.#watch = undefined;
    this.#told = { suppressed: new Map(), lost: 0 };
  }
}

/** Ends early when it is stopped. */
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
