/** Checks of `policies:`: the ends must exist and have a common gateway, ports must be valid, and addresses must distinguish tenants. */
import { prefixOverlaps } from 'netlink-ts/inet';
import { DEFAULT_POLICY_PRIORITY } from '../../intent/bounds.js';
import { type PrefixField, readAnyPrefix, readPrefix } from '../../intent/fields.js';
import { type IssuePath, Refusal } from '../../intent/findings.js';
import { formatRanges, type PortRange, readPortRange } from '../port-ranges.js';
import { policyStructure } from '../schema.js';
import { type Draft, structured, type ValueOf } from '../../intent/structure.js';
import type { Policy, PolicyEnd } from '../types.js';
import { below, type Context } from '../../intent/check/context.js';
import { noteName } from '../../intent/check/names.js';
import { type Party, Talking } from './policy-overlap.js';

type DraftPolicy = Draft<ValueOf<typeof policyStructure>>;
type DraftEnd = NonNullable<DraftPolicy['from']>;

/** An end of a policy, with the facts of its zone. */
interface CheckedEnd {
  end: PolicyEnd;
  party: Party;
  /** Name of its gateway. */
  gateway: string | undefined;
  /** Key of the end in the file, for the location of a message. */
  at: IssuePath;
}

class PolicyChecks {
  readonly #context: Context;
  readonly talking: Talking;

  constructor(context: Context) {
    this.#context = context;
    this.talking = new Talking(context.findings);
  }

  check(draft: DraftPolicy, at: IssuePath): Policy | undefined {
    const { findings } = this.#context;
    const before = findings.list.length;
    const from = draft.from && this.#end(draft.from, below(at, 'from'));
    const to = draft.to && this.#end(draft.to, below(at, 'to'));
    const ports = draft.ports && this.#ports(draft.ports, draft.protocol, at);
    if (from && to) this.#meet(from, to);
    const { name, protocol, action, log, priority } = draft;
    if (findings.list.length > before || !from || !to) return undefined;
    if (name === undefined || protocol === undefined || action === undefined) return undefined;
    if (action === 'allow') this.talking.note(from.party, to.party, from.at, to.at);
    return {
      name,
      from: from.end,
      to: to.end,
      protocol,
      ...(ports && { ports: formatRanges(ports) }),
      action,
      ...(log === true && { log }),
      priority: priority ?? DEFAULT_POLICY_PRIORITY,
    };
  }

