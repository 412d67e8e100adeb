/** Paths through transit segments, as far as the fast path holds them. */
import { PORT } from '../plan/units.js';
import { MAX_SEGMENTS, planFastTransit } from './plan.js';
import type { AffectedUnits, ChangeOf } from '../plan/feature.js';
import type { UnitClass } from '../plan/units.js';
import type { IntentView } from '../plan/view.js';
import type { Path } from '../intent/types.js';

/** A segment that paths begin with. */
export const TRANSIT: UnitClass = {
  name: 'transit',
  keys: ({ paths }) => paths.firstSegments(),
  plan(view, key, emit) {
    if (view.paths.isFirstSegment(key)) planFastTransit(view, key, emit);
  },
};

/** First segments; and ports on the path's node, where a path to it is or was one that the fast path cannot hold. */
export function addPathChange(view: IntentView, { before, after }: ChangeOf<'path'>, { units }: AffectedUnits): void {
  for (const path of [before, after]) {
    const [first] = path?.via ?? [];
    if (first !== undefined) units.add(TRANSIT, first);
  }
  // Beyond what an entry holds, members are the kernel's alone.
  const node = (after ?? before)?.to ?? '';
  if (![before, after, ...view.paths.pathsTo(node)].some(isLong)) return;
  for (const port of view.ports.values()) {
    if (port.node === node && !view.isLocal(port)) units.add(PORT, port.name);
  }
}

function isLong(path: Path | undefined): boolean {
  return path !== undefined && path.via.length >= MAX_SEGMENTS;
}

/** A fast path that the machine cannot have, and paths that an entry does not hold where no kernel takes their traffic. */
export function* pathWarnings(view: IntentView): Generator<string> {
  const missing = view.facts.fastpath?.missing;
  if (missing !== undefined && !view.ebpfOnly) {
    yield `dataplane ${view.config.dataplane}: no fast path, the kernel forwards all by itself: ${missing}`;
  }
  if (!view.ebpfOnly) return;
  for (const { tenant, node } of view.pairs()) {
    const segments = 1 + view.paths.transit(tenant, node).length;
    if (segments <= MAX_SEGMENTS || !view.localPorts.has(tenant)) continue;
    yield (
      `tenant ${tenant}: the path to ${node} has ${segments} segments, the fast path takes ${MAX_SEGMENTS}: what is for ` +
      'there is dropped (dataplane hybrid leaves it to the kernel)'
    );
  }
}
