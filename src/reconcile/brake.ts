import type { IntentChange } from '../intent/types.js';
import type { IntentView } from '../plan/view.js';
import type { Change } from './change.js';

/** An intent that takes away more ports than both of these at once is held until it is forced. */
export const BRAKE_MIN_PORTS = 10;
export const BRAKE_FRACTION = 1 / 5;

/** Thrown, and reported, when the brake holds an intent. */
export class BrakeError extends Error {
  readonly code = 'MASS_REMOVAL';
  readonly removed: number;
  readonly held: number;

  constructor(removed: number, held: number) {
    super(
      `the intent takes away ${removed} of this node's ${held} ports; more than ${BRAKE_MIN_PORTS} and more than a ` +
        `fifth at once is held until it is forced (--force)`,
    );
    this.name = 'BrakeError';
    this.removed = removed;
    this.held = held;
  }
}

/**
 * Whether changes take too many ports away.
 *
 * @param held ports attached before the changes
 */
export function brake(changes: readonly Change[], held: number): BrakeError | undefined {
  let removed = 0;
  for (const change of changes) if (change.kind === 'port' && change.action === 'delete') removed += 1;
  return tooMany(removed, held);
}

/** The same of changes of the intent, before they are planned. */
export function brakeOnIntent(view: IntentView, changes: readonly IntentChange[]): BrakeError | undefined {
  let held = 0;
  for (const ports of view.localPorts.values()) held += ports.size;
  let removed = 0;
  for (const change of changes) {
    if (change.kind !== 'port') continue;
    if (change.before !== undefined && view.isLocal(change.before)) removed += 1;
    if (change.after !== undefined && view.isLocal(change.after)) removed -= 1;
  }
  return tooMany(removed, held);
}

function tooMany(removed: number, held: number): BrakeError | undefined {
  return removed > BRAKE_MIN_PORTS && removed > held * BRAKE_FRACTION ? new BrakeError(removed, held) : undefined;
}