  #end(draft: DraftEnd, at: IssuePath): CheckedEnd | undefined {
    const { findings, tenants, externals, gatewayOf } = this.#context;
    const { tenant, external } = draft;
    if ((tenant === undefined) === (external === undefined)) {
      // An unknown end has been reported already.
      if (!('tenant' in draft) || !('external' in draft) || tenant !== undefined) {
        findings.add(at, draft, 'either tenant or external');
      }
      return undefined;
    }
    const prefixes = draft.prefixes && this.#prefixes(draft.prefixes, at, external !== undefined);
    const kept = prefixes && { prefixes: prefixes.map(({ text }) => text).sort() };
    if (external !== undefined) {
      // The refused list has been reported already.
      if (externals === undefined) return undefined;
      if (!externals.has(external)) {
        findings.addUnknownName(below(at, 'external'), external, 'an external network', externals.keys());
        return undefined;
      }
      const facts = externals.get(external);
      const own = facts?.prefixes ?? [];
      this.#apart(own, prefixes, at, `external network ${external}`);
      const party: Party = { kind: 'external', name: external, own, ...(prefixes && { prefixes }) };
      return { end: { external, ...kept }, party, gateway: facts?.gateway, at: below(at, 'external') };
    }
    const name = tenant ?? '';
    const facts = tenants?.get(name);
    if (tenants && facts === undefined) {
      findings.addUnknownName(below(at, 'tenant'), name, 'a tenant', tenants.keys());
      return undefined;
    }
    const own = [...(facts?.subnets ?? []), ...(facts?.prefixes ?? [])].map(({ prefix }) => prefix);
    if (facts?.complete === true) this.#apart(own, prefixes, at, `tenant ${name}`);
    const gateway = gatewayOf?.get(name);
    if (gateway === undefined && facts !== undefined) {
      findings.add(below(at, 'tenant'), name, 'a tenant of a gateway');
      return undefined;
    }
    const party: Party = { kind: 'tenant', name, own, ...(prefixes && { prefixes }) };
    return { end: { tenant: name, ...kept }, party, gateway: gateway?.name, at: below(at, 'tenant') };
  }

  #prefixes(texts: readonly (string | undefined)[], at: IssuePath, external: boolean): PrefixField[] {
    const prefixes: PrefixField[] = [];
    texts.forEach((given, i) => {
      if (given === undefined) return;
      const refuse = (expected: string): void => this.#context.findings.add(below(at, 'prefixes', i), given, expected);
      const prefix = external ? readAnyPrefix(given) : readPrefix(given);
      if (prefix instanceof Refusal) return refuse(prefix.expected);
      if (prefixes.some(({ text }) => text === prefix.text)) return refuse('a prefix given once');
      prefixes.push(prefix);
    });
    return prefixes;
  }

  /** Reports prefixes outside the end's addresses: the policy would never match. */
  #apart(own: readonly PrefixField[], given: readonly PrefixField[] | undefined, at: IssuePath, whose: string): void {
    given?.forEach((prefix) => {
      if (own.some((one) => prefixOverlaps(one, prefix))) return;
      const expected = `a prefix with addresses of ${whose} (${own
        .map(({ text }) => text)
        .slice(0, 4)
        .join(', ')})`;
      this.#context.findings.add(below(at, 'prefixes'), prefix.text, expected);
    });
  }

  #ports(
    given: readonly (number | string | undefined)[],
    protocol: Policy['protocol'] | undefined,
    at: IssuePath,
  ): PortRange[] {
    const { findings } = this.#context;
    if (protocol === 'icmp' || protocol === 'any') {
      findings.add(below(at, 'ports'), given, `no ports with protocol ${protocol}; only tcp and udp have ports`);
    }
    return given.flatMap((port, i) => {
      if (port === undefined) return [];
      const range = readPortRange(port);
      if (!(range instanceof Refusal)) return [range];
      findings.add(below(at, 'ports', i), port, range.expected);
      return [];
    });
  }

  #meet(from: CheckedEnd, to: CheckedEnd): void {
    const { findings } = this.#context;
    if (from.party.kind === 'external' && to.party.kind === 'external') {
      return findings.add(to.at, to.party.name, 'a tenant at one end of a policy or at both');
    }
    if (from.party.kind === to.party.kind && from.party.name === to.party.name) {
      return findings.add(to.at, to.party.name, 'two different tenants: no policy applies within a tenant');
    }
    if (from.gateway !== undefined && to.gateway !== undefined && from.gateway !== to.gateway) {
      const expected = `an end at gateway ${from.gateway}, which ${from.party.name} has; ${to.party.name} has ${to.gateway}`;
      findings.add(to.at, to.party.name, expected);
    }
  }
}

/** Checks all policies. */
export function checkPolicies(context: Context, raws: readonly unknown[]): Policy[] {
  const checks = new PolicyChecks(context);
  const policies: Policy[] = [];
  const known = new Map<string, { index: number }>();
  raws.forEach((raw, index) => {
    const at: IssuePath = ['policies', index];
    const draft = structured(policyStructure, raw, at, context.findings);
    if (!draft) return;
    noteName(context, draft.name, at, { list: 'policies', noun: 'policy', known, facts: { index } });
    const policy = checks.check(draft, at);
    if (policy) policies.push(policy);
  });
  checks.talking.check();
  return policies;
}
