import { sourcesOf } from '../../../src/intent/sources.js';
import type { Intent, IntentChange, IntentNode, Port, Tenant } from '../../../src/intent/types.js';
import { pathKey, type Path } from '../../../src/encap/path.js';
import type { External, Gateway, Policy } from '../../../src/gateway/types.js';

const byName = <T extends { name: string }>(values: readonly T[] = []): Map<string, T> =>
  new Map(values.map((value) => [value.name, value]));

/**
 * An intent as a source of single changes holds it: entities by what tells them from others. A change costs the same however large
 * the intent is.
 */
export class IntentEntities {
  #sidBlock: string;
  #trusted: readonly string[];
  /** Whether outer sources are told apart from the nodes' (Intent.sources). */
  readonly #hasSources: boolean;
  readonly #source: Map<string, string>;
  readonly #node: Map<string, IntentNode>;
  readonly #tenant: Map<string, Tenant>;
  readonly #port: Map<string, Port>;
  readonly #path: Map<string, Path>;
  readonly #gateway: Map<string, Gateway>;
  readonly #external: Map<string, External>;
  readonly #policy: Map<string, Policy>;

  constructor(intent: Intent) {
    this.#sidBlock = intent.sidBlock;
    this.#trusted = intent.trusted ?? [];
    this.#hasSources = intent.sources !== undefined;
    this.#source = new Map(sourcesOf(intent).map((source) => [source, source]));
    this.#node = byName(intent.nodes);
    this.#tenant = byName(intent.tenants);
    this.#port = byName(intent.ports);
    this.#path = new Map(intent.paths.map((path) => [pathKey(path), path]));
    this.#gateway = byName(intent.gateways);
    this.#external = byName(intent.externals);
    this.#policy = byName(intent.policies);
  }

  /** Entities that stay keep their places, new ones come last. */
  apply(changes: Iterable<IntentChange>): void {
    for (const change of changes) this.#apply(change);
  }

  /** The whole of it, made anew each time. */
  intent(): Intent {
    const gateways = [...this.#gateway.values()];
    const externals = [...this.#external.values()];
    const policies = [...this.#policy.values()];
    return {
      version: 1,
      sidBlock: this.#sidBlock,
      ...(this.#trusted.length > 0 && { trusted: [...this.#trusted] }),
      ...(this.#hasSources && { sources: [...this.#source.values()].sort() }),
      nodes: [...this.#node.values()],
      tenants: [...this.#tenant.values()],
      ports: [...this.#port.values()],
      paths: [...this.#path.values()],
      ...(gateways.length > 0 && { gateways }),
      ...(externals.length > 0 && { externals }),
      ...(policies.length > 0 && { policies }),
    };
  }

  #apply(change: IntentChange): void {
    switch (change.kind) {
      case 'block':
        this.#sidBlock = change.after ?? this.#sidBlock;
        return;
      case 'trusted':
        this.#trusted = change.after ?? [];
        return;
      case 'source':
        put(this.#source, change);
        return;
      case 'node':
        put(this.#node, change);
        return;
      case 'tenant':
        put(this.#tenant, change);
        return;
      case 'port':
        put(this.#port, change);
        return;
      case 'path':
        put(this.#path, change);
        return;
      case 'gateway':
        put(this.#gateway, change);
        return;
      case 'external':
        put(this.#external, change);
        return;
      case 'policy':
        put(this.#policy, change);
        return;
    }
  }
}

function put<T>(held: Map<string, T>, { key, after }: { key: string; after?: T }): void {
  if (after === undefined) held.delete(key);
  else held.set(key, after);
}
