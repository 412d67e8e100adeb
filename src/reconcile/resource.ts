import type { Follows } from './follows.js';
import type { Kernel } from '../kernel/kernel.js';
import type { ResourceName, Resources } from '../plan/plan.js';

/**
 * An object as the kernel has it. `drift` says in words what is not as it should be beyond the fields that a plan has, such as an entry whose
 * device has another MAC address now; a plan's value has none.
 */
export type ObservedObject<V> = V | (V & { readonly drift: string });

/** One object to make (`desired` alone), to alter (both) or to remove (`actual` alone). */
export interface ObjectChange<V> {
  key: string;
  desired?: V;
  actual?: ObservedObject<V>;
}

/** An object that could not be brought about. */
export interface ObjectFailure {
  key: string;
  error: Error;
}

/** A part of what a resource lists; resources that are never large always list all. */
export interface Scope {
  tables: ReadonlySet<number>;
}

/** What a resource found: a map, or what answers like one. */
export interface Observed<V> {
  get(key: string, desired: V): ObservedObject<V> | undefined;
  readonly size: number;
  [Symbol.iterator](): Iterator<[key: string, value: ObservedObject<V>]>;
}

/** What a resource found of many objects without holding it all. Each wanted object is to be asked for once, then the others for. */
export interface ObservedStream<V> {
  /** @param desired what the plan has; that itself is the answer where the kernel has the same */
  get(key: string, desired: V): ObservedObject<V> | undefined;
  /** Those that the plan does not have. The event loop turns meanwhile. */
  others(): Promise<Iterable<[key: string, value: ObservedObject<V>]>>;
}

export type Listing<V> = Observed<V> | ObservedStream<V>;

/** How one sort of object is held by the kernel. The engine does everything else. */
export interface Resource<K extends ResourceName> {
  readonly name: K;
  /** Resources whose objects are made before these, and removed after them (`orderOf`). */
  readonly after: readonly ResourceName[];
  /** Resources of features further up whose objects come after these, without their knowledge. */
  readonly before?: readonly ResourceName[];
  /** The kernel's events that may have changed these objects. What has none is found by sweeps. */
  readonly follows: Follows;
  /**
   * Objects are devices: `made` by segue, or `attached`, somebody else's that segue takes in. Objects on a device that is made later in the same
   * plan do not wait; attached devices that go in numbers are what the guard against mass removal asks about.
   */
  readonly isDevice?: 'made' | 'attached';
  /** Whether a change takes along what hangs on its object, whatever the plan says of that, and without a notification. */
  cascades?(change: ObjectChange<Resources[K]>): boolean;
  /**
   * The underlay decides: which routes and neighbours the kernel has `resolves` what is wanted, when objects are compared and written; or what is
   * wanted `follows` from that. These are looked at before anything else, and a difference is no drift.
   */
  readonly underlay?: 'resolves' | 'follows';
  /** The resource whose one object holds all of these: where that goes, they go with it and are not looked at. */
  readonly containedIn?: ResourceName;
  /**
   * What exists and is ours, in the plan's own terms.
   *
   * @param wanted what the plan has of this resource, for objects that have no mark of their own in the kernel
   */
  list(
    kernel: Kernel,
    wanted: ReadonlyMap<string, Resources[K]>,
    scope?: Scope,
  ): Listing<Resources[K]> | Promise<Listing<Resources[K]>>;
  /** Carries changes out, as many at once as the kernel takes; returns those that failed, never throws for one. */
  apply(kernel: Kernel, changes: readonly ObjectChange<Resources[K]>[]): ObjectFailure[] | Promise<ObjectFailure[]>;
  /** Equality where it is not that of the values. */
  equal?(desired: Resources[K], actual: ObservedObject<Resources[K]>): boolean;
  /** Devices that must be there first; until they are, the object waits. */
  devices?(value: Resources[K], key: string): readonly string[];
  /** Objects stay when their device goes, or gets a conflict: what is left of one is removed while it waits. */
  readonly outlivesDevices?: true;
  /** Throws where this kernel can have no such object: asked before the first change, of whatever resource, is made. */
  require?(kernel: Kernel): void;
  /** Of objects that are devices: why the device of this name that is there cannot be the object. */
  conflict?(kernel: Kernel, name: string): Error | undefined;
  /** Whether the object may also be on a device that has a conflict. */
  toleratesConflict?(value: Resources[K]): boolean;
  /** Objects are made only while nothing else has failed; they are removed like any other. */
  readonly awaitsAll?: true;
  inScope?(value: Resources[K], scope: Scope): boolean;
  /** The object in iproute2's words. */
  describe(key: string, value: Resources[K]): string;
}

/** Resources by name. */
export type ResourceTable = { readonly [K in ResourceName]?: Resource<K> };

/** A resource with its value's type laid aside. */
export type AnyResource = Resource<ResourceName>;
