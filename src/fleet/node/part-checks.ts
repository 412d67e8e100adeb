/** Applies the checks of files to a node's part of the intent; a change costs in proportion to its size. */
import { CheckedIntent } from '../check/checked-intent.js';
import { readEntity } from '../check/read-entity.js';
import { kindOfKey } from '../keys.js';
import { IntentError } from '../../intent/errors.js';
import { Findings } from '../../intent/findings.js';
import { Stand } from './part.js';
import type { Intent, NodeConfig, Port } from '../../intent/types.js';
import type { EntityValue } from '../types.js';
import type { Part } from './part.js';
import type { PartVersion } from './part-version.js';
import { checkNodeInIntent } from '../../app/intent.js';

export class PartChecks {
  readonly #config: NodeConfig;
  /** Name of the node file, for messages. */
  readonly #configFile: string;
  #checked = new CheckedIntent();
  #stand = new Stand();

  constructor(config: NodeConfig, configFile: string) {
    this.#config = config;
    this.#configFile = configFile;
  }

  /** Number of the node's own ports in the checked part. */
  get ownPorts(): number {
    let ports = 0;
    for (const count of this.#checked.index.tenantsOn.of(this.#config.node).values()) ports += count;
    return ports;
  }

  /**
   * @param changed keys that may have changed; undefined: all are compared
   * @throws IntentError; the checked part is then unchanged
   */
  check(version: PartVersion, changed: readonly string[] | undefined): void {
    const { values } = version;
    this.#checkEntities(values, changed ?? new Set([...this.#checked.entities.keys(), ...values.keys()]));
    const isSmall = changed?.every((key) => !/^(gateway|external)\//.test(key)) === true;
    const intent = isSmall ? this.#aroundNode(values, changed) : undefined;
    checkNodeInIntent(this.#config, intent ?? version.intent, this.#configFile);
  }

  /** The entities that the node file is checked against, if neither gateways nor externals changed; undefined if the part lacks the node. */
  #aroundNode(values: Part, changed: readonly string[]): Intent | undefined {
    const { index } = this.#checked;
    const self = index.nodes.get(this.#config.node);
    if (self === undefined) return undefined;
    const gateways = [...index.gatewaysOn.of(self.name).values()];
    const externals = gateways.flatMap(({ name }) => [...index.externalsOf.of(name).values()]);
    const ports = changed.flatMap((key) =>
      key.startsWith('port/') ? ((values.get(key) as Port | undefined) ?? []) : [],
    );
    return { version: 1, sidBlock: '', nodes: [self], tenants: [], ports, paths: [], gateways, externals };
  }

  #checkEntities(values: Part, keys: Iterable<string>): void {
    const held = this.#checked.entities;
    const wishes: { key: string; after?: EntityValue }[] = [];
    const findings = new Findings();
    for (const key of keys) {
      const kind = kindOfKey(key);
      const value = values.get(key);
      if (kind === undefined || (value !== undefined && isSame(held.get(key), value))) continue;
      if (value === undefined) {
        if (held.has(key)) wishes.push({ key });
        continue;
      }
      // An entity with a structure that this version does not support is refused before it is used.
      const entity = readEntity(kind, value, findings);
      if (entity?.key === key) wishes.push({ key, after: this.#stand.value(entity.after) });
      else if (findings.list.length === 0) findings.add([key], value, 'the entity of its key');
    }
    if (findings.list.length > 0) {
      const issues = findings.list.map(({ path, value, found, expected }) => ({
        path: path.join('.'),
        value,
        found,
        expected,
      }));
      throw new IntentError('intent', issues);
    }
    try {
      this.#checked.apply(wishes);
    } catch (error) {
      // Unless the conflict is with a placeholder for a MAC address that the feed omits.
      if (!this.#checkAnew(values)) throw error;
    }
  }

  #checkAnew(values: Part): boolean {
    const stand = new Stand(values);
    const checked = new CheckedIntent();
    const all = [...values].filter(([key]) => kindOfKey(key) !== undefined);
    try {
      checked.apply(all.map(([key, value]) => ({ key, after: stand.value(value) })));
    } catch {
      return false;
    }
    this.#checked = checked;
    this.#stand = stand;
    return true;
  }
}

/** Compares a value with a checked one, whose interface and MAC address are placeholders if the feed omits them. */
function isSame(checked: EntityValue | undefined, value: EntityValue): boolean {
  if (checked === undefined) return false;
  const port = value as { interface?: unknown; mac?: unknown };
  const isRemote = typeof value === 'object' && port.interface === '' && port.mac === '';
  const shown = isRemote ? { ...(checked as Port), interface: '', mac: '' } : checked;
  return JSON.stringify(shown) === JSON.stringify(value);
}
