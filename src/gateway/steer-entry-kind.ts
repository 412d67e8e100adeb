/** Kinds whose objects are entries of one steering map: some thousands at most, so each is read and written by itself. */
import { ensureIds } from '../ebpf/ids.js';
import type { BpfMap } from '../libbpf/index.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Kind, ObjectFailure } from '../reconcile/kind.js';
import type { KindName, PlanKinds } from '../plan/plan.js';
import type { SteeringMaps } from './steering-maps.js';

export interface SteerEntrySpec<K extends KindName> extends Pick<Kind<K>, 'name' | 'devices' | 'describe'> {
  map: (maps: SteeringMaps) => BpfMap;
  /** An entry in the plan's terms. */
  read(kernel: Kernel, key: Buffer, value: Buffer): [key: string, value: PlanKinds[K]];
  /** The map's key; undefined: there is no such entry to remove. Throws where there cannot be one to make. */
  writeKey(kernel: Kernel, key: string, value: PlanKinds[K]): Buffer | undefined;
  writeValue(kernel: Kernel, value: PlanKinds[K]): Buffer;
  /** After changes were made. */
  changed?(kernel: Kernel): void;
}

export function steerEntryKind<K extends KindName>(spec: SteerEntrySpec<K>): Kind<K> {
  const { name, devices, describe } = spec;
  return {
    name,
    outlivesDevices: true,
    describe,
    ...(devices && { devices }),

    list(kernel) {
      const { steering } = kernel.fastpath;
      const { maps } = steering;
      if (maps === undefined) return new Map<string, PlanKinds[K]>();
      ensureIds(kernel);
      steering.ensureKnown();
      return new Map([...spec.map(maps).entries()].map(([key, value]) => spec.read(kernel, key, value)));
    },

    apply(kernel, changes) {
      const { steering } = kernel.fastpath;
      const failures: ObjectFailure[] = [];
      for (const { key, desired, actual } of changes) {
        try {
          ensureIds(kernel);
          steering.ensureKnown();
          const map = spec.map(steering.make());
          if (desired !== undefined) {
            const at = spec.writeKey(kernel, key, desired);
            if (at !== undefined) map.update(at, spec.writeValue(kernel, desired));
          } else if (actual !== undefined) {
            const at = spec.writeKey(kernel, key, actual);
            if (at !== undefined) map.delete(at);
          }
        } catch (error) {
          failures.push({ key, error: error as Error });
        }
      }
      spec.changed?.(kernel);
      return failures;
    },
  };
}
