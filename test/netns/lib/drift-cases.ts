/** Damage that somebody else's `ip`, `nft` and `sysctl` can do to hv1 of the selftest's network, kind by kind. */
import { selftestTopology } from './topologies.js';
import type { SelftestOptions } from './topologies.js';
import type { ResourceName } from '../../../src/plan/plan.js';
import type { Topology } from '../../../lab/topology.js';

export interface Drift {
  kind: ResourceName;
  name: string;
  /** bash, run on hv1 */
  script: string;
  /** what a line of `segue diff` says of it: sign and object */
  line: RegExp;
  /** the kernel tells nobody of it, so only the sweep finds it */
  silent?: true;
}

/** The selftest's network with prefixes behind one VM, so that every form of route is there. */
export function driftTopology(options: SelftestOptions = {}): Omit<Topology, 'prefix'> {
  const topology = selftestTopology(options);
  const vms = topology.vms.map((vm) =>
    vm.name === 't100-1' ? { ...vm, prefixes: ['10.9.0.0/24', 'cafe:9::/64'] } : vm,
  );
  return { ...topology, vms };
}

/** Table of tenant 100: 0x5e000000 + 100. */
const TABLE = 0x5e000064;
const SEAL_METRIC = 4278198272;
const SID = 'fd00:5e:1:4600:64::';

/** A line of `segue diff`. */
function line(sign: '+' | '~' | '-', object: string): RegExp {
  return new RegExp(`^\\${sign} ${object.replace(/[.[\]|{}()]/g, '\\$&')}`, 'm');
}

/** Shell: the id of tenant 100's next hop of a family. */
function idOf(family: 4 | 6): string {
  return `id=$(ip -${family} nexthop list dev sg-100 | awk '{ print $2; exit }')`;
}

const ROUTES: Drift[] = [
  ['IPv4 route to a local VM', `ip route del 10.0.0.1 table ${TABLE}`, '+', `route 10.0.0.1/32 dev t100-1 table`],
  ['IPv6 route to a local VM', `ip -6 route del cafe::1 table ${TABLE}`, '+', `route cafe::1/128 dev t100-1 table`],
  ['IPv4 route to a remote VM', `ip route del 10.0.0.2 table ${TABLE}`, '+', 'route 10.0.0.2/32 nexthop inet sg-100'],
  [
    'IPv6 route to a remote VM',
    `ip -6 route del cafe::2 table ${TABLE}`,
    '+',
    'route cafe::2/128 nexthop inet6 sg-100',
  ],
  [
    'IPv4 prefix behind a VM, without its gateway',
    `ip route replace 10.9.0.0/24 dev t100-1 table ${TABLE}`,
    '~',
    'route 10.9.0.0/24 via 10.0.0.1 dev t100-1',
  ],
  [
    'IPv6 prefix behind a VM, without its gateway',
    `ip -6 route replace cafe:9::/64 dev t100-1 table ${TABLE}`,
    '~',
    'route cafe:9::/64 via cafe::1 dev t100-1',
  ],
  [
    'seal, IPv4 default',
    `ip route del unreachable default metric ${SEAL_METRIC} table ${TABLE}`,
    '+',
    'route unreachable 0.0.0.0/0',
  ],
  [
    'seal, IPv6 default',
    `ip -6 route del unreachable default metric ${SEAL_METRIC} table ${TABLE}`,
    '+',
    'route unreachable ::/0',
  ],
  [
    'seal, IPv4 subnet with type blackhole',
    `ip route replace blackhole 10.0.0.0/24 metric ${SEAL_METRIC} table ${TABLE}`,
    '~',
    'route unreachable 10.0.0.0/24',
  ],
  [
    'seal, IPv6 subnet',
    `ip -6 route del unreachable cafe::/64 metric ${SEAL_METRIC} table ${TABLE}`,
    '+',
    'route unreachable cafe::/64',
  ],
  ['local SID', `ip -6 route del ${SID}`, '+', `route ${SID}/128 encap seg6local action End.DT46`],
  [
    "local SID with somebody else's End",
    `ip -6 route replace ${SID} encap seg6local action End dev sg-100`,
    '+',
    `route ${SID}/128 encap seg6local action End.DT46`,
  ],
  [
    "local SID with End and segue's protocol",
    `ip -6 route replace ${SID} encap seg6local action End dev sg-100 proto 94`,
    '~',
    `route ${SID}/128 encap seg6local action End.DT46`,
  ],
].map(([name = '', script = '', sign, object = '']) => ({
  kind: 'route',
  name,
  script,
  line: line(sign as '+', object),
}));

