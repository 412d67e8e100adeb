import { differences, equalValues } from '../plan/equal.js';
import { orderOf } from './order.js';
import { Yielder } from './yielder.js';
import { emptyReport } from './change.js';
import { runYielding } from './steps.js';
import type { Steps } from './steps.js';
import type { Action, Change, ChangeText, Report, StateDiff, Waiting } from './change.js';
import type { AnyResource, ResourceTable, Scope } from './resource.js';
import type { Kernel } from '../kernel/kernel.js';
import type { ResourceName, Plan, PlanDelta, PlanValue } from '../plan/plan.js';

/** Attempts that `converge` makes in all while changes fail. */
const MAX_ROUNDS = 4;
/** Pause before the second attempt, in milliseconds; it doubles with each attempt. */
const ROUND_DELAY_MS = 20;

export interface DiffOptions {
  /** Only these resources; default: all. */
  resources?: ReadonlySet<ResourceName>;
  scope?: Scope;
  /** Skips refreshing the list of devices, which may be long: notifications have kept it up to date. */
  keepLinks?: boolean;
}

/**
 * Compares the kernel's state with a plan and applies the difference, in the order of the resources; removals run in the reverse order. apply,
 * diff, agent and purge differ only in the calls they make.
 */
export class Engine {
  readonly #kernel: Kernel;
  readonly #resources: ResourceTable;
  /** Resources in the order in which objects are made. */
  readonly order: readonly ResourceName[];
  /** Resources whose objects are devices. */
  readonly #devices: readonly AnyResource[];
  readonly #attached: readonly AnyResource[];
  /** Keys of failed objects that have not been made or found correct since, by resource. */
  readonly #failing = new Map<ResourceName, Set<string>>();

  constructor(kernel: Kernel, resources: ResourceTable) {
    this.#kernel = kernel;
    this.#resources = resources;
    this.order = orderOf(resources);
    const all = this.order.flatMap((name) => this.resource(name) ?? []);
    this.#devices = all.filter(({ isDevice }) => isDevice !== undefined);
    this.#attached = all.filter(({ isDevice }) => isDevice === 'attached');
  }

