import type { Intent, IntentChange, IntentNode } from '../intent/types.js';
import type { IntentView } from '../plan/view.js';
import type { Change } from './change.js';

/** An intent that removes more ports than both limits is blocked until it is forced. */
const BRAKE_MIN_PORTS = 10;
const BRAKE_FRACTION = 1 / 5;

/** Why the guard blocks an intent. */
type Reason = 'many' | 'all';

/** Thrown, or reported by the agent, when the guard blocks an intent. */
export class MassRemovalError extends Error {
  readonly code = 'MASS_REMOVAL';
  readonly removed: number;
  readonly held: number;

  constructor(removed: number, held: number, reason: Reason) {
    super(
      reason === 'many'
        ? `the intent removes ${removed} of this node's ${held} ports: more than ${BRAKE_MIN_PORTS} and more than a ` +
            `fifth at once are held until forced (--force)`
        : `the intent removes all ${removed} ports of this node: that is held until forced (--force), unless the ` +
            'intent says "drain: true" for the node',
    );
    this.name = 'MassRemovalError';
    this.removed = removed;
    this.held = held;
  }
}

/**
 * Checks whether changes remove too many ports.
 *
 * @param held ports attached before the changes
 * @param left ports in the plan, attached or awaited
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
 * Checks changes of the intent before they are planned.
 *
 * @param isMeant the node drains, or each port's removal was requested individually
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

/** Whether the node drains after changes of the intent. */
export function drainsAfter(view: IntentView, changes: readonly IntentChange[]): boolean {
  const own = changes.find(({ kind, key }) => kind === 'node' && key === view.config.node);
  const node = own === undefined ? view.nodes.get(view.config.node) : own.after;
  return (node as IntentNode | undefined)?.drain === true;
}

/** Whether the intent drains a node. */
export function drains({ nodes }: Intent, node: string): boolean {
  return nodes.find(({ name }) => name === node)?.drain === true;
}

function tooMany(removed: number, held: number): MassRemovalError | undefined {
  const isTooMany = removed > BRAKE_MIN_PORTS && removed > held * BRAKE_FRACTION;
  return isTooMany ? new MassRemovalError(removed, held, 'many') : undefined;
}

/** A truncated or foreign intent has no port of the node. Removing the only port is an ordinary change. */
function tooAll(removed: number, left: number, isMeant: boolean): MassRemovalError | undefined {
  return removed > 1 && left === 0 && !isMeant ? new MassRemovalError(removed, removed, 'all') : undefined;
}
