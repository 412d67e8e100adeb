/** Reads single entities as in a file, by kind. */
import { INTENT_LISTS, INTENT_MODEL } from '../../app/features.js';
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
  path: INTENT_LISTS.paths.structure,
  gateway: INTENT_LISTS.gateways.structure,
  external: INTENT_LISTS.externals.structure,
  policy: INTENT_LISTS.policies.structure,
};

/**
 * Reads an entity and its key, and checks its structure; CheckedIntent checks the meaning.
 *
 * @returns undefined if findings were added
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

/** Adds defaults that the index requires; the checks complete the canonical form. */
function filled(kind: StoredKind, value: Record<string, unknown>): unknown {
  if (kind === 'port') return { ...value, prefixes: value.prefixes ?? [] };
  const { tenants } = value;
  if (kind === 'path' && Array.isArray(tenants)) return { ...value, tenants: [...new Set(tenants)].sort() };
  return value;
}
