/**
 * What a feature adds to the intent: keys of entities, each with its schema, its canonical form, its equality and who keeps it. It imports no
 * feature: src/app/features.ts has the list.
 *
 *     declare module '../intent/types.js' { interface Port { xdp?: true } }
 *
 * A key that is declared and not registered does not compile there.
 */
import type { z } from 'zod';
import type { Context, Extensible, ExtensibleName, KeyFacts } from './check/context.js';
import type { Same } from './equality.js';
import type { Findings, IssuePath, PathSegment } from './findings.js';
import type { Draft } from './structure.js';
import type { Intent } from './types.js';

/** Where a key stands in the file. */
export class KeyPlace {
  readonly #findings: Findings;
  readonly #at: IssuePath;

  /** @param at of the key */
  constructor(findings: Findings, at: IssuePath) {
    this.#findings = findings;
    this.#at = at;
  }

  /**
   * Reports a value.
   *
   * @param expected the end of the sentence "expected …"
   * @param inside where it stands inside the key's value
   */
  refuse(value: unknown, expected: string, ...inside: PathSegment[]): undefined {
    this.#findings.add([...this.#at, ...inside], value, expected);
    return undefined;
  }
}

/** One key of an entity. A file may leave it out. */
export interface IntentKey<Value, Facts> {
  /** What a file may have there, each message being the end of the sentence "expected …". What texts mean is for `read`. */
  readonly schema: z.ZodType;
  /**
   * The canonical value, from what the schema took of the file's; parts that it refused are undefined.
   *
   * @returns undefined where that is the same as none, and where it was refused at `place`
   */
  read(given: unknown, facts: Facts, place: KeyPlace): Value | undefined;
  /** Whether two values mean the same; undefined is none. */
  readonly same: Same<Value | undefined>;
}

export interface PortKey<Value> extends IntentKey<Value, KeyFacts['port']> {
  /** Who keeps it: every node with the port's tenant, or the port's own alone. */
  readonly keptBy: 'every-node' | 'own-node';
}

type KeyOf<E extends ExtensibleName, Value> = E extends 'port' ? PortKey<Value> : IntentKey<Value, KeyFacts[E]>;

/** Keys of an entity, in the order in which messages list them. */
export type KeysOf<E extends ExtensibleName> = {
  readonly [K in keyof Extensible[E]]?: KeyOf<E, NonNullable<Extensible[E][K]>>;
};

/** What a feature adds to the intent. */
export interface IntentPart {
  readonly keys?: { readonly [E in ExtensibleName]?: KeysOf<E> };
  /** Checks between entities, once each was checked; `intent` has those that passed. */
  check?(intent: CheckedLists, context: Context): void;
}

/** The entities of a file that passed the checks of their own. */
export type CheckedLists = Pick<Intent, 'nodes' | 'tenants' | 'ports'>;

type Reading<S extends z.ZodType, Value, Facts> = Omit<IntentKey<Value, Facts>, 'schema' | 'read'> & {
  readonly schema: S;
  read(given: Draft<z.output<S>>, facts: Facts, place: KeyPlace): Value | undefined;
};

/** A key of ports; `read` gets what its schema takes. */
export function portKey<S extends z.ZodType, Value>(
  key: Reading<S, Value, KeyFacts['port']> & Pick<PortKey<Value>, 'keptBy'>,
): PortKey<Value> {
  return key;
}

/** A key of nodes, tenants or subnets, likewise. */
export function entityKey<E extends Exclude<ExtensibleName, 'port'>>() {
  return <S extends z.ZodType, Value>(key: Reading<S, Value, KeyFacts[E]>): IntentKey<Value, KeyFacts[E]> => key;
}
