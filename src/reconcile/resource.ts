import type { Follows } from './follows.js';
import type { Kernel } from '../kernel/kernel.js';
import type { ResourceName, Resources } from '../plan/plan.js';

/**
 * An object as the kernel has it. `drift` describes a fault that the plan's fields cannot express, such as an entry with a former MAC address of
 * its device; planned values have no `drift`.
 */
export type ObservedObject<V> = V | (V & { readonly drift: string });

/** One object to create (`desired` only), to replace (both) or to remove (`actual` only). */
export interface ObjectChange<V> {
  key: string;
  desired?: V;
  actual?: ObservedObject<V>;
}

/** An object whose change failed. */
export interface ObjectFailure {
  key: string;
  error: Error;
}

/** A part of a resource's objects to list. Resources that are never large ignore it and list all. */
export interface Scope {
  tables: ReadonlySet<number>;
}

/** The objects that a resource found: a Map or an equivalent. */
export interface Observed<V> {
  get(key: string, desired: V): ObservedObject<V> | undefined;
  readonly size: number;
  [Symbol.iterator](): Iterator<[key: string, value: ObservedObject<V>]>;
}

/**
 * The objects that a large resource found, without holding them all. Each desired object must be requested once, and `others` called afterwards.
 */
export interface ObservedStream<V> {
  /** @param desired the planned value, which is returned itself if the kernel has the same */
  get(key: string, desired: V): ObservedObject<V> | undefined;
  /** Objects that the plan does not have. Yields to the event loop meanwhile. */
  others(): Promise<Iterable<[key: string, value: ObservedObject<V>]>>;
}

export type Listing<V> = Observed<V> | ObservedStream<V>;

/** How the kernel holds one kind of object. The engine does everything else. */
export interface Resource<K extends ResourceName> {
  readonly name: K;
  /** Resources whose objects are made before these, and removed after them (`orderOf`). */
  readonly after: readonly ResourceName[];
  /** Resources of higher-level features whose objects come after these; they need not know of it. */
  readonly before?: readonly ResourceName[];
  /** Events that may have changed these objects. Resources without any are checked by sweeps. */
  readonly follows: Follows;
  /**
   * Set if the objects are devices: `made` by segue, or `attached`, which others make and segue takes in. Objects on a device that the same plan
   * makes do not wait for it. The removal guard counts attached devices that go.
   */
  readonly isDevice?: 'made' | 'attached';
  /** Whether a change also removes dependent objects, planned or not, and without notifications. */
  cascades?(change: ObjectChange<Resources[K]>): boolean;
  /**
   * How the objects depend on the underlay: the desired value `resolves` through the kernel's routes and neighbours when it is compared and
   * written, or `follows` from such a value. Both are handled before all others, and differences are no drift.
   */
  readonly underlay?: 'resolves' | 'follows';
  /** The resource whose single object contains all of these: they are removed with it and are not compared then. */
  readonly containedIn?: ResourceName;
  /**
   * Lists segue's existing objects, as values of the plan.
   *
   * @param wanted the planned objects, for resources whose objects have no mark of their own in the kernel
   */
  list(
    kernel: Kernel,
    wanted: ReadonlyMap<string, Resources[K]>,
    scope?: Scope,
  ): Listing<Resources[K]> | Promise<Listing<Resources[K]>>;
  /** Applies changes, batched as far as the kernel allows. Returns the failed ones; never throws for a single object. */
  apply(kernel: Kernel, changes: readonly ObjectChange<Resources[K]>[]): ObjectFailure[] | Promise<ObjectFailure[]>;
  /** Equality, where it differs from equality of the values. */
  equal?(desired: Resources[K], actual: ObservedObject<Resources[K]>): boolean;
  /** Devices that the object needs: it waits until they exist. */
  devices?(value: Resources[K], key: string): readonly string[];
  /** Objects remain when their device goes or has a conflict: they are removed while they wait. */
  readonly outlivesDevices?: true;
  /** Throws if this kernel does not support such objects; called before the first change to any resource. */
  require?(kernel: Kernel): void;
  /** For devices: why the existing device of this name cannot be the object; undefined if it can. */
  conflict?(kernel: Kernel, name: string): Error | undefined;
  /** Whether the object may be on a device that has a conflict. */
  toleratesConflict?(value: Resources[K]): boolean;
  /** Objects are made only while nothing else fails; removal is not affected. */
  readonly awaitsAll?: true;
  inScope?(value: Resources[K], scope: Scope): boolean;
  /** The object in the terms of iproute2. */
  describe(key: string, value: Resources[K]): string;
}

/** Resources by name. */
export type ResourceTable = { readonly [K in ResourceName]?: Resource<K> };

/** A resource with the type of its value erased. */
export type AnyResource = Resource<ResourceName>;
