/** Checks of `gateways:`: nodes and tenants must exist, and a tenant has at most one gateway. */
import { MAX_GATEWAY_NODES } from '../../intent/bounds.js';
import type { IssuePath } from '../../intent/findings.js';
import { gatewayStructure } from '../schema.js';
import { structured } from '../../intent/structure.js';
import type { Gateway } from '../types.js';
import { below, type Context, entityText } from '../../intent/check/context.js';
import type { GatewayFacts } from './facts.js';
import { noteName, readNames } from '../../intent/check/names.js';

/** Checks all gateways. Refused ones are omitted from the result, but all have facts in the context. */
export function checkGateways(context: Context, raws: readonly unknown[]): Gateway[] {
  const { findings } = context;
  const gateways: Gateway[] = [];
  const known = new Map<string, GatewayFacts>();
  const gatewayOf = new Map<string, GatewayFacts>();
  context.gateways = known;
  context.gatewayOf = gatewayOf;
  raws.forEach((raw, index) => {
    const at: IssuePath = ['gateways', index];
    const draft = structured(gatewayStructure, raw, at, findings);
    if (!draft) return;
    const nodes = readNames(context, draft.nodes ?? [], below(at, 'nodes'), 'a node', context.nodes);
    if (nodes.length > MAX_GATEWAY_NODES) {
      findings.add(below(at, 'nodes'), draft.nodes, `at most ${MAX_GATEWAY_NODES} nodes`);
    }
    const tenants = readNames(context, draft.tenants ?? [], below(at, 'tenants'), 'a tenant', context.tenants);
    const facts: GatewayFacts = { index, name: draft.name ?? '', tenants: new Set(tenants) };
    noteName(context, draft.name, at, { list: 'gateways', noun: 'gateway', known, facts });
    for (const tenant of tenants) {
      const other = gatewayOf.get(tenant);
      if (other === undefined) gatewayOf.set(tenant, facts);
      else {
        const place = below(at, 'tenants', draft.tenants?.indexOf(tenant) ?? 0);
        const expected = `a tenant no other gateway has; ${entityText('gateways', other.index, other.name)} has it`;
        findings.add(place, tenant, expected);
      }
    }
    gateways.push({ name: facts.name, nodes, tenants });
  });
  return gateways;
}