  /** Compares the kernel with a plan. */
  async diff(plan: Plan, options: DiffOptions = {}): Promise<StateDiff> {
    if (options.keepLinks !== true) this.#kernel.links.refresh();
    const changes: Change[] = [];
    const waiting: Waiting[] = [];
    const yielder = new Yielder();
    const { progress } = this.#kernel;
    const detached = this.#detachedDevices(plan);
    let attached = 0;
    for (const name of this.order) {
      const kind = this.resource(name);
      if (kind === undefined || options.resources?.has(name) === false) continue;
      if (kind.containedIn !== undefined && plan[kind.containedIn].size === 0) {
        this.#failing.delete(name);
        continue;
      }
      const wanted: ReadonlyMap<string, PlanValue> = plan[name];
      progress.begin(`comparing ${name}`, wanted.size);
      const actual = await kind.list(this.#kernel, wanted, options.scope);
      if (kind.isDevice === 'attached' && 'size' in actual) attached += actual.size;
      for (const [key, desired] of wanted) {
        progress.done += 1;
        if (yielder.shouldYield()) await yielder.yield();
        if (options.scope !== undefined && kind.inScope?.(desired, options.scope) === false) continue;
        const present = actual.get(key, desired);
        const isThere = present !== undefined && (kind.equal ?? equalValues)(desired, present);
        if (isThere && !leavesWith(kind, key, desired, detached)) continue;
        const device = this.#missingDevice(kind, key, desired, plan);
        if (device !== undefined) {
          waiting.push({ kind: name, key, device });
          if (present !== undefined && kind.outlivesDevices) {
            changes.push({ kind: name, key, action: 'delete', actual: present });
          }
        } else if (present === undefined) changes.push({ kind: name, key, action: 'create', desired });
        else changes.push({ kind: name, key, action: 'replace', desired, actual: present });
      }
      for (const [key, present] of 'others' in actual ? await actual.others() : actual) {
        if (yielder.shouldYield()) await yielder.yield();
        if (!wanted.has(key)) changes.push({ kind: name, key, action: 'delete', actual: present });
      }
      if (options.scope === undefined || kind.inScope === undefined) this.#recheckFailing(name, changes);
    }
    return { changes, waiting, attached };
  }

  /**
   * Applies changes. A failed change does not stop the others. Resources with `awaitsAll` come last, and are held back while any object fails.
   *
   * @throws Error if the kernel does not support a resource that has objects to make; nothing was changed
   */
  async applyChanges(changes: readonly Change[]): Promise<Report> {
    const report = emptyReport();
    const { upserts, removals } = await runYielding(groupByKind(changes));
    // An incomplete data plane may be worse than none: for example, rules for VRFs without the VRFs.
    for (const name of upserts.keys()) this.resource(name)?.require?.(this.#kernel);
    const awaitsAll = (name: ResourceName): boolean => this.resource(name)?.awaitsAll === true;
    for (const name of this.order) if (!awaitsAll(name)) await this.#step(name, upserts.get(name), report);
    for (const name of [...this.order].reverse()) await this.#step(name, removals.get(name), report);
    for (const name of this.order) {
      const last = awaitsAll(name) ? upserts.get(name) : undefined;
      if (this.#failing.size === 0) await this.#step(name, last, report);
      else report.heldBack.push(...(last ?? []));
    }
    return report;
  }

  /**
   * Converges on a plan: compares and applies, again while a change fails or cascades, at most MAX_ROUNDS times.
   *
   * @param first a diff of this plan made just before, which saves the first comparison
   */
  async converge(plan: Plan, first?: StateDiff, options: DiffOptions = {}): Promise<Report> {
    let diff = first ?? (await this.diff(plan, options));
    const total = emptyReport();
    for (let round = 0; ; round++) {
      const report = await this.applyChanges(diff.changes);
      for (const action of ['create', 'replace', 'delete'] as const) total.done[action] += report.done[action];
      total.failures = report.failures;
      total.heldBack = report.heldBack;
      total.waiting = [...diff.waiting, ...report.waiting];
      const settled = report.failures.length === 0 && !diff.changes.some(this.cascades);
      if (settled || round + 1 >= MAX_ROUNDS) return total;
      await new Promise((resolve) => setTimeout(resolve, ROUND_DELAY_MS * 2 ** round));
      diff = await this.diff(plan, options);
    }
  }

  /** Devices that a change's object is on. */
  devicesOf({ kind, key, desired, actual }: Change): readonly string[] {
    const value = desired ?? actual;
    return (value === undefined ? undefined : this.resource(kind)?.devices?.(value, key)) ?? [];
  }

  /** A change as text. */
  text(change: Change): ChangeText {
    const kind = this.resource(change.kind);
    const value = change.desired ?? change.actual;
    return {
      kind: change.kind,
      action: change.action,
      object: kind === undefined || value === undefined ? change.key : kind.describe(change.key, value),
      differences:
        change.desired !== undefined && change.actual !== undefined ? differences(change.desired, change.actual) : [],
    };
  }

  async #step(name: ResourceName, changes: Change[] | undefined, report: Report): Promise<void> {
    const kind = this.resource(name);
    if (kind === undefined || changes === undefined) return;
    const waits = (change: Change): boolean => {
      if (change.desired === undefined) return false;
      const device = this.#missingDevice(kind, change.key, change.desired);
      if (device === undefined) return false;
      report.waiting.push({ kind: name, key: change.key, device });
      return true;
    };
    const yielder = new Yielder();
    // Hardly any of a million changes waits: the list is copied only if one does.
    let ready: Change[] | undefined;
    for (const [index, change] of kind.devices === undefined ? [] : changes.entries()) {
      if (yielder.shouldYield()) await yielder.yield();
      if (!waits(change)) ready?.push(change);
      else ready ??= changes.slice(0, index);
    }
    ready ??= changes;
    if (ready.length === 0) return;
    this.#kernel.progress.begin(`writing ${name}`, ready.length);
    const failures = await kind.apply(this.#kernel, ready);
    // New devices have an index now, and removed ones have none.
    if (kind.isDevice === 'made') this.#kernel.links.refresh();
    const failed = new Map(failures.map((failure) => [failure.key, failure.error]));
    const done: Record<Action, number> = { create: 0, replace: 0, delete: 0 };
    const failing = this.#failing.get(name) ?? new Set<string>();
    for (const change of ready) {
      if (yielder.shouldYield()) await yielder.yield();
      const error = failed.size === 0 ? undefined : failed.get(change.key);
      if (failing.size > 0) failing.delete(change.key);
      if (error !== undefined) {
        failing.add(change.key);
        report.failures.push({ kind: name, key: change.key, object: this.text(change).object, error });
      } else if (change.action === 'create') done.create += 1;
      else done[change.action] += 1;
    }
    this.#setFailing(name, failing);
    for (const action of ['create', 'replace', 'delete'] as const) report.done[action] += done[action];
  }

  #setFailing(name: ResourceName, keys: Set<string>): void {
    // Failures of `awaitsAll` resources hold nothing back.
    if (keys.size === 0 || this.resource(name)?.awaitsAll === true) this.#failing.delete(name);
    else this.#failing.set(name, keys);
  }

  /** Drops recorded failures of a resource that was compared whole, except for objects that still differ. */
  #recheckFailing(name: ResourceName, changes: readonly Change[]): void {
    const failing = this.#failing.get(name);
    if (failing === undefined) return;
    const differing = new Set(changes.flatMap(({ kind, key }) => (kind === name ? [key] : [])));
    this.#setFailing(name, new Set([...failing].filter((key) => differing.has(key))));
  }

  /** The first device of an object that does not exist or has a conflict; undefined if there is none. */
  #missingDevice(kind: AnyResource, key: string, value: PlanValue, plan?: Plan): string | undefined {
    const devices = kind.devices?.(value, key);
    if (devices === undefined || devices.length === 0) return undefined;
    for (const device of devices) {
      if (!this.#kernel.links.has(device)) {
        if (plan === undefined || !this.#makes(plan, device)) return device;
      } else if (kind.toleratesConflict?.(value) !== true && !isItself(kind, device, key) && this.#hasConflict(device))
        return device;
    }
    return undefined;
  }

  /** Whether a plan makes this device. */
  #makes(plan: Plan, device: string): boolean {
    return this.#devices.some(({ name, isDevice }) => isDevice === 'made' && plan[name].has(device));
  }

  /** Devices that the plan attaches and that have a conflict. */
  #detachedDevices(plan: Plan): ReadonlySet<string> {
    const detached = new Set<string>();
    for (const resource of this.#attached) {
      for (const device of plan[resource.name].keys()) {
        if (resource.conflict?.(this.#kernel, device) !== undefined) detached.add(device);
      }
    }
    return detached;
  }

  #hasConflict(device: string): boolean {
    return this.#devices.some((resource) => resource.conflict?.(this.#kernel, device) !== undefined);
  }

  /** Whether a change removes other objects with its own. */
  readonly cascades = (change: Change): boolean => this.resource(change.kind)?.cascades?.(change) === true;

  resource(name: ResourceName): AnyResource | undefined {
    return this.#resources[name];
  }
}

/** Turns a change of the plan into changes, assuming that the kernel matches the former plan. */
export function* changesOf(delta: PlanDelta): Steps<Change[]> {
  const changes: Change[] = [];
  for (const [kind, objects] of delta) {
    for (const [key, { before, after }] of objects) {
      const action = before === undefined ? 'create' : after === undefined ? 'delete' : 'replace';
      changes.push({
        kind,
        key,
        action,
        ...(after !== undefined && { desired: after }),
        ...(before !== undefined && { actual: before }),
      });
      yield;
    }
  }
  return changes;
}

/** Whether an object is itself this device: its conflict is then reported as its own failure. */
function isItself(kind: AnyResource, device: string, key: string): boolean {
  return kind.conflict !== undefined && device === key;
}

/** Whether a correct object must still be removed, because it is on the device of a detached port. */
function leavesWith(kind: AnyResource, key: string, value: PlanValue, detached: ReadonlySet<string>): boolean {
  if (detached.size === 0 || kind.outlivesDevices !== true || kind.toleratesConflict?.(value) === true) return false;
  return kind.devices?.(value, key).some((device) => detached.has(device)) === true;
}

/** Groups changes by resource, removals apart from the others. */
function* groupByKind(changes: readonly Change[]): Steps<Record<'upserts' | 'removals', Map<ResourceName, Change[]>>> {
  const groups = { upserts: new Map<ResourceName, Change[]>(), removals: new Map<ResourceName, Change[]>() };
  // Changes of a resource are adjacent: this saves a lookup for each of a million changes.
  let last: { kind: ResourceName; goes: boolean; group: Change[] } | undefined;
  for (const change of changes) {
    const goes = change.action === 'delete';
    if (last?.kind !== change.kind || last.goes !== goes) {
      const side = goes ? groups.removals : groups.upserts;
      const group = side.get(change.kind) ?? [];
      side.set(change.kind, group);
      last = { kind: change.kind, goes, group };
    }
    last.group.push(change);
    yield;
  }
  return groups;
}
