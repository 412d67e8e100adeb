/**
 * Checks of the prefixes behind ports. A port may send from them, so two ports must not share an address: routes would use the longer prefix, while
 * the port with the shorter one could still use the other's addresses.
 */
import { familyOf, parseAddress, prefixContains } from 'netlink-ts/inet';
import { readPrefix } from '../fields.js';
import { type IssuePath, Refusal } from '../findings.js';
import { PrefixIndex } from '../prefix-index.js';
import type { Owners } from './uniqueness.js';
import { outsideDomain } from './trusted.js';
import { below, type Context, entityText, type PortPrefix, rawName, type TenantFacts } from './context.js';

/** The canonical prefixes of one port. Refused ones are reported and omitted. */
export function readPortPrefixes(
  context: Context,
  texts: readonly (string | undefined)[],
  tenant: TenantFacts | undefined,
  port: number,
  at: IssuePath,
  addresses: readonly string[],
): string[] {
  const { findings } = context;
  const prefixes: string[] = [];
  texts.forEach((given, i) => {
    if (given === undefined) return;
    const place = below(at, 'prefixes', i);
    const prefix = readPrefix(given);
    if (prefix instanceof Refusal) return findings.add(place, given, prefix.expected);
    const outside = outsideDomain(context, prefix);
    if (outside) return findings.add(place, given, outside);
    if (prefixes.includes(prefix.text)) return findings.add(place, given, 'a prefix given once');
    prefixes.push(prefix.text);
    const gateway = tenant?.subnets.find((subnet) => subnet.gateway && prefixContains(prefix, subnet.gateway.bytes));
    if (gateway?.gateway) {
      return findings.add(place, given, `a prefix that does not contain the tenant's gateway ${gateway.gateway.text}`);
    }
    if (addresses.length > 0 && !addresses.some((address) => familyOf(address) === prefix.family)) {
      const expected = `a prefix of the same family as an address of the port, which it is routed to`;
      return findings.add(place, given, expected);
    }
    tenant?.prefixes.push({ port, at: place, prefix });
  });
  return prefixes;
}

/** Compares the prefixes of all ports of a tenant with one another and with the ports' addresses. */
export function checkPortPrefixes({ findings, tenants }: Context, raws: readonly unknown[], owners: Owners): void {
  const portText = (index: number): string => entityText('ports', index, rawName(raws[index]));
  for (const tenant of tenants?.values() ?? []) {
    if (tenant.prefixes.length === 0) continue;
    const refused = new Set<PortPrefix>();
    const refuse = (entry: PortPrefix, expected: string): void => {
      if (refused.has(entry)) return;
      refused.add(entry);
      findings.add(entry.at, entry.prefix.text, expected);
    };
    const index = new PrefixIndex<PortPrefix>();
    // Shortest prefixes first, so that each finds those that contain it.
    for (const entry of [...tenant.prefixes].sort((a, b) => a.prefix.length - b.prefix.length || a.port - b.port)) {
      for (const other of index.covering(entry.prefix.bytes, entry.prefix.length)) {
        if (other.port === entry.port) continue;
        const owner = `${other.prefix.text} is behind ${portText(other.port)}`;
        refuse(entry, `a prefix that overlaps no prefix of another port of tenant ${tenant.name}; ${owner}`);
      }
      index.add(entry.prefix, entry);
    }
    for (const [text, port] of owners.owned('address', tenant.name)) {
      const address = parseAddress(text);
      if (!address) continue;
      for (const entry of index.covering(address.bytes)) {
        if (entry.port !== port) {
          refuse(
            entry,
            `a prefix that contains no address of another port; ${text} is an address of ${portText(port)}`,
          );
        } else if (entry.prefix.length === address.bytes.length * 8) {
          refuse(entry, 'a prefix other than an address of the port, which has a route already');
        }
      }
    }
  }
}
