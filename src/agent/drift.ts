/** Logs the changes a diff found: drift (made by others, a warning) apart from changes that follow interfaces or the underlay (info). */
import type { Links } from '../kernel/links.js';
import type { ResourceName } from '../plan/plan.js';
import type { Change, ChangeText, Failure, Report, StateDiff } from '../reconcile/change.js';
import type { AnyResource } from '../reconcile/resource.js';
import type { Logger } from './log.js';

/** Drift changes that are logged with a line each; the rest is only counted. */
const MAX_DRIFT_LINES = 20;

/** The parts of the engine that this uses. */
interface Engine {
  text(change: Change): ChangeText;
  devicesOf(change: Change): readonly string[];
  resource(name: ResourceName): Pick<AnyResource, 'underlay'> | undefined;
}

/** Changes of a diff, by their cause. */
interface Causes {
  drift: Change[];
  /** Number of due objects by interface. */
  appeared: Map<string, number>;
  disappeared: Map<string, number>;
  /** Number of objects. */
  underlay: number;
}

export class DriftLog {
  readonly #engine: Engine;
  readonly #links: Links;
  readonly #log: Logger;
  /** Index of each interface whose objects were made, by name: another interface may take the name later. */
  #settled = new Map<string, number>();
  /** Changes that failed when last tried, with the error message. They are due again and are not drift. */
  #failed: ReadonlyMap<string, string> = new Map();

  constructor(engine: Engine, links: Links, log: Logger) {
    this.#engine = engine;
    this.#links = links;
    this.#log = log;
  }

  /**
   * Logs what a diff found.
   *
   * @returns the drift: changes that others made
   */
  tell(diff: StateDiff): readonly Change[] {
    const changes = diff.changes.filter((change) => !this.#failed.has(failureKey(change)));
    let causes = this.#causesOf(changes);
    // An interface may have gone, with its objects, while the diff was made.
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

  /** Whether the desired value changed with the underlay, rather than the kernel's object. */
  #isOfUnderlay({ kind, action }: Change, how: AnyResource['underlay']): boolean {
    return action === 'replace' && this.#engine.resource(kind)?.underlay === how;
  }

  /**
   * Marks the present interfaces as settled, unless an object failed: differences at them are drift from here on. An interface that objects still
   * waited for is not settled.
   */
  settle({ failures, waiting }: Report): void {
    if (failures.length > 0) return;
    const awaited = new Set(waiting.map(({ device }) => device));
    const made = [...this.#links.all()].filter(({ name }) => !awaited.has(name));
    this.#settled = new Map(made.map(({ name, index }) => [name, index]));
  }

  /**
   * Records failures.
   *
   * @param looked kinds that were compared whole: their earlier failures that are not among these are over
   * @returns failures that are new or have another error than before
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

  /** Number of objects that could not be made when last tried. */
  get failures(): number {
    return this.#failed.size;
  }

  /** Resolves `ifindex N`: map entries of an interface that is gone have only its index. */
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
