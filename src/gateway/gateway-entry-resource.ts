/** Resources whose objects are entries of one gateway map: some thousands at most, which are read and written one by one. */
import { ensureIds } from '../ebpf/ids.js';
import type { BpfMap } from 'libbpf-ts';
import type { Kernel } from '../kernel/kernel.js';
import type { Resource, ObjectFailure } from '../reconcile/resource.js';
import type { ResourceName, Resources } from '../plan/plan.js';
import type { GatewayMaps } from './gateway-maps.js';
import type { SteeringMaps } from './steering-maps.js';

export interface GatewayEntrySpec<K extends ResourceName, M = SteeringMaps> extends Pick<
  Resource<K>,
  'name' | 'after' | 'before' | 'follows' | 'containedIn' | 'devices' | 'describe'
> {
  map: (maps: M) => BpfMap;
  /** Decodes an entry. */
  read(kernel: Kernel, key: Buffer, value: Buffer): [key: string, value: Resources[K]];
  /** Encodes the key; undefined if no such entry can exist, so there is none to remove. Throws if one cannot be made. */
  writeKey(kernel: Kernel, key: string, value: Resources[K]): Buffer | undefined;
  writeValue(kernel: Kernel, value: Resources[K]): Buffer;
  /** Called after changes. */
  changed?(kernel: Kernel): void;
}

/** A resource in a network node's maps. */
export function nnEntryResource<K extends ResourceName>(spec: GatewayEntrySpec<K>): Resource<K> {
  return entryKindOf(spec, ({ fastpath }) => fastpath.steering);
}

/** A resource in the gateway maps. */
export function gatewayEntryResource<K extends ResourceName>(spec: GatewayEntrySpec<K, GatewayMaps>): Resource<K> {
  return entryKindOf(spec, ({ fastpath }) => fastpath.gateways);
}

interface Store<M> {
  readonly maps: M | undefined;
  make(): M;
}

function entryKindOf<K extends ResourceName, M>(
  spec: GatewayEntrySpec<K, M>,
  storeOf: (kernel: Kernel) => Store<M>,
): Resource<K> {
  const { name, after, before, follows, containedIn, devices, describe } = spec;
  return {
    name,
    after,
    follows,
    outlivesDevices: true,
    describe,
    ...(before && { before }),
    ...(containedIn && { containedIn }),
    ...(devices && { devices }),

    list(kernel) {
      const { maps } = storeOf(kernel);
      if (maps === undefined) return new Map<string, Resources[K]>();
      ensureIds(kernel);
      kernel.fastpath.steering.ensureKnown();
      return new Map([...spec.map(maps).entries()].map(([key, value]) => spec.read(kernel, key, value)));
    },

    apply(kernel, changes) {
      const store = storeOf(kernel);
      const failures: ObjectFailure[] = [];
      for (const { key, desired, actual } of changes) {
        try {
          ensureIds(kernel);
          kernel.fastpath.steering.ensureKnown();
          const map = spec.map(store.make());
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
      kernel.fastpath.invalidateFlowCache();
      spec.changed?.(kernel);
      return failures;
    },
  };
}