const RULES: Drift[] = [
  {
    kind: 'announce',
    name: 'announcement',
    script: 'ip -6 route del blackhole fd00:5e:1::/48',
    line: line('+', 'announcement blackhole fd00:5e:1::/48'),
  },
  {
    kind: 'rule',
    name: 'discard of the locator',
    script: 'ip -6 rule del pref 32764',
    line: line('+', 'rule -6 pref 32764 to fd00:5e:1::/48 blackhole'),
  },
  { kind: 'rule', name: 'pref 990', script: 'ip -6 rule del pref 990', line: line('+', 'rule -6 pref 990 from') },
  { kind: 'rule', name: 'pref 991', script: 'ip -6 rule del pref 991', line: line('+', 'rule -6 pref 991 to') },
  {
    kind: 'rule',
    name: 'a second rule with pref 990',
    script: 'ip -6 rule add pref 990 from fd00:5e:1::2 to fd00:5e::/32 lookup main proto 94',
    line: line('-', 'rule -6 pref 990 from fd00:5e:1::2/128'),
  },
  ...([4, 6] as const).flatMap((family): Drift[] => [
    {
      kind: 'local-rule',
      name: `IPv${family} local rule added at pref 0`,
      script: `ip -${family} rule add pref 0 lookup local`,
      line: line('~', `rule -${family} pref 32765 lookup local`),
    },
    {
      kind: 'local-rule',
      name: `IPv${family} local rule deleted`,
      script: `ip -${family} rule del pref 32765`,
      line: line('+', `rule -${family} pref 32765 lookup local`),
    },
    {
      kind: 'local-rule',
      name: `IPv${family} local rule moved back to pref 0`,
      script: `ip -${family} rule add pref 0 lookup local; ip -${family} rule del pref 32765`,
      line: line('~', `rule -${family} pref 32765 lookup local`),
    },
  ]),
];

const DEVICES: Drift[] = [
  ['l3mdev-rule', 'IPv4', 'ip -4 rule del pref 1000', '+', 'rule -4 pref 1000 lookup'],
  ['l3mdev-rule', 'IPv6', 'ip -6 rule del pref 1000', '+', 'rule -6 pref 1000 lookup'],
  ['vrf', 'deleted', 'ip link del sg-100', '+', 'vrf sg-100 table'],
  ['vrf', 'down', 'ip link set sg-100 down', '~', 'vrf sg-100 table'],
  ['vrf', 'another alias', 'ip link set sg-100 alias somebody', '~', 'vrf sg-100 table'],
  ['vrf', 'down and up at once', 'ip link set sg-100 down; ip link set sg-100 up', '+', 'nexthop -4 encap seg6'],
  // In one process, or the agent is always quicker; when it is all the same, what came is its own.
  [
    'vrf',
    'deleted and created again',
    `printf 'link del sg-100\\nlink add sg-100 type vrf table ${TABLE}\\n' | ip -batch - || ip link show dev sg-100`,
    '~',
    'vrf sg-100',
  ],
  ['port', 'without a master', 'ip link set t100-1 nomaster', '+', 'port t100-1 master sg-100'],
  ['port', 'down', 'ip link set t100-1 down', '~', 'port t100-1 master sg-100'],
  ['port', 'down and up at once', 'ip link set t100-1 down; ip link set t100-1 up', '+', 'neigh 10.0.0.1 lladdr'],
  ['port', 'mtu', 'ip link set t100-1 mtu 1500', '~', 'port t100-1 master sg-100 mtu 1460'],
  ['port', "in another tenant's VRF", 'ip link set t100-1 master sg-200', '~', 'port t100-1 master sg-100'],
  ['address', 'IPv4 gateway', 'ip addr del 10.0.0.254/32 dev t100-1', '+', 'address 10.0.0.254/32 dev t100-1'],
  ['address', 'IPv6 gateway', 'ip addr del cafe::254/128 dev t100-1', '+', 'address cafe::254/128 dev t100-1'],
  ['address', 'outer source', 'ip addr del fd00:5e:1::1/128 dev lo', '+', 'address fd00:5e:1::1/128 dev lo'],
  [
    'neighbour',
    'IPv4 deleted',
    'ip neigh del 10.0.0.1 dev t100-1 || :',
    '+',
    'neigh 10.0.0.1 lladdr 02:00:00:00:00:01',
  ],
  ['neighbour', 'IPv6 deleted', 'ip neigh del cafe::1 dev t100-1 || :', '+', 'neigh cafe::1 lladdr 02:00:00:00:00:01'],
  [
    'neighbour',
    'IPv4 with another MAC',
    'ip neigh replace 10.0.0.1 lladdr 02:00:00:00:00:99 nud permanent dev t100-1',
    '~',
    'neigh 10.0.0.1 lladdr 02:00:00:00:00:01',
  ],
  [
    'neighbour',
    'IPv6 not permanent',
    'ip neigh replace cafe::1 lladdr 02:00:00:00:00:01 nud reachable dev t100-1',
    '~',
    'neigh cafe::1 lladdr 02:00:00:00:00:01',
  ],
].map(([kind, name = '', script = '', sign, object = '']) => ({
  kind: kind as ResourceName,
  name,
  script,
  line: line(sign as '+', object),
}));

