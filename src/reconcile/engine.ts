import { differences, equalValues } from '../plan/equal.js';
import { KIND_ORDER } from '../plan/plan.js';
import { Breath } from './breath.js';
import type { Action, Change, ChangeText, Report, Survey, Waiting } from './change.js';
import type { Kind, Scope } from './kind.js';
import type { PortAttachment } from '../port/objects.js';
import type { Kernel } from '../kernel/kernel.js';
import type { KindName, Plan, PlanDelta, PlanValue } from '../plan/plan.js';

/** The kinds by name, seen by the engine with their value types laid aside. */
export type Kinds = { [K in KindName]?: Kind<K> };
type AnyKind = Kind<KindName>;

/** How often a full application looks again at what failed. */
export const MAX_ROUNDS = 4;
/** Pause before it does, milliseconds; doubles each round. */
export const ROUND_DELAY_MS = 20;

export interface SurveyOptions {
  /** Only these kinds; all when absent. */
  kinds?: ReadonlySet<KindName>;
  scope?: Scope;
  /** The list of devices is fresh enough: they are many, and notifications were taken in. */
  keepLinks?: boolean;
}

/**
 * The one engine: lists what the kernel has, compares it with the plan, and carries the difference out in the order of
 * KIND_ORDER (what goes, in the reverse order). apply, diff, agent and purge differ only in what they ask of it.
 */
export class Engine {
  readonly #kernel: Kernel;
  readonly #kinds: Kinds;

  constructor(kernel: Kernel, kinds: Kinds) {
    this.#kernel = kernel;
    this.#kinds = kinds;
  }

