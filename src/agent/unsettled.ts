import { notifySystemd } from './notify-systemd.js';
import type { IntentProgress } from '../intent/source.js';
import type { Telemetry } from './telemetry.js';

/** Intents that were taken from the source and are not yet carried out: a task may throw half way, and a later one finish its work. */
export class Unsettled {
  readonly #telemetry: Telemetry;
  readonly #progress: IntentProgress[] = [];
  /** Digest of the last intent taken. */
  #taken: { digest: string | null } | undefined;
  #isHalfDone = false;

  constructor(telemetry: Telemetry) {
    this.#telemetry = telemetry;
  }

  /** A task starts to carry out an intent of the source. */
  take(digest: string | null, progress: IntentProgress | undefined): void {
    this.#taken = { digest };
    if (progress !== undefined) this.#progress.push(progress);
  }

  /** A task threw. */
  threw(): void {
    this.#isHalfDone = true;
  }

  /** A task has compared all objects with the plan. */
  comparedAll(): void {
    this.#isHalfDone = false;
  }

  /**
   * A task is done. The intents taken are carried out, unless a task that threw left its work half done.
   *
   * @param isHeld whether the removal guard blocks the intent
   */
  settle(isHeld: boolean): void {
    if (this.#isHalfDone) return;
    if (this.#taken !== undefined && !this.#telemetry.ready) {
      this.#telemetry.ready = true;
      notifySystemd('READY=1');
    }
    if (isHeld) return;
    if (this.#taken !== undefined) this.#telemetry.intentApplied(this.#taken.digest);
    this.#taken = undefined;
    for (const progress of this.#progress.splice(0)) progress('applied');
  }
}
