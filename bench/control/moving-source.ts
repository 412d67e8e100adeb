/** A source that emits changes as etcd would: it holds the intent, and tells what moved. */
import { loadIntent, scopeTo } from '../../src/app/intent.js';
import { randomFrom, SELF } from '../lib/workload.js';
import type { IntentEvent, IntentListener, IntentSource } from '../../src/intent/source.js';
import type { Intent, Port } from '../../src/intent/types.js';

const SEED = 7;

export interface Move {
  before: Port;
  after: Port;
  /** Ports of the tenant on the node it leaves, after it left. */
  staying: number;
  /** Ports of the tenant on the node it comes to, before it came. */
  there: number;
  event: IntentEvent;
}

export class MovingSource implements IntentSource {
  readonly #intent: Intent;
  readonly #remote: number[] = [];
  readonly #nodes: string[];
  /** Ports by tenant and node. */
  readonly #held = new Map<string, number>();
  readonly #random = randomFrom(SEED);
  #listener: IntentListener = () => undefined;

  constructor(file: string) {
    this.#intent = scopeTo(loadIntent(file), SELF);
    this.#nodes = this.#intent.nodes.map(({ name }) => name).filter((name) => name !== SELF);
    this.#intent.ports.forEach((port, i) => {
      this.#count(port, +1);
      if (port.node !== SELF) this.#remote.push(i);
    });
  }

  start(listener: IntentListener): Promise<void> {
    this.#listener = listener;
    listener({ type: 'snapshot', intent: this.#intent });
    return Promise.resolve();
  }

  close(): void {
    this.#listener = () => undefined;
  }

  /** Some remote port, to some other remote node. The intent has moved on when this returns; nobody knows yet. */
  next(): Move {
    const { ports } = this.#intent;
    const index = this.#remote[Math.floor(this.#random() * this.#remote.length)] ?? 0;
    const before = ports[index];
    if (before === undefined) throw new Error('no remote port to move');
    let node = before.node;
    while (node === before.node) node = this.#nodes[Math.floor(this.#random() * this.#nodes.length)] ?? node;
    const after = { ...before, node };
    const there = this.#held.get(`${after.tenant} ${after.node}`) ?? 0;
    this.#count(before, -1);
    this.#count(after, +1);
    ports[index] = after;
    const staying = this.#held.get(`${before.tenant} ${before.node}`) ?? 0;
    const changes = [{ kind: 'port' as const, key: after.name, before, after }];
    return { before, after, staying, there, event: { type: 'change', changes, intent: this.#intent } };
  }

  emit(event: IntentEvent): void {
    this.#listener(event);
  }

  #count({ tenant, node }: Port, by: number): void {
    const key = `${tenant} ${node}`;
    this.#held.set(key, (this.#held.get(key) ?? 0) + by);
  }
}
