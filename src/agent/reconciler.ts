import { planWarnings, plannerSteps } from '../app/planning.js';
import { performance } from 'node:perf_hooks';
import { diffSteps } from '../app/intent.js';
import { equalValues } from '../plan/equal.js';
import { differenceSteps } from '../plan/planner.js';
import type { Planner } from '../plan/planner.js';
import { removalGuard, removalGuardOnIntent, drains, drainsAfter } from '../reconcile/removal-guard.js';
import { changesOf } from '../reconcile/engine.js';
import { runYielding } from '../reconcile/steps.js';
import { DriftLog } from './drift.js';
import { everything, merge, noInvalidations } from './invalidations.js';
import { FastpathMissingError, requireFacts } from './facts.js';
import type { MassRemovalError } from '../reconcile/removal-guard.js';
import type { Report, Waiting } from '../reconcile/change.js';
import type { DiffOptions } from '../reconcile/engine.js';
import type { Intent, IntentChange, NodeConfig } from '../intent/types.js';
import type { ResourceName, Plan, PlanDelta } from '../plan/plan.js';
import type { Followers, Invalidations } from './invalidations.js';
import type { NodeFacts } from '../plan/view.js';
import type { Instance } from './instance.js';
import type { Logger } from './log.js';
import type { Telemetry } from './telemetry.js';

/** Keeps a node's kernel as its intent asks. Calls must not overlap: the agent queues them. */
export class Reconciler {
  readonly #instance: Instance;
  readonly #followers: Followers;
  readonly #log: Logger;
  readonly #telemetry: Telemetry | undefined;
  readonly #drift: DriftLog;
  #config: NodeConfig;
  #planner: Planner | undefined;
  #intent: Intent | undefined;
  /** An intent that the removal guard blocks. */
  #blockedIntent: Intent | undefined;
  /** The first intent, while no attempt to carry it out has finished. */
  #pending: { intent: Intent; force: boolean } | undefined;
  /** Whether the source's last intent could not be planned: the source's next changes are relative to that intent, not to the plan. */
  #isBehind = false;
  /** Kinds with objects that are held back while any change fails. */
  #heldBack: ReadonlySet<ResourceName> = new Set();
  #waitingText = '';
  #warningText = '';
  #unsavedText = '';

  constructor(instance: Instance, followers: Followers, log: Logger, telemetry?: Telemetry) {
    this.#telemetry = telemetry;
    this.#instance = instance;
    this.#followers = followers;
    this.#log = log;
    this.#drift = new DriftLog(instance.engine, instance.kernel.links, log);
    this.#config = instance.config;
  }

  /** The plan in force; undefined before the first acceptable intent. */
  get plan(): Plan | undefined {
    return this.#planner?.plan;
  }

  /** Whether the removal guard blocks an intent. */
  get isBlocked(): boolean {
    return this.#blockedIntent !== undefined;
  }

  /** The machine's facts that the plan is based on. */
  get facts(): NodeFacts | undefined {
    return this.#planner?.view.facts;
  }

