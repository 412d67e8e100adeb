import { familyOf, parseAddress, parsePrefix, prefixContains } from 'netlink-ts/inet';

/**
 * The most specific route to an address, with the smallest metric among equals, as in the kernel's tables (net/ipv4/fib_trie.c,
 * net/ipv6/ip6_fib.c).
 *
 * @param address canonical text
 */
export function longestPrefix<R extends { prefix: string; metric: number }>(
  routes: Iterable<R>,
  address: string,
): R | undefined {
  const bytes = parseAddress(address)?.bytes;
  if (bytes === undefined) return undefined;
  const family = familyOf(address);
  let best: { route: R; length: number } | undefined;
  for (const route of routes) {
    if (familyOf(route.prefix) !== family) continue;
    const parsed = parsePrefix(route.prefix);
    if (!parsed.ok || !prefixContains(parsed.prefix, bytes)) continue;
    const { length } = parsed.prefix;
    if (best === undefined || length > best.length || (length === best.length && route.metric < best.route.metric)) {
      best = { route, length };
    }
  }
  return best?.route;
}
