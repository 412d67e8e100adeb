/** Tells systemd that the work queue turns (sd_notify(3), WATCHDOG=1), and how the agent is. */
import { notifySystemd } from './notify-systemd.js';

/** How often systemd is told how the agent is, milliseconds, where it does not watch. */
const STATUS_MS = 20_000;
const MICROSECONDS_A_MS = 1000;
/** Times within the watchdog's time that the queue is asked to turn. */
const TIMES = 3;

export interface WatchdogOptions {
  /** Tasks of the queue that have ended. */
  turns: () => number;
  /** Puts an empty task into the queue. */
  turn: () => void;
  /** How far the task under way is, in words; empty: nothing is known of it. */
  progress: () => string;
  status: () => string;
}

/** A queue that neither turns nor gets on is not vouched for: systemd then starts the agent anew. */
export class Watchdog {
  readonly #options: WatchdogOptions;
  readonly #isWatched: boolean;
  readonly #everyMs: number;
  #timer: NodeJS.Timeout | undefined;
  #turns = -1;
  #progress = '';
  #isAsked = false;

  constructor(options: WatchdogOptions, env: NodeJS.ProcessEnv = process.env) {
    this.#options = options;
    const microseconds = Number(env.WATCHDOG_USEC);
    this.#isWatched = microseconds > 0 && (env.WATCHDOG_PID === undefined || Number(env.WATCHDOG_PID) === process.pid);
    this.#everyMs = this.#isWatched ? microseconds / MICROSECONDS_A_MS / TIMES : STATUS_MS;
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.#look();
    }, this.#everyMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const { turns, turn, progress, status } = this.#options;
    const [turnsNow, progressNow] = [turns(), progress()];
    const isAlive = turnsNow !== this.#turns || (progressNow !== '' && progressNow !== this.#progress);
    if (turnsNow !== this.#turns) this.#isAsked = false;
    this.#turns = turnsNow;
    this.#progress = progressNow;
    const text = `STATUS=${progressNow === '' ? status() : progressNow}`;
    notifySystemd(...(this.#isWatched && isAlive ? ['WATCHDOG=1'] : []), text);
    // One that waits tells as much as many.
    if (!this.#isWatched || this.#isAsked) return;
    this.#isAsked = true;
    turn();
  }
}
