/** The same by the kernel: a VRF a tenant, End.DT46, routes leaked between the VRFs, and nftables with connection tracking. Needs VRF. */
import { outputOf } from '../../lab/process.js';
import { INNER, MAC, NN_UPLINK, PORT, TUNNEL_SOURCE, UPLINK } from '../chain/names.js';
import { UDP_PORT } from '../packets/frame.js';
import { RULE_PREF, SID_BLOCK } from '../paths/vrf.js';
import { NOTHING_HELD } from '../paths/path.js';
import { BLUE, RED } from './maps.js';
import type { Chain } from '../chain/chain.js';
import type { UnderlayNode } from '../chain/names.js';
import type { Path } from '../paths/path.js';

const OUTER_HEADER_BYTES = 40;
const TENANTS = {
  red: { ...RED, vrf: 'sg-100', table: 0x5e000064 },
  blue: { ...BLUE, vrf: 'sg-200', table: 0x5e0000c8 },
} as const;
type Tenant = keyof typeof TENANTS;

/** Rules, sysctls and the outer source that every node has. */
async function prepare(chain: Chain, node: UnderlayNode, tenants: readonly Tenant[]): Promise<void> {
  await chain.ip(
    node,
    tenants.flatMap((tenant) => {
      const { vrf, table } = TENANTS[tenant];
      return [`link add ${vrf} type vrf table ${table}`, `link set ${vrf} up`];
    }),
  );
  // The sysctl exists once the module is loaded; End.DT46 wants it (net/ipv6/seg6_local.c).
  chain.sysctl(node, { 'vrf/strict_mode': 1 });
  await chain.run(node, ['ip', 'sr', 'tunsrc', 'set', TUNNEL_SOURCE[node]]);
  const rule = ['pref', String(RULE_PREF), 'from', `${TUNNEL_SOURCE[node]}/128`, 'to', SID_BLOCK, 'lookup', 'main'];
  await chain.run(node, ['ip', '-6', 'rule', 'add', ...rule]);
}

const local = (sid: string, { vrf, table }: { vrf: string; table: number }): string =>
  `route add ${sid}/128 encap seg6local action End.DT46 vrftable ${table} dev ${vrf}`;

const remote = (prefix: string, table: number, sid: string, device: string): string =>
  `route add ${prefix} table ${table} encap seg6 mode encap.red segs ${sid} dev ${device}`;

async function setUpHypervisor(
  chain: Chain,
  node: 'hv1' | 'hv2',
  { tenant, behind, beyond }: { tenant: Tenant; behind: readonly string[]; beyond: readonly string[] },
): Promise<void> {
  const { vrf, table, sid, gatewaySid } = TENANTS[tenant];
  await prepare(chain, node, [tenant]);
  const isFirst = node === 'hv1';
  const vm = isFirst ? MAC.gen : MAC.sink;
  const ends = ([4, 6] as const).map((family) => {
    const { gen, genGateway, sinkLink, sinkGateway } = INNER[family];
    const length = family === 4 ? 24 : 64;
    return { gateway: `${isFirst ? genGateway : sinkGateway}/${length}`, neighbour: isFirst ? gen : sinkLink, family };
  });
  await chain.ip(node, [
    `link set ${PORT} master ${vrf}`,
    // Enslaving takes these away.
    ...ends.flatMap(({ gateway, neighbour, family }) => [
      `addr replace ${gateway} dev ${PORT}${family === 6 ? ' nodad' : ''}`,
      `neigh replace ${neighbour} lladdr ${vm} dev ${PORT} nud permanent`,
    ]),
    ...behind.map((prefix) => {
      const via = ends.find(({ family }) => (family === 6) === prefix.includes(':'))?.neighbour ?? '';
      return `route replace ${prefix} via ${via} dev ${PORT} table ${table}`;
    }),
    local(sid, { vrf, table }),
    ...beyond.map((prefix) => remote(prefix, table, gatewaySid, UPLINK)),
  ]);
}

/** What may open a connection, and then all of it. */
const RULES = `table inet steer {
  counter established { }
  chain forward {
    type filter hook forward priority filter; policy drop;
    ct state established,related counter name established accept
    ct state invalid drop
    iifname "${TENANTS.red.vrf}" oifname "${TENANTS.blue.vrf}" jump red-blue
    # The outer packets, on their way out: decided already.
    oifname { "${NN_UPLINK.hv1}", "${NN_UPLINK.hv2}" } accept
  }
  chain red-blue {
    ip daddr ${INNER[4].sinkPrefix} udp dport ${UDP_PORT} accept
    ip6 daddr ${INNER[6].sinkPrefix} udp dport ${UDP_PORT} accept
    meta l4proto { icmp, icmpv6 } accept
    drop
  }
}
`;

/**
 * Each tenant's routes to its hypervisor, and the other's leaked as routes to the other's VRF. A leaked route that had the encapsulation
 * itself would save the second lookup, but of such packets nftables only sees the outer header (seg6_input, net/ipv6/seg6_iptunnel.c).
 */
async function setUpNetworkNode(chain: Chain): Promise<void> {
  await prepare(chain, 'nn', ['red', 'blue']);
  const { red, blue } = TENANTS;
  const routes = ([4, 6] as const).flatMap((family) => [
    remote(INNER[family].genPrefix, red.table, red.sid, NN_UPLINK.hv1),
    remote(INNER[family].sinkPrefix, blue.table, blue.sid, NN_UPLINK.hv2),
    `route add ${INNER[family].sinkPrefix} dev ${blue.vrf} table ${red.table}`,
    `route add ${INNER[family].genPrefix} dev ${red.vrf} table ${blue.table}`,
  ]);
  await chain.ip('nn', [local(red.gatewaySid, red), local(blue.gatewaySid, blue), ...routes]);
  await outputOf(chain.netns('nn'), ['nft', '-f', '-'], { input: RULES });
  // Else no connection is ever confirmed: not on the way to a VRF (in_vrf_postrouting, net/netfilter/nf_conntrack_proto.c), and what
  // seg6 takes over meets no hook after it. Of the whole machine, and until it is booted again.
  chain.sysctl('nn', { 'netfilter/nf_hooks_lwtunnel': 1 });
}

/** Packets that the network node let pass because their connection is established. */
export async function establishedPackets(chain: Chain): Promise<number> {
  const text = await chain.run('nn', ['nft', '-j', 'list', 'counter', 'inet', 'steer', 'established']);
  const packets = /"packets": ?(\d+)/.exec(text)?.[1];
  if (packets === undefined) throw new Error(`nft: no counter in ${text}`);
  return Number(packets);
}

export const kernelLeaking: Path = {
  name: 'kernel',
  describe:
    'kernel seg6 `encap.red` out of a VRF; End.DT46, routes leaked between the VRFs and nftables with `ct state established` at the ' +
    'network node; End.DT46',
  tcp: true,
  overhead: OUTER_HEADER_BYTES,
  async setUp(chain) {
    const behind = [INNER[4].sinkPrefix, INNER[6].sinkPrefix];
    const genPrefixes = [INNER[4].genPrefix, INNER[6].genPrefix];
    await setUpHypervisor(chain, 'hv1', { tenant: 'red', behind: [], beyond: behind });
    await setUpHypervisor(chain, 'hv2', { tenant: 'blue', behind, beyond: genPrefixes });
    await setUpNetworkNode(chain);
    return NOTHING_HELD;
  },
};
