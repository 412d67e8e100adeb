/**
 * Prints the routes of a table, as `ip route show table N` does.
 *
 *     node routes.ts [table [netns]]
 */
import { type Route, RT_TABLE_MAIN, Rtnetlink } from 'netlink-ts';

const [table = String(RT_TABLE_MAIN), netns] = process.argv.slice(2);

const rt = Rtnetlink.open(netns === undefined ? {} : { netns });
// Routes name their devices by number.
const devices = new Map(rt.links.list().map(({ index, name }) => [index, name]));

function hopText({ gateway, oif }: Pick<Route, 'gateway' | 'oif'>): string {
  const via = gateway === undefined ? '' : ` via ${gateway}`;
  return oif === undefined ? via : `${via} dev ${devices.get(oif) ?? `if${oif}`}`;
}

for (const route of rt.routes.list({ table: Number(table) })) {
  const { type, prefix, metric, nexthops = [] } = route;
  const kind = type === 'unicast' ? '' : `${type} `;
  console.log(`${kind}${prefix}${hopText(route)}${metric === 0 ? '' : ` metric ${metric}`}`);
  for (const hop of nexthops) console.log(`    nexthop${hopText(hop)} weight ${hop.weight}`);
}
rt.close();
