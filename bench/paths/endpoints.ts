/** The routes that kernel paths have where each address behind the sink is to be known by itself: as many as segue has entries. */
import { INNER } from '../chain/names.js';
import type { Chain } from '../chain/chain.js';
import type { UnderlayNode } from '../chain/names.js';

/** IPv4 address behind the sink, of so many behind the first one. */
function endpointAddress(index: number): string {
  const [a = 0, b = 0, c = 0, d = 0] = INNER[4].sink.split('.').map(Number);
  const value = a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d + index;
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255].join('.');
}

/**
 * A route of its own to each address behind the sink, by next-hop objects that take turns (ip-nexthop(8)). Nothing where the chain
 * asks for none.
 *
 * @param nexthops arguments of `ip -4 nexthop add` behind the id
 */
export async function routeEndpoints(chain: Chain, node: UnderlayNode, nexthops: readonly string[]): Promise<void> {
  const { endpoints } = chain.options;
  if (endpoints === undefined) return;
  await chain.ip4(
    node,
    nexthops.map((nexthop, index) => `nexthop add id ${index + 1} ${nexthop}`),
  );
  const routes = Array.from(
    { length: endpoints },
    (_, index) => `route add ${endpointAddress(index)}/32 nhid ${1 + (index % nexthops.length)}`,
  );
  await chain.ip4(node, routes);
}
