/** Operators' orders for nodes, as a writer applies them. */
import { IntentError } from '../../intent/errors.js';
import { endOf } from '../keys.js';
import { isDrained, readNodeOps } from '../ops.js';
import { parseJson } from './realm.js';
import type { RealmKeys } from '../keys.js';
import type { NodeOps } from '../ops.js';
import type { IntentNode, Port } from '../../intent/types.js';
import type { EntityValue, StoredChange } from '../types.js';
import type { EtcdClient } from './etcd-client.js';

const NODE = 'node/';

export class OpsBook {
  #ops: ReadonlyMap<string, NodeOps> = new Map();

  get all(): ReadonlyMap<string, NodeOps> {
    return this.#ops;
  }

  /** @throws EtcdError */
  async read(client: EtcdClient, keys: RealmKeys): Promise<void> {
    const { kvs } = await client.range({ key: Buffer.from(keys.ops), range_end: endOf(keys.ops) }, { large: true });
    const entries = kvs.map(({ key, value }) => {
      const node = key.toString().slice(keys.ops.length);
      return [node, readNodeOps(node, parseJson(`ops/${node}`, value.toString()))] as const;
    });
    this.#ops = new Map(entries);
  }

  /** Orders that this writer has committed. @param ops undefined: none */
  put(node: string, ops: NodeOps | undefined): void {
    const others = [...this.#ops].filter(([name]) => name !== node);
    this.#ops = new Map(ops === undefined ? others : [...others, [node, ops]]);
  }

  /** An entity with the orders applied: a node that is ordered to drain drains, whatever the file says. */
  inForce(key: string, value: EntityValue): EntityValue {
    const ops = key.startsWith(NODE) ? this.#ops.get(key.slice(NODE.length)) : undefined;
    return ops !== undefined && isDrained(ops) ? { ...(value as IntentNode), drain: true } : value;
  }

  /** An entity without the orders: as the intent itself defines it. */
  byItself(key: string, value: EntityValue): EntityValue {
    const ops = key.startsWith(NODE) ? this.#ops.get(key.slice(NODE.length)) : undefined;
    return ops !== undefined && isDrained(ops) ? withDrain(value as IntentNode, ops.ownDrain) : value;
  }

  /** @throws IntentError for new ports on a disabled node */
  refuseNewPorts(changes: readonly StoredChange[]): void {
    const isPort = ({ key }: StoredChange): boolean => key.startsWith('port/');
    const had = new Set(changes.filter(isPort).flatMap(({ before }) => placeOf(before as Port | undefined)));
    const issues = changes.filter(isPort).flatMap(({ after }) => {
      const port = after as Port | undefined;
      const disable = port && this.#ops.get(port.node)?.disable;
      if (port === undefined || disable === undefined || placeOf(port).some((place) => had.has(place))) return [];
      const expected = `a node that takes new ports: ${disable.author} disabled this one (${disable.reason})`;
      return [{ path: `port ${port.name}: node`, value: port.node, found: JSON.stringify(port.node), expected }];
    });
    if (issues.length > 0) throw new IntentError('intent', issues);
  }
}

function placeOf(port: Port | undefined): string[] {
  return port === undefined ? [] : [`${port.name} ${port.node}`];
}

/** @returns the node with or without `drain` */
export function withDrain(node: IntentNode, drain: boolean): IntentNode {
  const rest = { ...node };
  delete rest.drain;
  return drain ? { ...rest, drain: true } : rest;
}
