import type { ResourceName } from '../plan/plan.js';
import type { ResourceTable } from './resource.js';

/** The fields of a resource that determine its position. */
interface Place {
  readonly after: readonly ResourceName[];
  readonly before?: readonly ResourceName[];
  readonly awaitsAll?: true;
}

/**
 * The order in which objects are made; they are removed in the reverse order. Each resource comes after those that it names, and `awaitsAll`
 * resources come last; otherwise the order is that of the table. Names that are not in the table are ignored.
 *
 * @throws Error if resources depend on each other in a cycle
 */
export function orderOf(table: ResourceTable): ResourceName[] {
  const places = new Map(Object.entries(table) as [ResourceName, Place][]);
  const waitsFor = new Map<ResourceName, Set<ResourceName>>();
  for (const [name, { after }] of places) waitsFor.set(name, new Set(after.filter((one) => places.has(one))));
  for (const [name, { before = [] }] of places) for (const later of before) waitsFor.get(later)?.add(name);
  const ordinary = [...places].filter(([, { awaitsAll }]) => awaitsAll !== true).map(([name]) => name);
  for (const [name, { awaitsAll }] of places)
    if (awaitsAll) for (const other of ordinary) waitsFor.get(name)?.add(other);
  const order: ResourceName[] = [];
  while (waitsFor.size > 0) {
    const next = [...waitsFor].find(([, others]) => others.size === 0)?.[0];
    if (next === undefined) throw new Error(`resources wait for each other: ${[...waitsFor.keys()].join(', ')}`);
    waitsFor.delete(next);
    for (const others of waitsFor.values()) others.delete(next);
    order.push(next);
  }
  return order;
}
