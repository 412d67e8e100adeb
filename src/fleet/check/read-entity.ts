/** Single entities as a file has them, by their kind. */
import {
  externalSchema,
  gatewaySchema,
  nodeSchema,
  pathSchema,
  policySchema,
  portSchema,
  tenantSchema,
} from '../../intent/schema.js';
import { structured } from '../../intent/structure.js';
import { keyOf } from '../keys.js';
import { z } from 'zod';
import type { Findings } from '../../intent/findings.js';
import type { EntityValue, StoredKind } from '../types.js';

const SCHEMAS: Record<StoredKind, z.ZodType> = {
  block: z.string({ error: 'the SID block, an IPv6 prefix' }),
  trusted: z.array(z.string({ error: 'an IPv6 prefix of trusted nodes' }), { error: 'a list of IPv6 prefixes' }),
  node: nodeSchema,
  tenant: tenantSchema,
  port: portSchema,
  path: pathSchema,
  gateway: gatewaySchema,
  external: externalSchema,
  policy: policySchema,
};

export const STORED_KINDS = Object.keys(SCHEMAS) as StoredKind[];

/**
 * An entity whose structure is right, with its key; what it means is for CheckedIntent to say.
 *
 * @returns undefined where findings were added
 */
export function readEntity(
  kind: StoredKind,
  raw: unknown,
  findings: Findings,
): { key: string; after: EntityValue } | undefined {
  const before = findings.list.length;
  const value = structured(SCHEMAS[kind], raw, [], findings);
  if (value === undefined || findings.list.length > before) return undefined;
  const after = filled(kind, value as Record<string, unknown>) as EntityValue;
  return { key: keyOf(kind, after), after };
}

/** What indexing takes for granted: the rest of the canonical form comes from the checks. */
function filled(kind: StoredKind, value: Record<string, unknown>): unknown {
  if (kind === 'port') return { ...value, prefixes: value.prefixes ?? [] };
  const { tenants } = value;
  if (kind === 'path' && Array.isArray(tenants)) return { ...value, tenants: [...new Set(tenants)].sort() };
  return value;
}
