import type { Intent, IntentChange } from '../intent/types.js';
import type { IntentView } from '../plan/view.js';
import type { Change } from './change.js';

/** An intent that takes away more ports than both of these at once is held until it is forced. */
const BRAKE_MIN_PORTS = 10;
const BRAKE_FRACTION = 1 / 5;

/** What is held, by its reason. */
type Reason = 'many' | 'all';

/** Thrown, and reported, when the guard blocks an intent. */
export class MassRemovalError extends Error {
  readonly code = 'MASS_REMOVAL';
  readonly removed: number;
  readonly held: number;

  constructor(removed: number, held: number, reason: Reason) {
    super(
      reason === 'many'
        ? `the intent takes away ${removed} of this node's ${held} ports; more than ${BRAKE_MIN_PORTS} and more than a ` +
            `fifth at once is held until it is forced (--force)`
        : `the intent takes away all ${removed} ports of this node; that is held until it is forced (--force), unless the ` +
            'intent says "drain: true" of the node',
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
 * @param left ports that the plan has, attached or awaited
 */
export function removalGuard(
  changes: readonly Change[],
  { held, left, drains }: { held: number; left: number; drains: boolean },
): MassRemovalError | undefined {
  let removed = 0;
  for (const change of changes) if (change.kind === 'port' && change.action === 'delete') removed += 1;
  return tooMany(removed, held) ?? tooAll(removed, left, drains);
}

/**
 * The same of changes of the intent, before they are planned.
 *
 * @param isMeant the node drains, or somebody took away each port by itself
 */
export function removalGuardOnIntent(
  view: IntentView,
  changes: readonly IntentChange[],
  isMeant: boolean,
): MassRemovalError | undefined {
  let held = 0;
  for (const ports of view.localPorts.values()) held += ports.size;
  let removed = 0;
  for (const change of changes) {
    if (change.kind !== 'port') continue;
    if (change.before !== undefined && view.isLocal(change.before)) removed += 1;
    if (change.after !== undefined && view.isLocal(change.after)) removed -= 1;
  }
  return tooMany(removed, held) ?? tooAll(removed, held - removed, isMeant);
}

/** Whether the intent says of a node that it is to be emptied. */
export function drains({ nodes }: Intent, node: string): boolean {
  return nodes.find(({ name }) => name === node)?.drain === true;
}

function tooMany(removed: number, held: number): MassRemovalError | undefined {
  const isTooMany = removed > BRAKE_MIN_PORTS && removed > held * BRAKE_FRACTION;
  return isTooMany ? new MassRemovalError(removed, held, 'many') : undefined;
}

/** An intent that is cut off or somebody else's has no port of the node. One port that goes is an ordinary change. */
function tooAll(removed: number, left: number, isMeant: boolean): MassRemovalError | undefined {
  return removed > 1 && left === 0 && !isMeant ? new MassRemovalError(removed, removed, 'all') : undefined;
}
