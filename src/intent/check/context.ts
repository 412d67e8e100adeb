/** Facts about entities of a file that were checked before. */
import { LOCATOR_BITS, TENANT_SID_BEHAVIOURS } from '../bounds.js';
import type { AddressField, PrefixField } from '../fields.js';
import type { Findings, IssuePath, PathSegment } from '../findings.js';
import { PrefixIndex } from '../prefix-index.js';
import type { entityStructures } from '../schema.js';
import type { IntentNode, Port, Subnet, Tenant } from '../types.js';

export interface NodeFacts {
  /** Index in the file's list. */
  index: number;
  name: string;
  /** Absent if it was refused. */
  locator?: PrefixField;
}

export interface SubnetFacts {
  prefix: PrefixField;
  /** Absent if it was refused. */
  gateway?: AddressField;
}

export interface TenantFacts {
  index: number;
  name: string;
  subnets: SubnetFacts[];
  bySubnet: PrefixIndex<SubnetFacts>;
  /** False if a subnet was refused: whether an address is outside all subnets is then unknown. */
  complete: boolean;
  /** MAC address of the gateway; absent if it was refused. */
  gatewayMac?: string;
  prefixes: PortPrefix[];
}

export interface PortPrefix {
  /** Index of the port. */
  port: number;
  at: IssuePath;
  prefix: PrefixField;
}

/** Facts about the entity whose key is read. Refused parts are absent, and must not be reported again. */
export interface KeyFacts {
  node: NodeFacts;
  tenant: TenantFacts;
  subnet: SubnetFacts & { tenant: TenantFacts };
  port: { tenant: TenantFacts | undefined; node: NodeFacts | undefined; addresses: readonly string[] };
}

/** Entities to which features may add keys. */
export interface Extensible {
  node: IntentNode;
  tenant: Tenant;
  subnet: Subnet;
  port: Port;
}
export type ExtensibleName = keyof Extensible;

/** Reads the keys of features (IntentModel). */
export interface KeyReader {
  readonly structures: ReturnType<typeof entityStructures>;
  /** Whether a draft contains a feature's key. */
  adds(entity: ExtensibleName, draft: object): boolean;
  /**
   * Reads the keys of features into an entity.
   *
   * @param draft parts that the schema accepted
   */
  read<E extends ExtensibleName>(
    entity: E,
    draft: object,
    into: Partial<Extensible[E]>,
    facts: KeyFacts[E],
    where: { findings: Findings; at: IssuePath },
  ): void;
}

/** Each feature declares the facts that its lists' checks record for later ones. */
export interface Context {
  findings: Findings;
  model: KeyReader;
  /** Absent if it was refused. */
  block?: PrefixField;
  /** Prefixes of the SR domain outside the block. */
  trusted?: PrefixField[];
  /** Absent if the list itself was refused: unknown names are then not reported. */
  nodes?: Map<string, NodeFacts>;
  tenants?: Map<string, TenantFacts>;
  /** Nodes by locator. */
  byLocator: PrefixIndex<NodeFacts>;
}

export function newContext(findings: Findings, model: KeyReader): Context {
  return { findings, model, byLocator: new PrefixIndex() };
}

/** The `name` of a raw entity, if it has one. */
export function rawName(raw: unknown): string | undefined {
  if (typeof raw !== 'object' || raw === null) return undefined;
  const { name } = raw as { name?: unknown };
  return typeof name === 'string' ? name : undefined;
}

/** How a message refers to another entity: `ports[3] (red-a)`. */
export function entityText(list: string, index: number, name: string | undefined): string {
  return name === undefined ? `${list}[${index}]` : `${list}[${index}] (${name})`;
}

/** A path below an entity, built only for reports. */
export function below(at: IssuePath, ...segments: PathSegment[]): IssuePath {
  return [...at, ...segments];
}

/** Whether an address is in the part of a node's locator that contains tenants' SIDs. */
export function isTenantSid(context: Context, { bytes }: AddressField): boolean {
  return context.byLocator.cover(bytes) !== undefined && TENANT_SID_BEHAVIOURS.includes(bytes[LOCATOR_BITS / 8] ?? 0);
}
