/** Checks of `paths:`: transit segments must be in the SID block, and there is one path for each node and tenant. */
import { prefixContains } from 'netlink-ts/inet';
import { readIPv6Address } from '../intent/fields.js';
import { type IssuePath, Refusal } from '../intent/findings.js';
import { structured } from '../intent/structure.js';
import { below, type Context, isTenantSid } from '../intent/check/context.js';
import { type Path, pathStructure } from './path.js';

function checkVia(context: Context, texts: readonly (string | undefined)[], at: IssuePath): string[] {
  const { findings, block } = context;
  const via: string[] = [];
  texts.forEach((given, i) => {
    if (given === undefined) return;
    const refuse = (expected: string): void => findings.add(below(at, 'via', i), given, expected);
    const sid = readIPv6Address(given);
    if (sid instanceof Refusal) return refuse(sid.expected);
    // Outer packets to other destinations would be looked up in the tenant's table, and dropped.
    if (block && !prefixContains(block, sid.bytes)) return refuse(`a SID inside the SID block ${block.text}`);
    if (isTenantSid(context, sid)) return refuse('the SID of a transit node (End), not one that ends at a tenant');
    via.push(sid.text);
  });
  return via;
}

/** Names of the path's tenants, sorted; undefined if the path names none. */
function checkTenantNames(
  { findings, tenants }: Context,
  names: readonly (string | undefined)[] | undefined,
  at: IssuePath,
): string[] | undefined {
  if (!names) return undefined;
  const seen = new Set<string>();
  names.forEach((name, i) => {
    if (name === undefined) return;
    const place = below(at, 'tenants', i);
    if (seen.has(name)) return findings.add(place, name, 'the name of a tenant given once');
    seen.add(name);
    if (tenants && !tenants.has(name)) findings.addUnknownName(place, name, 'a tenant', tenants.keys());
  });
  return [...seen].sort();
}

/** Checks all paths. */
export function checkPaths(context: Context, raws: readonly unknown[]): Path[] {
  const { findings, nodes } = context;
  const paths: Path[] = [];
  /** Index of the path to a node by tenant; '' stands for all other tenants. */
  const owners = new Map<string, Map<string, number>>();
  raws.forEach((raw, index) => {
    const at: IssuePath = ['paths', index];
    const draft = structured(pathStructure, raw, at, findings);
    if (!draft) return;
    const via = checkVia(context, draft.via ?? [], at);
    const tenants = checkTenantNames(context, draft.tenants, at);
    const { to } = draft;
    if (to === undefined) return;
    if (nodes && !nodes.has(to)) findings.addUnknownName(below(at, 'to'), to, 'a node', nodes.keys());
    const towards = owners.get(to) ?? new Map<string, number>();
    owners.set(to, towards);
    for (const tenant of tenants ?? ['']) {
      const other = towards.get(tenant);
      if (other === undefined) towards.set(tenant, index);
      else if (tenants) {
        const expected = `one path for tenant ${tenant} to node ${to}; paths[${other}] is one already`;
        findings.add(below(at, 'tenants', draft.tenants?.indexOf(tenant) ?? 0), tenant, expected);
      } else {
        findings.add(below(at, 'to'), to, `one path for all tenants to node ${to}; paths[${other}] is one already`);
      }
    }
    paths.push(tenants ? { to, via, tenants } : { to, via });
  });
  return paths;
}