const NEXTHOPS: Drift[] = ([4, 6] as const).flatMap((family): Drift[] => [
  {
    kind: 'nexthop',
    name: `IPv${family} deleted`,
    script: `${idOf(family)}; ip nexthop del id $id`,
    line: line('+', `nexthop -${family} encap seg6 mode encap.red segs fd00:5e:2:4600:64:: dev sg-100`),
  },
  {
    kind: 'nexthop',
    name: `IPv${family} with another SID`,
    script: `${idOf(family)}; ip -${family} nexthop replace id $id encap seg6 mode encap.red segs fd00:5e:2:4600:c8:: dev sg-100 proto 94`,
    line: line('+', `nexthop -${family} encap seg6 mode encap.red segs fd00:5e:2:4600:64:: dev sg-100`),
  },
  {
    kind: 'nexthop',
    name: `IPv${family} with one more segment`,
    script: `${idOf(family)}; ip -${family} nexthop replace id $id encap seg6 mode encap.red segs fd00:5e:9::,fd00:5e:2:4600:64:: dev sg-100 proto 94`,
    line: line('~', `nexthop -${family} encap seg6 mode encap.red segs fd00:5e:2:4600:64:: dev sg-100`),
  },
]);

const SILENT: Drift[] = [
  {
    kind: 'proxy',
    // A program answers for all.
    name: 'leftover entry',
    script: 'ip -6 neigh add proxy cafe::2 dev t100-1 protocol 94',
    line: line('-', 'neigh proxy cafe::2 dev t100-1'),
  },
  {
    kind: 'tunsrc',
    name: 'altered',
    script: 'ip sr tunsrc set fd00:ffff:1::2',
    line: line('~', 'sr tunsrc fd00:5e:1::1'),
  },
  { kind: 'tunsrc', name: 'unset', script: 'ip sr tunsrc set ::', line: line('+', 'sr tunsrc fd00:5e:1::1') },
  ...(
    [
      ['net.ipv4.conf.sg-100.accept_local', 0, 1],
      ['net.ipv4.conf.t100-1.send_redirects', 1, 0],
      ['net.ipv4.neigh.t100-1.proxy_delay', 80, 0],
      ['net.ipv6.neigh.t100-1.proxy_delay', 80, 0],
      ['net.ipv6.conf.t100-1.accept_ra', 1, 0],
      ['net.ipv6.conf.t100-1.keep_addr_on_down', 0, 1],
      ['net.ipv6.seg6_flowlabel', 0, 1],
      ['net.vrf.strict_mode', 0, 1],
    ] as const
  ).map(([key, to, planned]) => sysctl(key, to, planned)),
];

const SYSCTLS: Drift[] = (
  [
    ['net.ipv4.conf.t100-1.forwarding', 0, 1],
    ['net.ipv4.conf.t100-1.rp_filter', 1, 0],
    ['net.ipv4.conf.t100-1.proxy_arp', 0, 1],
    ['net.ipv4.conf.sg-100.forwarding', 0, 1],
    ['net.ipv6.conf.t100-1.proxy_ndp', 0, 1],
    ['net.ipv6.conf.all.forwarding', 0, 1],
  ] as const
).map(([key, to, planned]) => sysctl(key, to, planned));

