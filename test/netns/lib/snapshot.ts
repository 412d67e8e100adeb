/** All that a network namespace holds, as `ip` and `nft` tell it: for what must not change. */
import type { TestNetwork } from './network.js';

/** Object kinds in iproute2's words, and how they are listed. */
const LISTS: Record<string, string> = {
  link: 'ip -j -d link show',
  address: 'ip -j address show',
  route4: 'ip -j -d -4 route show table all',
  route6: 'ip -j -d -6 route show table all',
  rule4: 'ip -j -4 rule show',
  rule6: 'ip -j -6 rule show',
  nexthop: 'ip -j -d nexthop show',
  // What the kernel learns comes and goes.
  neighbour: 'ip -j neigh show nud permanent',
  proxy: 'ip -j neigh show proxy',
  proxy6: 'ip -j -6 neigh show proxy',
  nftables: 'nft -j list ruleset',
  tunsrc: 'ip sr tunsrc show',
  // Not the random secrets, which cannot be read.
  sysctl: 'cd /proc/sys/net && grep -rs . ipv4/conf ipv4/neigh ipv4/ip_forward ipv6 vrf',
};

/** Shell: no duplicate address detection, and none under way: what it says changes while the tests look. */
export const QUIET = `
for file in /proc/sys/net/ipv6/conf/*/accept_dad; do echo 0 >$file; done
# Not grep -q: it ends before ip does, and ip's end by SIGPIPE would be taken for an answer.
while ip -6 address show tentative | grep inet6 >/dev/null; do sleep 0.2; done
`;

/** Fields that change by themselves, or that come from the order of making. */
const VOLATILE = new Set(['handle', 'valid_life_time', 'preferred_life_time', 'refcnt']);
const MARK = '@@@';

/** One text an object, sorted: `link {…}`. */
export type Snapshot = string[];

export async function snapshot(network: TestNetwork, name: string): Promise<Snapshot> {
  const script = Object.entries(LISTS)
    .map(([kind, command]) => `echo '${MARK}${kind}'; (${command}) || true`)
    .join('\n');
  const output = await network.shell(name, script);
  const objects: string[] = [];
  for (const section of output.split(MARK).slice(1)) {
    const end = section.indexOf('\n');
    const kind = section.slice(0, end);
    const text = section.slice(end + 1).trim();
    for (const object of itemsOf(text)) objects.push(`${kind} ${object}`);
  }
  return objects.sort();
}

/** What is in one and not in the other. */
export function differencesOf(before: Snapshot, after: Snapshot): { gone: string[]; come: string[] } {
  const was = new Set(before);
  const is = new Set(after);
  return { gone: before.filter((object) => !is.has(object)), come: after.filter((object) => !was.has(object)) };
}

function itemsOf(text: string): string[] {
  if (text === '') return [];
  if (text.startsWith('[') || text.startsWith('{')) {
    const value = JSON.parse(text) as unknown[] | { nftables: unknown[] };
    const list = Array.isArray(value) ? value : value.nftables.filter((one) => !isMetainfo(one));
    return list.filter((one) => Object.keys(one as object).length > 0).map((one) => JSON.stringify(one, stable));
  }
  return text.split('\n');
}

function isMetainfo(one: unknown): boolean {
  return typeof one === 'object' && one !== null && 'metainfo' in one;
}

function stable(key: string, value: unknown): unknown {
  if (VOLATILE.has(key) || key.endsWith('_timer')) return undefined;
  return Array.isArray(value) && value.every((one) => typeof one === 'string') ? [...value].sort() : value;
}
