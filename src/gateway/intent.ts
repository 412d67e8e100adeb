/** The lists `gateways`, `externals` and `policies` of the intent. */
import { exact, sameFields, sameList, sameSet } from '../intent/equality.js';
import { checkExternals } from './check/externals.js';
import { checkGateways } from './check/gateways.js';
import { checkNodeFile } from './check/node-file.js';
import { checkPolicies } from './check/policies.js';
import { externalStructure, gatewayStructure, policyStructure } from './schema.js';
import type { IntentPart, Needs } from '../intent/part.js';
import type { Intent } from '../intent/types.js';
import type { External, Gateway, Policy, PolicyEnd } from './types.js';

declare module '../intent/types.js' {
  interface Intent {
    /** Sets of network nodes that decide about traffic between tenants. Absent if there are none. */
    gateways?: Gateway[];
    /** Networks beyond the network nodes. Absent if there are none. */
    externals?: External[];
    /** Traffic allowed or denied between tenants, and between tenants and external networks. Absent if there are none. */
    policies?: Policy[];
  }
  interface IntentLists {
    gateways: ListOf<'gateway', Gateway>;
    externals: ListOf<'external', External>;
    policies: ListOf<'policy', Policy>;
  }
}

/** Compares ends of policies. An end without prefixes is the whole zone, which differs from every list. */
function sameEnd(a: PolicyEnd | undefined, b: PolicyEnd | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  const party = (end: PolicyEnd): string => ('tenant' in end ? `tenant ${end.tenant}` : `external ${end.external}`);
  if (party(a) !== party(b) || (a.prefixes === undefined) !== (b.prefixes === undefined)) return false;
  return sameSet(a.prefixes, b.prefixes);
}

/** Names of the tenants at a policy's ends. */
export function tenantsOf({ from, to }: Policy): string[] {
  return [from, to].flatMap((end: PolicyEnd) => ('tenant' in end ? [end.tenant] : []));
}

/** The part of a gateway that is relevant to these tenants; undefined if none is. */
function scopeGateway(gateway: Gateway, hasTenant: (name: string) => boolean): Gateway | undefined {
  const tenants = gateway.tenants.filter(hasTenant);
  if (tenants.length === gateway.tenants.length) return gateway;
  return tenants.length === 0 ? undefined : { ...gateway, tenants };
}

/** The tenants that the node serves as a network node, the peers of these and of hosted tenants, and the gateways' nodes. */
function needs({ gateways = [], policies = [] }: Intent, node: string, hosted: ReadonlySet<string>): Needs {
  const decided = new Set(gateways.filter(({ nodes }) => nodes.includes(node)).flatMap(({ tenants }) => tenants));
  const isNear = (name: string): boolean => hosted.has(name) || decided.has(name);
  const peers = new Set(
    policies
      .map(tenantsOf)
      .filter((ends) => ends.some(isNear))
      .flat(),
  );
  const concerned = gateways.filter(({ tenants }) => tenants.some((name) => isNear(name) || peers.has(name)));
  return { tenants: [...decided], peers: [...peers], nodes: concerned.flatMap(({ nodes }) => nodes) };
}

const nameOf = ({ name }: { name: string }): string => name;

export const gatewayIntent = {
  lists: {
    gateways: {
      kind: 'gateway',
      structure: gatewayStructure,
      check: checkGateways,
      keyOf: nameOf,
      same: sameFields<Gateway>({ name: exact, nodes: sameSet, tenants: sameSet }),
      keep: (gateways, { hasTenant, isPeer }) =>
        gateways.flatMap((gateway) => scopeGateway(gateway, (name) => hasTenant(name) || isPeer(name)) ?? []),
    },
    externals: {
      kind: 'external',
      structure: externalStructure,
      check: checkExternals,
      keyOf: nameOf,
      same: sameFields<External>({ name: exact, gateway: exact, interface: exact, prefixes: sameSet }),
      keep(externals, { kept }) {
        const names = new Set(kept.gateways?.map(nameOf));
        return externals.filter(({ gateway }) => names.has(gateway));
      },
    },
    policies: {
      kind: 'policy',
      structure: policyStructure,
      check: checkPolicies,
      keyOf: nameOf,
      same: sameFields<Policy>({
        name: exact,
        from: sameEnd,
        to: sameEnd,
        protocol: exact,
        ports: (a, b) => (a === undefined) === (b === undefined) && sameList(a?.map(String), b?.map(String)),
        action: exact,
        log: exact,
        priority: exact,
      }),
      keep: (policies, { hasTenant }) => policies.filter((policy) => tenantsOf(policy).some(hasTenant)),
    },
  },
  needs,
  checkNode: checkNodeFile,
} satisfies IntentPart;
