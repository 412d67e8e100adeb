/** Checks of `tenants:`: names, ids, disjoint subnets, gateways inside them. */
import { prefixContains } from 'netlink-ts/inet';
import { MIN_IPV6_MTU_BYTES } from '../bounds.js';
import { type AddressField, type PrefixField, readAddress, readMac, readName, readPrefix } from '../fields.js';
import { type IssuePath, Refusal } from '../findings.js';
import { gatewayMacOf } from '../gateway-mac.js';
import { PrefixIndex } from '../prefix-index.js';
import { type Draft, structured } from '../structure.js';
import type { Subnet, Tenant } from '../types.js';
import { outsideDomain } from './trusted.js';
import { below, type Context, entityText, type SubnetFacts, type TenantFacts } from './context.js';

/**
 * The role that reserves an address in its subnet: IPv4's network and broadcast addresses (RFC 1122 section 3.2.1.3; none in a /31, RFC 3021), and
 * IPv6's subnet-router anycast address (RFC 4291 section 2.6.1; none in a /127, RFC 6164).
 */
export function reservedRole(prefix: PrefixField, address: AddressField): string | undefined {
  const { length } = prefix;
  const bits = prefix.bytes.length * 8;
  if (length >= bits - 1) return undefined;
  let isFirst = true;
  let isLast = address.family === 4;
  // From the end, since an ordinary byte there decides.
  for (let i = prefix.bytes.length - 1; i * 8 + 8 > length && (isFirst || isLast); i--) {
    const hostMask = 0xff >> Math.max(0, length - i * 8);
    const host = (address.bytes[i] ?? 0) & hostMask;
    if (host !== 0) isFirst = false;
    if (host !== hostMask) isLast = false;
  }
  if (isFirst) return address.family === 4 ? 'network' : 'subnet-router anycast';
  return isLast ? 'broadcast' : undefined;
}

/** A subnet, or undefined if it was refused. Facts are recorded for the readable parts. */
function checkSubnet(
  context: Context,
  draft: Draft<Subnet> | undefined,
  at: IssuePath,
  facts: TenantFacts,
): Subnet | undefined {
  const { findings, model } = context;
  const given = draft?.prefix;
  const prefix = given === undefined ? undefined : readPrefix(given);
  const gateway = draft?.gateway === undefined ? undefined : readAddress(draft.gateway);
  if (prefix instanceof Refusal) findings.add(below(at, 'prefix'), given, prefix.expected);
  if (gateway instanceof Refusal) findings.add(below(at, 'gateway'), draft?.gateway, gateway.expected);
  if (prefix === undefined || prefix instanceof Refusal) {
    facts.complete = false;
    return undefined;
  }
  const outside = outsideDomain(context, prefix);
  if (outside) findings.add(below(at, 'prefix'), given, outside);
  const subnet: SubnetFacts = { prefix };
  facts.subnets.push(subnet);
  if (gateway === undefined || gateway instanceof Refusal) return undefined;
  const refuse = (expected: string): void => findings.add(below(at, 'gateway'), draft?.gateway, expected);
  const role = reservedRole(prefix, gateway);
  if (!prefixContains(prefix, gateway.bytes)) refuse(`an address inside the subnet ${prefix.text}`);
  else if (role) refuse(`an address other than the ${role} address of ${prefix.text}`);
  subnet.gateway = gateway;
  const checked: Subnet = { prefix: prefix.text, gateway: gateway.text };
  model.read('subnet', draft ?? {}, checked, { ...subnet, tenant: facts }, { findings, at });
  return checked;
}

/** Fills the tenant's index, shortest prefixes first, so that each finds those that contain it. */
function indexSubnets(context: Context, facts: TenantFacts, at: IssuePath, places: readonly number[]): void {
  const order = facts.subnets.map((subnet, i) => ({ subnet, place: places[i] ?? i }));
  order.sort((a, b) => a.subnet.prefix.length - b.subnet.prefix.length || a.place - b.place);
  for (const { subnet, place } of order) {
    const { prefix } = subnet;
    const other = facts.bySubnet.cover(prefix.bytes);
    if (other && other.prefix.length <= prefix.length) {
      const expected = `a subnet that overlaps no other of the tenant; it overlaps ${other.prefix.text}`;
      context.findings.add(below(at, 'subnets', place, 'prefix'), prefix.text, expected);
    } else facts.bySubnet.add(prefix, subnet);
  }
}

/** Checks all tenants. Refused ones are omitted from the result, but all have facts in the context. */
export function checkTenants(context: Context, raws: readonly unknown[]): Tenant[] {
  const { findings, model } = context;
  const tenants: Tenant[] = [];
  const known = new Map<string, TenantFacts>();
  const ids = new Map<number, TenantFacts>();
  context.tenants = known;
  raws.forEach((raw, index) => {
    const at: IssuePath = ['tenants', index];
    const draft = structured(model.structures.tenant, raw, at, findings);
    if (!draft) return;
    const facts: TenantFacts = {
      index,
      name: draft.name ?? '',
      subnets: [],
      bySubnet: new PrefixIndex(),
      complete: draft.subnets !== undefined,
      prefixes: [],
    };
    if (draft.name !== undefined) {
      const name = readName(draft.name);
      const other = known.get(draft.name);
      if (name instanceof Refusal) findings.add(below(at, 'name'), draft.name, name.expected);
      if (other)
        findings.add(below(at, 'name'), draft.name, `a name no other tenant has; tenants[${other.index}] has it`);
      else known.set(draft.name, facts);
    }
    if (draft.id !== undefined) {
      const other = ids.get(draft.id);
      const expected = `an id no other tenant has; ${entityText('tenants', other?.index ?? 0, other?.name)} has it`;
      if (other) findings.add(below(at, 'id'), draft.id, expected);
      else ids.set(draft.id, facts);
    }
    const subnets: Subnet[] = [];
    const places: number[] = [];
    (draft.subnets ?? []).forEach((subnet, i) => {
      const kept = facts.subnets.length;
      const checked = checkSubnet(context, subnet, below(at, 'subnets', i), facts);
      if (facts.subnets.length > kept) places.push(i);
      if (checked) subnets.push(checked);
    });
    indexSubnets(context, facts, at, places);
    const { mtu, id } = draft;
    if (mtu !== undefined && mtu < MIN_IPV6_MTU_BYTES && facts.subnets.some(({ prefix }) => prefix.family === 6)) {
      findings.add(below(at, 'mtu'), mtu, `at least ${MIN_IPV6_MTU_BYTES} bytes for a tenant with an IPv6 subnet`);
    }
    const mac = draft.gatewayMac === undefined ? undefined : readMac(draft.gatewayMac);
    if (mac instanceof Refusal) findings.add(below(at, 'gatewayMac'), draft.gatewayMac, mac.expected);
    if (id === undefined || mac instanceof Refusal) return;
    const dscp = draft.dscp ?? 'copy';
    const gatewayMac = mac === undefined ? {} : { gatewayMac: mac };
    facts.gatewayMac = gatewayMacOf({ id, ...gatewayMac });
    const tenant: Tenant = {
      name: facts.name,
      id,
      subnets,
      dscp,
      ...(mtu === undefined ? {} : { mtu }),
      ...gatewayMac,
    };
    model.read('tenant', draft, tenant, facts, { findings, at });
    tenants.push(tenant);
  });
  return tenants;
}