  /** Compares the kernel with a plan. */
  async survey(plan: Plan, options: SurveyOptions = {}): Promise<Survey> {
    if (options.keepLinks !== true) this.#kernel.links.refresh();
    const changes: Change[] = [];
    const waiting: Waiting[] = [];
    const breath = new Breath();
    let portsHeld = 0;
    for (const name of KIND_ORDER) {
      const kind = this.#kind(name);
      if (kind === undefined || options.kinds?.has(name) === false) continue;
      if (kind.within !== undefined && plan[kind.within].size === 0) continue;
      const wanted: ReadonlyMap<string, PlanValue> = plan[name];
      const actual = await kind.list(this.#kernel, wanted, options.scope);
      if (name === 'port' && 'size' in actual) portsHeld = actual.size;
      for (const [key, desired] of wanted) {
        if (breath.isDue()) await breath.take();
        if (options.scope !== undefined && kind.inScope?.(desired, options.scope) === false) continue;
        const present = actual.get(key, desired);
        if (present !== undefined && (kind.equal ?? equalValues)(desired, present)) continue;
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
        if (breath.isDue()) await breath.take();
        if (!wanted.has(key)) changes.push({ kind: name, key, action: 'delete', actual: present });
      }
    }
    return { changes, waiting, portsHeld };
  }

  /** Carries changes out. One that fails does not stop the others. */
  async execute(changes: readonly Change[]): Promise<Report> {
    const report: Report = { done: { create: 0, replace: 0, delete: 0 }, failures: [], waiting: [] };
    const { coming, going } = groupByKind(changes);
    for (const name of KIND_ORDER) await this.#step(name, coming.get(name), report);
    for (const name of [...KIND_ORDER].reverse()) await this.#step(name, going.get(name), report);
    return report;
  }

  /**
   * Converges on a plan: surveys, carries out, and looks again while something failed, a bounded number of times.
   *
   * @param first a survey of this plan made just before, to save making it twice
   */
  async converge(plan: Plan, first?: Survey, options: SurveyOptions = {}): Promise<Report> {
    let survey = first ?? (await this.survey(plan, options));
    const total: Report = { done: { create: 0, replace: 0, delete: 0 }, failures: [], waiting: [] };
    for (let round = 0; ; round++) {
      const report = await this.execute(survey.changes);
      for (const action of ['create', 'replace', 'delete'] as const) total.done[action] += report.done[action];
      total.failures = report.failures;
      total.waiting = [...survey.waiting, ...report.waiting];
      const settled = report.failures.length === 0 && !survey.changes.some(takesAlong);
      if (settled || round + 1 >= MAX_ROUNDS) return total;
      await new Promise((resolve) => setTimeout(resolve, ROUND_DELAY_MS * 2 ** round));
      survey = await this.survey(plan, options);
    }
  }

  /** A change in words. */
  text(change: Change): ChangeText {
    const kind = this.#kind(change.kind);
    const value = change.desired ?? change.actual;
    return {
      kind: change.kind,
      action: change.action,
      object: kind === undefined || value === undefined ? change.key : kind.describe(change.key, value),
      differences:
        change.desired !== undefined && change.actual !== undefined ? differences(change.desired, change.actual) : [],
    };
  }

  async #step(name: KindName, changes: Change[] | undefined, report: Report): Promise<void> {
    const kind = this.#kind(name);
    if (kind === undefined || changes === undefined) return;
    const waits = (change: Change): boolean => {
      if (change.desired === undefined) return false;
      const device = this.#missingDevice(kind, change.key, change.desired);
      if (device === undefined) return false;
      report.waiting.push({ kind: name, key: change.key, device });
      return true;
    };
    // Of a million changes hardly one waits: they are not copied for that.
    const first = kind.devices === undefined ? -1 : changes.findIndex(waits);
    const ready =
      first < 0 ? changes : [...changes.slice(0, first), ...changes.slice(first + 1).filter((one) => !waits(one))];
    if (ready.length === 0) return;
    const failures = await kind.apply(this.#kernel, ready);
    // What was just made has an index, and what was just removed has none.
    if (name === 'vrf') this.#kernel.links.refresh();
    const failed = new Map(failures.map((failure) => [failure.key, failure.error]));
    const done: Record<Action, number> = { create: 0, replace: 0, delete: 0 };
    for (const change of ready) {
      const error = failed.size === 0 ? undefined : failed.get(change.key);
      if (error !== undefined) {
        report.failures.push({ kind: name, key: change.key, object: this.text(change).object, error });
      } else if (change.action === 'create') done.create += 1;
      else done[change.action] += 1;
    }
    for (const action of ['create', 'replace', 'delete'] as const) report.done[action] += done[action];
  }

  /** The first device of an object's that is not there, or is there but somebody else's. */
  #missingDevice(kind: AnyKind, key: string, value: PlanValue, plan?: Plan): string | undefined {
    const devices = kind.devices?.(value, key);
    if (devices === undefined || devices.length === 0) return undefined;
    for (const device of devices) {
      if (!this.#kernel.links.has(device)) {
        if (plan?.vrf.has(device) !== true) return device;
      } else if (device !== key && kind.serves?.(value) !== true && this.#hasObstacle(device)) return device;
    }
    return undefined;
  }

  #hasObstacle(device: string): boolean {
    const { vrf, port } = this.#kinds;
    return (vrf?.obstacle?.(this.#kernel, device) ?? port?.obstacle?.(this.#kernel, device)) !== undefined;
  }

  #kind(name: KindName): AnyKind | undefined {
    return this.#kinds[name];
  }
}

/** The changes that a change of the plan asks for, taking the plan as it was for what the kernel has. */
export function changesOf(delta: PlanDelta): Change[] {
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
    }
  }
  return changes;
}

/**
 * Does a change take along what hangs on its device, whatever the plan says of that? A VRF that is made anew does, and an
 * interface that joins one goes down and up (cycle_netdev, drivers/net/vrf.c): neighbours and routes go, without a word.
 */
export function takesAlong({ kind, action, desired, actual }: Change): boolean {
  if (kind === 'vrf') return action === 'replace';
  const before = (actual as PortAttachment | undefined)?.vrf;
  return kind === 'port' && desired !== undefined && before !== (desired as PortAttachment).vrf;
}

/** What comes and what goes, by kind. */
function groupByKind(changes: readonly Change[]): Record<'coming' | 'going', Map<KindName, Change[]>> {
  const groups = { coming: new Map<KindName, Change[]>(), going: new Map<KindName, Change[]>() };
  // Those of a kind follow each other: one look-up for all of a million.
  let last: { kind: KindName; goes: boolean; group: Change[] } | undefined;
  for (const change of changes) {
    const goes = change.action === 'delete';
    if (last?.kind !== change.kind || last.goes !== goes) {
      const side = goes ? groups.going : groups.coming;
      const group = side.get(change.kind) ?? [];
      side.set(change.kind, group);
      last = { kind: change.kind, goes, group };
    }
    last.group.push(change);
  }
  return groups;
}
