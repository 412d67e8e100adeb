/** Paths through transit segments in the fast path. */
import { PORT } from '../plan/units.js';
import { MAX_SEGMENTS, planFastTransit } from './plan.js';
import type { AffectedUnits, ChangeOf } from '../plan/feature.js';
import type { UnitClass } from '../plan/units.js';
import type { IntentView } from '../plan/view.js';
import type { Path } from '../encap/path.js';

/** A first segment of paths. */
export const TRANSIT: UnitClass = {
  name: 'transit',
  keys: ({ paths }) => paths.firstSegments(),
  plan(view, key, emit) {
    if (view.paths.isFirstSegment(key)) planFastTransit(view, key, emit);
  },
};

/** Adds the paths' first segments, and ports on the destination node if any path to it is or was too long for the fast path. */
export function addPathChange(view: IntentView, { before, after }: ChangeOf<'path'>, { units }: AffectedUnits): void {
  for (const path of [before, after]) {
    const [first] = path?.via ?? [];
    if (first !== undefined) units.add(TRANSIT, first);
  }
  // If a path is too long for an entry, its members are forwarded by the kernel only.
  const node = (after ?? before)?.to ?? '';
  if (![before, after, ...view.paths.pathsTo(node)].some(isLong)) return;
  for (const port of view.ports.values()) {
    if (port.node === node && !view.isLocal(port)) units.add(PORT, port.name);
  }
}

function isLong(path: Path | undefined): boolean {
  return path !== undefined && path.via.length >= MAX_SEGMENTS;
}

/** Warns of a fast path that the machine does not support, and of paths that are too long for an entry while there is no kernel data plane. */
export function* pathWarnings(view: IntentView): Generator<string> {
  const missing = view.facts.fastpath?.missing;
  if (missing !== undefined && !view.ebpfOnly) {
    yield `dataplane ${view.config.dataplane}: no fast path, the kernel forwards everything: ${missing}`;
  }
  if (!view.ebpfOnly) return;
  for (const { tenant, node } of view.pairs()) {
    const segments = 1 + view.paths.transit(tenant, node).length;
    if (segments <= MAX_SEGMENTS || !view.localPorts.has(tenant)) continue;
    yield (
      `tenant ${tenant}: the path to ${node} has ${segments} segments, the fast path takes at most ${MAX_SEGMENTS}: packets to ` +
      'that node are dropped (with dataplane hybrid the kernel forwards them)'
    );
  }
}
