/**
 * A feature's part of the intent: keys of entities, and its own lists of entities, each with its schema, canonical form, equality and scope.
 * Imports no feature: src/app/features.ts has the list.
 *
 *     declare module '../intent/types.js' { interface Port { xdp?: true } }
 *
 * A key or list that is declared but not registered does not compile there.
 */
import type { z } from 'zod';
import type { Context, Extensible, ExtensibleName, KeyFacts } from './check/context.js';
import type { Same } from './equality.js';
import type { Findings, IssuePath, PathSegment } from './findings.js';
import type { Draft, Structure } from './structure.js';
import type { Intent, IntentLists, NodeConfig } from './types.js';

/** Location of a key in the file. */
export class KeyPlace {
  readonly #findings: Findings;
  readonly #at: IssuePath;

  /** @param at path of the key */
  constructor(findings: Findings, at: IssuePath) {
    this.#findings = findings;
    this.#at = at;
  }

  /**
   * Reports a value.
   *
   * @param expected the end of the sentence "expected …"
   * @param inside path inside the key's value
   */
  refuse(value: unknown, expected: string, ...inside: PathSegment[]): undefined {
    this.#findings.add([...this.#at, ...inside], value, expected);
    return undefined;
  }
}

/** A key of an entity, which files may omit. */
export interface IntentKey<Value, Facts> {
  /** Schema of the key; each message is the end of the sentence "expected …". `read` interprets texts. */
  readonly schema: z.ZodType;
  /**
   * The canonical value, from the parts that the schema accepted; refused ones are undefined.
   *
   * @returns undefined if the value equals none, or was refused at `place`
   */
  read(given: unknown, facts: Facts, place: KeyPlace): Value | undefined;
  /** Whether two values have the same meaning; undefined: none. */
  readonly same: Same<Value | undefined>;
}

export interface PortKey<Value> extends IntentKey<Value, KeyFacts['port']> {
  /** Nodes that keep it: all with the port's tenant, or only the port's own. */
  readonly keptBy: 'every-node' | 'own-node';
}

type KeyOf<E extends ExtensibleName, Value> = E extends 'port' ? PortKey<Value> : IntentKey<Value, KeyFacts[E]>;

/** Keys of an entity, in the order in which messages list them. */
export type KeysOf<E extends ExtensibleName> = {
  readonly [K in keyof Extensible[E]]?: KeyOf<E, NonNullable<Extensible[E][K]>>;
};

/** The part of an intent that a node keeps, as known when a list is scoped. */
export interface Scope {
  node: string;
  hasNode(this: void, name: string): boolean;
  /** Whether all of a tenant is kept. */
  hasTenant(this: void, name: string): boolean;
  /** Whether a tenant's subnets and its ports with prefixes are kept. */
  isPeer(this: void, name: string): boolean;
  /** Lists that were scoped before. */
  kept: Readonly<Partial<Intent>>;
}

/** A feature's list of entities, which files may omit. */
export interface ListPart<Value, Kind extends string = string> {
  /** Kind of its entities' changes. */
  readonly kind: Kind;
  /** Structure of an entity in the file. */
  readonly structure: Structure<unknown>;
  /** Checks the entities of a file. Refused ones are omitted from the result. Lists are checked in the order of registration. */
  check(this: void, context: Context, raws: readonly unknown[]): Value[];
  /** Key of an entity, unique within its kind. */
  keyOf(this: void, entity: Value): string;
  readonly same: Same<Value>;
  /** The entities, or parts of them, that a node keeps. */
  keep(this: void, entities: readonly Value[], scope: Scope): Value[];
  /** An intent without entities has an empty list; otherwise the list is absent. */
  readonly isThereWhenEmpty?: true;
}

/** What a node needs in addition to the tenants that it hosts. */
export interface Needs {
  /** Tenants of which it keeps everything. */
  tenants: readonly string[];
  /** Tenants of which it keeps the subnets, and the ports with prefixes. */
  peers: readonly string[];
  nodes: readonly string[];
}

/** A feature's part of the intent. */
export interface IntentPart {
  readonly lists?: { readonly [L in keyof IntentLists]?: ListPart<IntentLists[L]['entity'], IntentLists[L]['kind']> };
  /** @param hosted tenants with a port on the node */
  needs?(intent: Intent, node: string, hosted: ReadonlySet<string>): Needs;
  /** Checks that need both the node file and the intent. */
  checkNode?(config: NodeConfig, intent: Intent, findings: Findings): void;
  readonly keys?: { readonly [E in ExtensibleName]?: KeysOf<E> };
  /** Checks between entities, after the checks of each; `intent` contains those that passed. */
  check?(intent: CheckedLists, context: Context): void;
}

/** The entities of a file that passed their own checks. */
export type CheckedLists = Pick<Intent, 'nodes' | 'tenants' | 'ports'>;

type Reading<S extends z.ZodType, Value, Facts> = Omit<IntentKey<Value, Facts>, 'schema' | 'read'> & {
  readonly schema: S;
  read(given: Draft<z.output<S>>, facts: Facts, place: KeyPlace): Value | undefined;
};

/** Declares a key of ports; `read` gets the type that the schema accepts. */
export function portKey<S extends z.ZodType, Value>(
  key: Reading<S, Value, KeyFacts['port']> & Pick<PortKey<Value>, 'keptBy'>,
): PortKey<Value> {
  return key;
}

/** Declares a key of nodes, tenants or subnets, likewise. */
export function entityKey<E extends Exclude<ExtensibleName, 'port'>>() {
  return <S extends z.ZodType, Value>(key: Reading<S, Value, KeyFacts[E]>): IntentKey<Value, KeyFacts[E]> => key;
}
