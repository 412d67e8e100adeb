/** Where intents come from. A file today; whatever else (etcd) gives a first snapshot and then changes fits as well. */
import type { IntentError } from './errors.js';
import type { Intent, IntentChange } from './types.js';

export type IntentEvent =
  /** The first intent. Comes once, and nothing but errors comes before it. */
  | { type: 'snapshot'; intent: Intent }
  /**
   * The intent moved on by these changes, never without any but for one case: after an error the source is again what
   * it last gave. `intent` is the whole of it, after the changes.
   */
  | { type: 'change'; changes: IntentChange[]; intent: Intent }
  /** The source holds something that is refused, or cannot be read. What it gave before stays valid. */
  | { type: 'error'; error: IntentError };

export type IntentListener = (event: IntentEvent) => void;

export interface IntentSource {
  /** Begins to watch. Resolves when the first snapshot, or the error instead of it, has been given to the listener. */
  start(listener: IntentListener): Promise<void>;
  /** Stops; the listener hears nothing more. */
  close(): void;
}
