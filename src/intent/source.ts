/** Sources of intents: a file, feeds of a fleet, or any other that gives a first snapshot and then changes. */
import type { Intent, IntentChange } from './types.js';

/** Reports progress with what a source gave: the plan was updated, then the kernel. Each stage is reported at most once. */
export type IntentProgress = (stage: 'planned' | 'applied') => void;

export type IntentEvent =
  /** The first intent. Comes once; only errors may precede it. */
  | { type: 'snapshot'; intent: Intent; progress?: IntentProgress }
  /**
   * The intent after these changes. `changes` is empty only when a source returns to its last intent after an error. `intent` is the whole intent,
   * including the changes.
   *
   * `named`: each change was requested individually (such as deleting a key of a store). Absent if two whole intents were compared: a missing
   * entity may then be an accident.
   */
  | { type: 'change'; changes: IntentChange[]; intent: Intent; named?: true; progress?: IntentProgress }
  /**
   * The source's present intent was refused (IntentError), or could not be read (any other error; it is tried again). The intent given before
   * remains valid.
   */
  | { type: 'error'; error: Error };

export type IntentListener = (event: IntentEvent) => void;

export interface IntentSource {
  /** Starts watching. Resolves when the listener has got the first snapshot, or an error instead. */
  start(listener: IntentListener): Promise<void>;
  /** Stops: the listener is not called any more. */
  close(): void;
}
