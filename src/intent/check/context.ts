/** What the checks of one file know of the entities checked before. */
import { LOCATOR_BITS, TENANT_SID_BEHAVIOURS } from '../bounds.js';
import type { AddressField, PrefixField } from '../fields.js';
import type { Findings, IssuePath, PathSegment } from '../findings.js';
import { PrefixIndex } from '../prefix-index.js';
import type { entityStructures } from '../schema.js';
import type { IntentNode, Port, Subnet, Tenant } from '../types.js';

export interface NodeFacts {
  /** Place in the file's list. */
  index: number;
  name: string;
  /** Absent when it was refused. */
  locator?: PrefixField;
}

export interface GatewayFacts {
  index: number;
  name: string;
  tenants: ReadonlySet<string>;
}

export interface ExternalFacts {
  index: number;
  name: string;
  /** Name of the gateway; absent when it was refused. */
  gateway?: string;
  prefixes: PrefixField[];
}

export interface SubnetFacts {
  prefix: PrefixField;
  /** Absent when it was refused. */
  gateway?: AddressField;
}

export interface TenantFacts {
  index: number;
  name: string;
  subnets: SubnetFacts[];
  bySubnet: PrefixIndex<SubnetFacts>;
  /** False when one of the subnets was refused: "outside every subnet" can then not be told. */
  complete: boolean;
  /** The gateway's; absent when it was refused. */
  gatewayMac?: string;
  prefixes: PortPrefix[];
}

export interface PortPrefix {
  /** Index of the port. */
  port: number;
  at: IssuePath;
  prefix: PrefixField;
}

/** What is known of the entity whose key is read. What was refused is absent: nothing more is to be said of it. */
export interface KeyFacts {
  node: NodeFacts;
  tenant: TenantFacts;
  subnet: SubnetFacts & { tenant: TenantFacts };
  port: { tenant: TenantFacts | undefined; node: NodeFacts | undefined; addresses: readonly string[] };
}

/** Entities that features may add keys to. */
export interface Extensible {
  node: IntentNode;
  tenant: Tenant;
  subnet: Subnet;
  port: Port;
}
export type ExtensibleName = keyof Extensible;

/** What reads the keys that features add (IntentModel). */
export interface KeyReader {
  readonly structures: ReturnType<typeof entityStructures>;
  /** Whether a draft has a key of a feature. */
  adds(entity: ExtensibleName, draft: object): boolean;
  /**
   * Reads the keys of features into an entity.
   *
   * @param draft of which the schema took the parts that there are
   */
  read<E extends ExtensibleName>(
    entity: E,
    draft: object,
    into: Partial<Extensible[E]>,
    facts: KeyFacts[E],
    where: { findings: Findings; at: IssuePath },
  ): void;
}

export interface Context {
  findings: Findings;
  model: KeyReader;
  /** Absent when it was refused. */
  block?: PrefixField;
  /** Prefixes of the SR domain beyond the block. */
  trusted?: PrefixField[];
  /** Absent when the list itself was refused: nothing is then said about names that name nothing. */
  nodes?: Map<string, NodeFacts>;
  tenants?: Map<string, TenantFacts>;
  /** Absent as above. */
  gateways?: Map<string, GatewayFacts>;
  externals?: Map<string, ExternalFacts>;
  /** The gateway of a tenant, by the tenant's name. */
  gatewayOf: Map<string, GatewayFacts>;
  /** Nodes by locator. */
  byLocator: PrefixIndex<NodeFacts>;
}

export function newContext(findings: Findings, model: KeyReader): Context {
  return { findings, model, gatewayOf: new Map(), byLocator: new PrefixIndex() };
}

/** The `name` of a raw entity, where it has one. */
export function rawName(raw: unknown): string | undefined {
  if (typeof raw !== 'object' || raw === null) return undefined;
  const { name } = raw as { name?: unknown };
  return typeof name === 'string' ? name : undefined;
}

/** How a message refers to another entity: `ports[3] (red-a)`. */
export function entityText(list: string, index: number, name: string | undefined): string {
  return name === undefined ? `${list}[${index}]` : `${list}[${index}] (${name})`;
}

/** A path below an entity. Built only when there is something to report. */
export function below(at: IssuePath, ...segments: PathSegment[]): IssuePath {
  return [...at, ...segments];
}

/** Is the address in the part of a node's locator that tenants' SIDs are made from? */
export function isTenantSid(context: Context, { bytes }: AddressField): boolean {
  return context.byLocator.cover(bytes) !== undefined && TENANT_SID_BEHAVIOURS.includes(bytes[LOCATOR_BITS / 8] ?? 0);
}
