/** Tells what somebody changed (drift, a warning) from what follows from interfaces and the underlay (info). */
import type { Links } from '../kernel/links.js';
import type { ResourceName } from '../plan/plan.js';
import type { Change, ChangeText, Failure, Report, StateDiff } from '../reconcile/change.js';
import type { AnyResource } from '../reconcile/resource.js';
import type { Logger } from './log.js';

/** Changes of drift with a line each; more are counted. */
const MAX_DRIFT_LINES = 20;

/** What of the engine is asked. */
interface Engine {
  text(change: Change): ChangeText;
  devicesOf(change: Change): readonly string[];
  resource(name: ResourceName): Pick<AnyResource, 'underlay'> | undefined;
}

/** Why changes are due. */
interface Causes {
  drift: Change[];
  /** Interfaces, with how many objects are due for each. */
  appeared: Map<string, number>;
  disappeared: Map<string, number>;
  /** Objects. */
  underlay: number;
}

export class DriftLog {
  readonly #engine: Engine;
  readonly #links: Links;
  readonly #log: Logger;
  /** Interfaces whose objects were made, by name: a name may come back as another interface. */
  #settled = new Map<string, number>();
  /** Changes that failed when they were last tried, with the error: they are due again, and nobody changed anything meanwhile. */
  #failed: ReadonlyMap<string, string> = new Map();

  constructor(engine: Engine, links: Links, log: Logger) {
    this.#engine = engine;
    this.#links = links;
    this.#log = log;
  }

  /**
   * Tells what a diff found.
   *
   * @returns what somebody changed
   */
  tell(diff: StateDiff): readonly Change[] {
    const changes = diff.changes.filter((change) => !this.#failed.has(failureKey(change)));
    let causes = this.#causesOf(changes);
    // An interface may have gone while the diff was made, and its objects with it.
    if (causes.drift.length > 0) {
      this.#links.refresh();
      causes = this.#causesOf(changes);
    }
    const { drift, appeared, disappeared, underlay } = causes;
    for (const [device, objects] of disappeared)
      this.#log.info({ interface: device, objects }, 'interface disappeared');
    for (const [device, objects] of appeared) this.#log.info({ interface: device, objects }, 'interface appeared');
    if (underlay > 0) this.#log.info({ objects: underlay }, 'the underlay changed');
    for (const change of drift.slice(0, MAX_DRIFT_LINES)) {
      const { kind, action, object, differences } = this.#engine.text(change);
      this.#log.warn({ kind, action, object, ...(differences.length > 0 && { differences }) }, 'drift');
    }
    if (drift.length > MAX_DRIFT_LINES) {
      this.#log.warn({ changes: drift.length }, `drift: only the first ${MAX_DRIFT_LINES} are logged`);
    }
    return drift;
  }

  #causesOf(changes: readonly Change[]): Causes {
    const causes: Causes = { drift: [], appeared: new Map(), disappeared: new Map(), underlay: 0 };
    const { appeared, disappeared } = causes;
    const underlayChanges = changes.some((change) => this.#isOfUnderlay(change, 'resolves'));
    for (const change of changes) {
      const devices = this.#engine.devicesOf(change);
      const gone = devices.find((device) => !this.#links.has(device));
      const fresh = devices.find((device) => this.#links.get(device)?.index !== this.#settled.get(device));
      if (gone !== undefined) count(disappeared, this.#nameOf(gone));
      else if (fresh !== undefined) count(change.action === 'delete' ? disappeared : appeared, fresh);
      else if (this.#isOfUnderlay(change, 'resolves')) causes.underlay += 1;
      else if (underlayChanges && this.#isOfUnderlay(change, 'follows')) causes.underlay += 1;
      else causes.drift.push(change);
    }
    return causes;
  }

  /** Whether what is wanted has changed with the underlay, rather than what is there. */
  #isOfUnderlay({ kind, action }: Change, how: AnyResource['underlay']): boolean {
    return action === 'replace' && this.#engine.resource(kind)?.underlay === how;
  }

  /**
   * What differs of the interfaces that are there now is drift from here on, unless some of their objects could not be made. One that came
   * while objects still waited for it has none yet.
   */
  settle({ failures, waiting }: Report): void {
    if (failures.length > 0) return;
    const awaited = new Set(waiting.map(({ device }) => device));
    const made = [...this.#links.all()].filter(({ name }) => !awaited.has(name));
    this.#settled = new Map(made.map(({ name, index }) => [name, index]));
  }

  /**
   * Takes in what failed.
   *
   * @param looked kinds that were tried whole: what failed of them before and is not among these is over
   * @returns those that did not fail alike when they were last tried
   */
  noteFailures({ failures }: Report, looked?: ReadonlySet<ResourceName>): Failure[] {
    const before = this.#failed;
    const others = [...before].filter(([key]) => looked?.has(kindOf(key)) !== true);
    this.#failed = new Map([
      ...others,
      ...failures.map((one): [string, string] => [failureKey(one), one.error.message]),
    ]);
    return failures.filter((one) => before.get(failureKey(one)) !== one.error.message);
  }

  /** Objects that could not be made when they were last tried. */
  get failures(): number {
    return this.#failed.size;
  }

  /** Maps know an interface that is gone by its number alone. */
  #nameOf(device: string): string {
    const index = Number(/^ifindex ([0-9]+)$/.exec(device)?.[1]);
    for (const [name, settled] of this.#settled) if (settled === index) return name;
    return device;
  }
}

function failureKey({ kind, key }: Pick<Change, 'kind' | 'key'>): string {
  return `${kind} ${key}`;
}

function kindOf(failureKey: string): ResourceName {
  return failureKey.slice(0, failureKey.indexOf(' ')) as ResourceName;
}

function count(counts: Map<string, number>, device: string): void {
  counts.set(device, (counts.get(device) ?? 0) + 1);
}
