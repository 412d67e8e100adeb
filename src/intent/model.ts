import { CORE_FIELDS, sameFields, subnetsWith } from './equality.js';
import { KeyPlace } from './part.js';
import { entityStructures, fileStructure } from './schema.js';
import type { FieldEquality, Same } from './equality.js';
import type { Findings, IssuePath } from './findings.js';
import type { Extensible, ExtensibleName, KeyFacts, KeyReader } from './check/context.js';
import type { IntentKey, IntentPart, KeysOf, ListPart, PortKey } from './part.js';
import type { ExtraKeys } from './schema.js';
import type { IntentLists, Port } from './types.js';

/** A list with its key. */
export type NamedList = ListPart<unknown> & { readonly key: keyof IntentLists };

type Rows = readonly (readonly [name: string, key: IntentKey<unknown, unknown>])[];

const NAMES = ['node', 'tenant', 'subnet', 'port'] as const satisfies ExtensibleName[];

/** The keys and lists of an intent: those that concern more than one feature, and those that features add. */
export class IntentModel implements KeyReader {
  readonly parts: readonly IntentPart[];
  /** Lists of features, in the order of the file. */
  readonly lists: readonly NamedList[];
  /** Structure of the file without its entities. */
  readonly file: ReturnType<typeof fileStructure>;
  /** Structures of the entities to which features add keys. */
  readonly structures: ReturnType<typeof entityStructures>;
  /** Equality of each field, by entity. */
  readonly fields: { readonly [E in ExtensibleName]: FieldEquality<Extensible[E]> };
  /** Equality of entities of the same name. */
  readonly same: { readonly [E in ExtensibleName]: Same<Extensible[E]> };
  readonly #rows: Readonly<Record<ExtensibleName, Rows>>;
  /** Keys of ports that only the port's own node keeps. */
  readonly #ownNodeKeys: readonly string[];

  /** @throws Error if two features add the same key, or one that exists already */
  constructor(parts: readonly IntentPart[]) {
    this.parts = parts;
    this.lists = listsOf(parts);
    this.file = fileStructure(this.lists.map(({ key }) => key));
    const rows = Object.fromEntries(NAMES.map((entity) => [entity, rowsOf(entity, parts)]));
    this.#rows = rows as Record<ExtensibleName, Rows>;
    const schemas = Object.fromEntries(NAMES.map((entity) => [entity, schemasOf(this.#rows[entity])]));
    this.structures = entityStructures(schemas as Record<ExtensibleName, ExtraKeys>);
    const subnet = sameFields(fieldsOf('subnet', this.#rows));
    this.fields = {
      node: fieldsOf('node', this.#rows),
      tenant: { ...fieldsOf('tenant', this.#rows), subnets: subnetsWith(subnet) },
      subnet: fieldsOf('subnet', this.#rows),
      port: fieldsOf('port', this.#rows),
    };
    this.same = {
      node: sameFields(this.fields.node),
      tenant: sameFields(this.fields.tenant),
      subnet,
      port: sameFields(this.fields.port),
    };
    this.#ownNodeKeys = this.#rows.port
      .filter(([, key]) => (key as PortKey<unknown>).keptBy === 'own-node')
      .map(([name]) => name);
  }

  adds(entity: ExtensibleName, draft: object): boolean {
    // Called for each of a million ports, so it creates no closure.
    for (const [name] of this.#rows[entity]) if (name in draft) return true;
    return false;
  }

  read<E extends ExtensibleName>(
    entity: E,
    draft: object,
    into: Partial<Extensible[E]>,
    facts: KeyFacts[E],
    { findings, at }: { findings: Findings; at: IssuePath },
  ): void {
    for (const [name, key] of this.#rows[entity]) {
      const given = (draft as Record<string, unknown>)[name];
      if (given === undefined) continue;
      const value = key.read(given, facts, new KeyPlace(findings, [...at, name]));
      if (value !== undefined) (into as unknown as Record<string, unknown>)[name] = value;
    }
  }

  /** The part of a port that a node keeps: a port on another node is kept without its interface's keys. */
  portAt(port: Port, node: string): Port {
    if (port.node === node) return port;
    const prefixes = port.prefixes.length === 0 ? NO_PREFIXES : port.prefixes;
    const kept: Port = { ...port, interface: '', mac: '', prefixes };
    // Most ports have none of these keys, and V8 is slow with objects from which keys were deleted.
    if (!this.#ownNodeKeys.some((key) => key in kept)) return kept;
    return Object.fromEntries(Object.entries(kept).filter(([key]) => !this.#ownNodeKeys.includes(key))) as typeof kept;
  }
}

function listsOf(parts: readonly IntentPart[]): NamedList[] {
  const all = parts.flatMap(({ lists = {} }) =>
    Object.entries(lists).map(([key, list]) => ({ key, ...list }) as NamedList),
  );
  for (const [index, { key }] of all.entries())
    if (all.findIndex((list) => list.key === key) < index)
      throw new Error(`intent: the list ${key} is registered twice`);
  return all;
}

/** Shared, so that a million ports without prefixes do not have an empty list each. */
const NO_PREFIXES: string[] = [];

export function shareNoPrefixes(ports: Port[]): void {
  for (const port of ports) if (port.prefixes.length === 0) port.prefixes = NO_PREFIXES;
}

function rowsOf(entity: ExtensibleName, parts: readonly IntentPart[]): Rows {
  const known = new Set(Object.keys(CORE_FIELDS[entity]));
  return parts.flatMap(({ keys }) =>
    Object.entries((keys?.[entity] ?? {}) as KeysOf<ExtensibleName>).map(([name, key]) => {
      if (known.has(name)) throw new Error(`intent: the key ${name} of a ${entity} is registered twice`);
      known.add(name);
      return [name, key as IntentKey<unknown, unknown>] as const;
    }),
  );
}

/** All fields of an entity: a missing one does not compile in src/app/features.ts. */
function fieldsOf<E extends ExtensibleName>(
  entity: E,
  rows: Readonly<Record<ExtensibleName, Rows>>,
): FieldEquality<Extensible[E]> {
  const added = Object.fromEntries(rows[entity].map(([name, { same }]) => [name, same]));
  return { ...CORE_FIELDS[entity], ...added } as unknown as FieldEquality<Extensible[E]>;
}

function schemasOf(rows: Rows): ExtraKeys {
  return Object.fromEntries(rows.map(([name, { schema }]) => [name, schema]));
}