  /**
   * Applies a whole intent.
   *
   * @param onPlanned called once the plan has been updated
   * @returns failed objects, to be retried
   */
  async applyIntent(intent: Intent, force = false, onPlanned?: () => void): Promise<Invalidations> {
    if (this.#intent !== undefined && this.#planner !== undefined) {
      const changes = await runYielding(diffSteps(this.#intent, intent));
      return this.applyDelta(changes, intent, { force, ...(onPlanned && { onPlanned }) });
    }
    const { kernel, engine } = this.#instance;
    this.#pending = { intent, force };
    kernel.links.refresh();
    const facts = requireFacts(kernel, this.#config, intent);
    const planner = await runYielding(plannerSteps(this.#config, facts, intent));
    onPlanned?.();
    const diff = await engine.diff(planner.plan);
    const removal = {
      held: diff.attached,
      left: planner.plan.port.size,
      drains: drains(intent, this.#config.node),
    };
    if (!force && this.#hold(removalGuard(diff.changes, removal), intent)) {
      this.#pending = undefined;
      return noInvalidations();
    }
    this.#planner = planner;
    this.#intent = intent;
    this.#blockedIntent = undefined;
    const started = performance.now();
    const report = await engine.converge(planner.plan, diff).catch((error: unknown) => {
      // Start over: differences from a plan that was never carried out are no drift.
      this.#planner = undefined;
      this.#intent = undefined;
      throw error;
    });
    this.#pending = undefined;
    this.#log.info({ ...report.done, ms: round(performance.now() - started) }, 'converged on the intent');
    this.#drift.settle(report);
    await this.#saveEdge(report);
    return this.#finish(report);
  }

  /**
   * Applies a change of the intent, at a cost in proportion to the change.
   *
   * @param options `named`: each of the changes was requested individually; `onPlanned`: called once the plan has been updated
   */
  async applyDelta(
    changes: readonly IntentChange[],
    intent: Intent,
    { force = false, named = false, onPlanned }: { force?: boolean; named?: boolean; onPlanned?: () => void } = {},
  ): Promise<Invalidations> {
    if (this.#planner === undefined || this.#intent === undefined) return this.applyIntent(intent, force, onPlanned);
    // While an intent is blocked, the source's changes are relative to it, and the planner's to the one before.
    const isNext = this.#blockedIntent === undefined && !this.#isBehind;
    const effective = isNext ? changes : await runYielding(diffSteps(this.#intent, intent));
    const isMeant = drainsAfter(this.#planner.view, effective) || (named && effective === changes);
    if (!force && this.#hold(removalGuardOnIntent(this.#planner.view, effective, isMeant), intent))
      return noInvalidations();
    this.#blockedIntent = undefined;
    const started = performance.now();
    this.#isBehind = true;
    const changesToDo = await runYielding(changesOf(await runYielding(this.#planner.applySteps(effective))));
    this.#isBehind = false;
    this.#intent = intent;
    onPlanned?.();
    const { engine } = this.#instance;
    const report = await engine.applyChanges(changesToDo);
    this.#log.info(
      { changes: effective.length, ...report.done, ms: round(performance.now() - started) },
      'followed a change of the intent',
    );
    if (changesToDo.some(({ kind }) => kind === 'edge')) await this.#saveEdge(report);
    const again = this.#finish(report);
    // There may be no route to a new network node.
    if (effective.some(({ kind }) => kind === 'gateway' || kind === 'node')) merge(again, await this.#lookAtMachine());
    // The kernel may have deleted objects on a device that was replaced: list everything again.
    if (changesToDo.some((change) => change.action === 'replace' && engine.cascades(change)))
      everything(again, engine.order);
    return again;
  }

  /** Applies the intent that the removal guard blocks. */
  async release(): Promise<Invalidations> {
    const held = this.#blockedIntent;
    if (held === undefined) return noInvalidations();
    this.#log.warn('the held intent was released');
    return this.applyIntent(held, true);
  }

  /** Applies a new configuration of the same node. */
  async reconfigure(config: NodeConfig): Promise<Invalidations> {
    const before = this.#config;
    this.#config = config;
    try {
      return await this.#replan();
    } catch (error) {
      if (error instanceof FastpathMissingError) this.#config = before;
      throw error;
    }
  }

  /** Compares the objects that invalidations name, and repairs them. */
  async reconcileDirty(invalidations: Invalidations): Promise<Invalidations> {
    if (this.#planner === undefined)
      return this.#pending === undefined
        ? noInvalidations()
        : this.applyIntent(this.#pending.intent, this.#pending.force);
    const { kernel, engine } = this.#instance;
    if (invalidations.links) kernel.links.refresh();
    for (const kind of this.#heldBack) invalidations.resources.add(kind);
    if (invalidations.links || invalidations.facts) merge(invalidations, await this.#lookAtMachine());
    // Only a route changed: skip listing the devices, of which there may be ten thousand.
    if (invalidations.resources.size === 0) return noInvalidations();
    const options: DiffOptions = {
      resources: invalidations.resources,
      ...(!invalidations.links && this.#followers.isUnderlayAlone(invalidations.resources) && { keepLinks: true }),
      ...(invalidations.tables !== 'all' && { scope: { tables: invalidations.tables } }),
    };
    const diff = await engine.diff(this.#planner.plan, options);
    const drift = this.#drift.tell(diff);
    const drifted = drift.length > 0;
    const isWhole = invalidations.resources.size === engine.order.length;
    this.#telemetry?.drifted(drift, isWhole, (change) => engine.text(change).object);
    const started = performance.now();
    const report = await engine.converge(this.#planner.plan, diff, options);
    const { create, replace, delete: removed } = report.done;
    if (create + replace + removed > 0)
      this.#log.info(
        { ...report.done, ms: round(performance.now() - started) },
        drifted ? 'repaired' : 'followed a change of interfaces or underlay',
      );
    // Objects of an interface are always compared together with ports.
    if (invalidations.resources.has('port')) this.#drift.settle(report);
    if (invalidations.resources.has('edge')) await this.#saveEdge(report);
    return this.#finish(report, invalidations);
  }

  /** Plans anew if the machine's facts changed. The resulting changes assume that the kernel matches the old plan. */
  async #lookAtMachine(): Promise<Invalidations> {
    if (this.#planner === undefined || this.#intent === undefined) return noInvalidations();
    const before = this.#planner.view.facts;
    const facts = requireFacts(this.#instance.kernel, this.#config, this.#intent);
    if (equalValues(facts, before)) return noInvalidations();
    const delta = await runYielding(this.#planner.applyFactsSteps(facts));
    if (delta === undefined) return this.#replan();
    const report = await this.#instance.engine.applyChanges(await runYielding(changesOf(delta)));
    const lost = facts.unreachableNodes ?? [];
    this.#log[lost.length > 0 ? 'warn' : 'info'](
      { ...report.done, lost },
      'reachability of network nodes changed: routes were planned again',
    );
    return this.#finish(report);
  }

  async #replan(): Promise<Invalidations> {
    if (this.#planner === undefined || this.#intent === undefined) return noInvalidations();
    const { kernel, engine } = this.#instance;
    const before = this.#planner.plan;
    const facts = requireFacts(kernel, this.#config, this.#intent);
    const planner = await runYielding(plannerSteps(this.#config, facts, this.#intent));
    const delta: PlanDelta = await runYielding(differenceSteps(before, planner.plan));
    this.#planner = planner;
    const report = await engine.applyChanges(await runYielding(changesOf(delta)));
    this.#log.info({ ...report.done, ...this.#planner.view.facts }, 'the machine changed: planned again');
    if (delta.has('edge')) await this.#saveEdge(report);
    return this.#finish(report);
  }

  async #saveEdge(report: Report): Promise<void> {
    if (this.#planner === undefined) return;
    const unsaved = await this.#instance.saveEdge(this.#planner.plan, report);
    if (unsaved !== undefined && unsaved !== this.#unsavedText) this.#log.error(unsaved);
    this.#unsavedText = unsaved ?? '';
  }

  #hold(error: MassRemovalError | undefined, intent: Intent): boolean {
    if (error === undefined) return false;
    this.#blockedIntent = intent;
    this.#telemetry?.intentHeld(error.message);
    this.#log.error({ code: error.code, removed: error.removed, held: error.held }, error.message);
    return true;
  }

  /** Logs failures and interfaces that objects wait for; returns the objects to retry. */
  #finish(report: Report, looked?: Invalidations): Invalidations {
    const again = noInvalidations();
    // All objects of a failed transaction share one error, which is logged once.
    const logged = new Set<Error>();
    this.#telemetry?.reported(report);
    const fresh = this.#drift.noteFailures(report, looked?.resources);
    this.#telemetry?.failing(this.#drift.failures);
    for (const { kind, object, error } of fresh) {
      if (!logged.has(error)) this.#log.error({ kind, object, err: error }, 'failed');
      logged.add(error);
    }
    if (fresh.length > logged.size) this.#log.error({ objects: fresh.length }, 'objects that failed in total');
    for (const { kind } of report.failures) {
      again.resources.add(kind);
      again.tables = 'all';
      again.links = true;
    }
    this.#noteHeldBack(report, again, looked !== undefined);
    this.#tellWaiting(report.waiting, looked);
    if (looked === undefined) this.#tellWarnings();
    return again;
  }

  /** @param looked whether objects that were held back before have been compared again */
  #noteHeldBack({ heldBack }: Report, again: Invalidations, looked: boolean): void {
    if (heldBack.length > 0 && this.#heldBack.size === 0) {
      const objects = heldBack.map((change) => this.#instance.engine.text(change).object);
      this.#log.warn({ objects }, 'held back until nothing fails');
    }
    this.#heldBack = new Set([...(looked ? [] : this.#heldBack), ...heldBack.map(({ kind }) => kind)]);
    for (const kind of this.#heldBack) again.resources.add(kind);
  }

  #tellWarnings(): void {
    const warnings = this.#planner === undefined ? [] : planWarnings(this.#planner.view);
    const text = warnings.join('\n');
    if (text === this.#warningText) return;
    this.#warningText = text;
    for (const warning of warnings) this.#log.warn(warning);
  }

  #tellWaiting(waiting: readonly Waiting[], looked: Invalidations | undefined): void {
    // A partial diff knows only some of the waiting objects.
    if (looked !== undefined && !looked.resources.has('port')) return;
    this.#telemetry?.waits({ waiting });
    const text = [...new Set(waiting.map(({ device }) => device))].sort().join(' ');
    if (text === this.#waitingText) return;
    this.#waitingText = text;
    if (text !== '') this.#log.info({ interfaces: text.split(' ') }, 'waiting for interfaces');
  }
}

function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
