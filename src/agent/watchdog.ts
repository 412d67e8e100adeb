/** Reports to systemd that the work queue makes progress (sd_notify(3), WATCHDOG=1), and the agent's state. */
import { notifySystemd } from './notify-systemd.js';

/** Interval of reports to systemd without a watchdog, in milliseconds. */
const STATUS_MS = 20_000;
const MICROSECONDS_A_MS = 1000;
/** Checks within the watchdog's time-out. */
const TIMES = 3;

export interface WatchdogOptions {
  /** Number of tasks that have ended. */
  turns: () => number;
  /** Queues an empty task. */
  turn: () => void;
  /** Progress of the current task; empty: unknown. */
  progress: () => string;
  status: () => string;
}

/** Sends WATCHDOG=1 only while tasks end or the current one makes progress. Otherwise systemd restarts the agent. */
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
    // One empty task in the queue is enough.
    if (!this.#isWatched || this.#isAsked) return;
    this.#isAsked = true;
    turn();
  }
}
