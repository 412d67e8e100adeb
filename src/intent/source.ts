/** Where intents come from. A file today; whatever else (etcd) gives a first snapshot and then changes fits as well. */
import type { Intent, IntentChange } from './types.js';

/** Told how far what a source gave is: the plan has moved to it, the kernel has it. Each comes once, and both may never come. */
export type IntentProgress = (stage: 'planned' | 'applied') => void;

export type IntentEvent =
  /** The first intent. Comes once, and nothing but errors comes before it. */
  | { type: 'snapshot'; intent: Intent; progress?: IntentProgress }
  /**
   * The intent moved on by these changes, never without any but for one case: after an error the source is again what
   * it last gave. `intent` is the whole of it, after the changes.
   *
   * `named`: the source was asked for each change by itself (a key of a store that was deleted). Absent where two whole intents were
   * compared: what is missing in one may be missing by accident.
   */
  | { type: 'change'; changes: IntentChange[]; intent: Intent; named?: true; progress?: IntentProgress }
  /**
   * The source holds something that is refused (IntentError), or could not be read this time (any other error; it is tried again).
   * What it gave before stays valid.
   */
  | { type: 'error'; error: Error };

export type IntentListener = (event: IntentEvent) => void;

export interface IntentSource {
  /** Begins to watch. Resolves when the first snapshot, or the error instead of it, has been given to the listener. */
  start(listener: IntentListener): Promise<void>;
  /** Stops: the listener is not called again. */
  close(): void;
}