function sysctl(key: string, to: number, planned: number): Drift {
  // Interface names have no dots here, so the dots of the key are the path's slashes.
  const script = `echo ${to} >/proc/sys/${key.replaceAll('.', '/')}`;
  return { kind: 'sysctl', name: key, script, line: line('~', `sysctl ${key} = ${planned}`) };
}

const EDGE: Drift[] = [
  {
    kind: 'edge',
    name: 'another interface inside',
    script: `nft add element inet segue_edge inside '{ "t100-1" }'`,
    line: line('-', 'nft element inet segue_edge inside { "t100-1" }'),
  },
  {
    kind: 'edge',
    name: 'source deleted',
    script: `nft flush set inet segue_edge sources`,
    line: line('+', 'nft element inet segue_edge sources'),
  },
  {
    kind: 'edge',
    name: 'rule inserted',
    script: 'nft insert rule inet segue_edge prerouting accept',
    line: line('~', 'nft table inet segue_edge'),
  },
  {
    kind: 'edge',
    name: 'table deleted',
    script: 'nft delete table inet segue_edge',
    line: line('+', 'nft table inet segue_edge'),
  },
];

const GUARD: Drift[] = [
  {
    kind: 'guard',
    name: 'element deleted',
    script: `nft delete element inet segue sources4 '{ "t100-1" . 10.0.0.1 }'`,
    line: line('+', 'nft element inet segue sources4 { "t100-1" . 10.0.0.1 }'),
  },
  {
    kind: 'guard',
    name: 'element added',
    script: `nft add element inet segue sources4 '{ "t100-1" . 10.0.0.77 }'`,
    line: line('-', 'nft element inet segue sources4 { "t100-1" . 10.0.0.77 }'),
  },
  {
    kind: 'guard',
    name: 'MSS altered',
    script: `nft 'delete element inet segue mss4 { "t100-1" : 1420 }; add element inet segue mss4 { "t100-1" : 9000 }'`,
    line: line('~', 'nft element inet segue mss4 { "t100-1" : 1420 }'),
  },
  {
    kind: 'guard',
    name: 'sender of ARP added',
    script: `nft add element arp segue senders '{ "t100-1" . 02:00:00:00:00:01 . 10.0.0.77 }'`,
    line: line('-', 'nft element arp segue senders'),
  },
  {
    kind: 'guard',
    name: 'chain flushed',
    script: 'nft flush chain inet segue port4',
    line: line('~', 'nft table inet segue'),
  },
  {
    kind: 'guard',
    name: 'rule inserted',
    script: 'nft insert rule inet segue port4 accept',
    line: line('~', 'nft table inet segue'),
  },
  { kind: 'guard', name: 'ruleset flushed', script: 'nft flush ruleset', line: line('+', 'nft table inet segue') },
  {
    kind: 'guard',
    name: 'table of ARP deleted',
    script: 'nft delete table arp segue',
    line: line('+', 'nft table arp segue'),
  },
];

/** What the kernel does not tell of. */
const UNTOLD = SILENT.map((drift): Drift => ({ ...drift, silent: true }));

/** Every kind at least once. */
export const DRIFTS: readonly Drift[] = [
  ...ROUTES,
  ...RULES,
  ...DEVICES,
  ...NEXTHOPS,
  ...SYSCTLS,
  ...UNTOLD,
  ...EDGE,
  ...GUARD,
];

/** Devices, their addresses and tables take others' objects with them. */
function isAlone({ kind, line: { source } }: Drift): boolean {
  return ['vrf', 'port', 'address'].includes(kind) || source.includes('nft table');
}

/** The object that a drift befalls: without the sign, and of rules without more than the preference. */
function objectOf({ line: { source } }: Drift): string {
  return /rule -[46] pref \d+/.exec(source)?.[0] ?? source.slice(3);
}

/** The same in rounds whose damage does not hide each other's: no object twice. In the VM a diff and an apply for each case cost minutes. */
export function rounds(drifts: readonly Drift[]): Drift[][] {
  const shared: Map<string, Drift>[] = [];
  for (const drift of drifts.filter((one) => !isAlone(one))) {
    const object = objectOf(drift);
    let round = shared.find((one) => !one.has(object));
    if (round === undefined) shared.push((round = new Map<string, Drift>()));
    round.set(object, drift);
  }
  return [...shared.map((round) => [...round.values()]), ...drifts.filter(isAlone).map((drift) => [drift])];
}
