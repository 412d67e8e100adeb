/** Random changes of a small cloud, most of which exclude others. */
import { portOf, wish } from './intent.js';
import type { Quota } from '../../../src/fleet/check/checked-intent.js';
import type { NodeOps } from '../../../src/fleet/ops.js';
import type { EntityValue } from '../../../src/fleet/types.js';
import type { Wishes } from '../../../src/fleet/store/writer.js';
import type { IntentNode, Port, Tenant } from '../../../src/intent/types.js';

export type Change =
  | { kind: 'wishes'; wishes: Wishes }
  | { kind: 'quota'; quota: Quota | undefined }
  | { kind: 'ops'; next: (ops: NodeOps | undefined, now: IntentNode) => NodeOps | undefined };

/** Addresses of the shared port that one writer keeps. */
const OWN_ADDRESSES = 20;
const SHARED = 'port/red/shared';

/** The changes of one writer. Eight names have six addresses and four interfaces between them. */
export class Changes {
  readonly #random: (bound: number) => number;
  readonly #writer: number;
  #added = 0;

  constructor(writer: number, seed: number) {
    this.#writer = writer;
    this.#random = randomOf(seed * 2 + writer);
  }

  next(): Change {
    const kind = this.#random(100);
    if (kind < 45) return put(wish(this.#port()));
    if (kind < 60) return put({ key: `port/red/p${this.#random(8)}` });
    if (kind < 73) return this.#addressOfShared();
    if (kind < 82) return exchange(`port/red/p${this.#random(8)}`, `port/red/p${this.#random(8)}`);
    if (kind < 86) return this.#node();
    if (kind < 89) return this.#tenant();
    if (kind < 92) return this.#manyPorts();
    if (kind < 96) return { kind: 'quota', quota: this.#random(2) === 0 ? undefined : { ports: 3 + this.#random(6) } };
    return this.#order();
  }

  #port(): Port {
    return portOf(this.#random(8), {
      ...{ tenant: this.#random(10) === 0 ? 'blue' : 'red', node: `hv${1 + this.#random(2)}` },
      ...{ interface: `tap${this.#random(4)}`, addresses: [`10.0.0.${10 + this.#random(6)}`] },
    });
  }

  /** Both writers add to one port; each keeps its last addresses, and the other's. */
  #addressOfShared(): Change {
    const net = `10.0.${100 + this.#writer}.`;
    this.#added += 1;
    const address = `${net}${1 + (this.#added % 250)}`;
    return {
      kind: 'wishes',
      wishes: (entities) => {
        const shared = entities.get(SHARED) as Port;
        const own = shared.addresses.filter((one) => one.startsWith(net)).slice(1 - OWN_ADDRESSES);
        const others = shared.addresses.filter((one) => !one.startsWith(net));
        return [{ key: SHARED, after: { ...shared, addresses: [...others, ...own, address] } }];
      },
    };
  }

  /** One of two nodes that have the same locator. */
  #node(): Change {
    const name = `spare-${this.#random(2)}`;
    const after: IntentNode = { name, locator: 'fd00:5e:9::/48', source: 'fd00:5e:9::1' };
    return put({ key: `node/${name}`, ...(this.#random(2) === 0 && { after }) });
  }

  /** One of two tenants that have the same id. */
  #tenant(): Change {
    const name = `new-${this.#random(2)}`;
    const after: Tenant = { name, id: 3, subnets: [], dscp: 'copy' };
    return put({ key: `tenant/${name}`, ...(this.#random(2) === 0 && { after }) });
  }

  /** A commit of several transactions. */
  #manyPorts(): Change {
    const node = `hv${1 + this.#random(2)}`;
    const isGone = this.#random(3) === 0;
    const ports = Array.from({ length: 150 }, (_, n) => wish(portOf(1000 + n, { tenant: 'blue', node })));
    return put(...ports.map(({ key, after }) => (isGone ? { key } : { key, after })));
  }

  #order(): Change {
    const what = ([undefined, 'drain', 'disable'] as const)[this.#random(3)];
    const order = { author: `w${this.#writer}`, reason: '', timeMs: this.#random(1000) };
    return {
      kind: 'ops',
      next: () => (what === undefined ? undefined : { ownDrain: false, [what]: order }),
    };
  }
}

function put(...wanted: { key: string; after?: EntityValue }[]): Change {
  return { kind: 'wishes', wishes: () => wanted };
}

/** Two ports exchange their addresses; without both nothing happens. */
function exchange(a: string, b: string): Change {
  return {
    kind: 'wishes',
    wishes: (entities) => {
      const [one, two] = [entities.get(a) as Port | undefined, entities.get(b) as Port | undefined];
      if (one === undefined || two === undefined || a === b) return [];
      return [
        { key: a, after: { ...one, addresses: two.addresses } },
        { key: b, after: { ...two, addresses: one.addresses } },
      ];
    },
  };
}

/** Numbers from 0 up to a bound (mulberry32). */
function randomOf(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * bound);
  };
}
