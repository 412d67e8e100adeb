/** Single entities as a file has them, by their kind. */
import { INTENT_MODEL } from '../../app/features.js';
import { externalStructure, gatewayStructure, pathStructure, policyStructure } from '../../intent/schema.js';
import { Structure, structured } from '../../intent/structure.js';
import { keyOf } from '../keys.js';
import { z } from 'zod';
import type { Findings } from '../../intent/findings.js';
import type { EntityValue, StoredKind } from '../types.js';

const STRUCTURES: Readonly<Record<StoredKind, Structure<unknown>>> = {
  block: new Structure(z.string({ error: 'the SID block, an IPv6 prefix' })),
  trusted: new Structure(
    z.array(z.string({ error: 'an IPv6 prefix of trusted nodes' }), { error: 'a list of IPv6 prefixes' }),
  ),
  node: INTENT_MODEL.structures.node,
  tenant: INTENT_MODEL.structures.tenant,
  port: INTENT_MODEL.structures.port,
  path: pathStructure,
  gateway: gatewayStructure,
  external: externalStructure,
  policy: policyStructure,
};

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
  const value = structured(STRUCTURES[kind], raw, [], findings);
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
