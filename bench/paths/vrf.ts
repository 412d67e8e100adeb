/** The kernel's SRv6 as segue programs it: a VRF for the tenant, H.Encaps.Red, End.DT4 and End.DT6 or End.DT46. Needs VRF. */
import { INNER, LOCATOR, MAC, PORT, TUNNEL_SOURCE, UPLINK } from '../chain/names.js';
import { NOTHING_HELD } from './path.js';
import type { Chain } from '../chain/chain.js';
import type { Path } from './path.js';

const VRF = 'sg-100';
const TABLE = 0x5e000064;
/** Before the rule of l3mdev (1000): the outer packet is routed in main although its device is the VRF. */
export const RULE_PREF = 990;
export const SID_BLOCK = 'fd00:5e::/32';
const OUTER_HEADER_BYTES = 40;

interface Sids {
  v4: string;
  v6: string;
}

type SidsOf = (node: 'hv1' | 'hv2') => Sids;

interface Half {
  node: 'hv1' | 'hv2';
  peer: 'hv1' | 'hv2';
  /** Addresses and neighbour of the port, which enslaving takes away. */
  gateway: Sids;
  neighbour: Sids;
  mac: string;
  /** Networks behind the port beyond its link. */
  local: readonly string[];
  remote: Sids;
}

async function half(chain: Chain, sidsOf: SidsOf, actions: Sids, what: Half): Promise<void> {
  const { node, peer, gateway, neighbour, mac, local, remote } = what;
  const sids = sidsOf(node);
  const far = sidsOf(peer);
  await chain.ip(node, [
    `link add ${VRF} type vrf table ${TABLE}`,
    `link set ${VRF} up`,
    `link set ${PORT} master ${VRF}`,
    `addr replace ${gateway.v4}/24 dev ${PORT}`,
    `addr replace ${gateway.v6}/64 dev ${PORT} nodad`,
    `neigh replace ${neighbour.v4} lladdr ${mac} dev ${PORT} nud permanent`,
    `neigh replace ${neighbour.v6} lladdr ${mac} dev ${PORT} nud permanent`,
    ...local.map((prefix) => {
      const via = prefix.includes(':') ? neighbour.v6 : neighbour.v4;
      return `route replace ${prefix} via ${via} dev ${PORT} table ${TABLE}`;
    }),
  ]);
  // The sysctl exists once the module is loaded; End.DT4 and End.DT46 want it (net/ipv6/seg6_local.c).
  chain.sysctl(node, { 'vrf/strict_mode': 1 });
  await chain.run(node, ['ip', 'sr', 'tunsrc', 'set', TUNNEL_SOURCE[node]]);
  const rule = ['pref', String(RULE_PREF), 'from', `${TUNNEL_SOURCE[node]}/128`, 'to', SID_BLOCK, 'lookup', 'main'];
  await chain.run(node, ['ip', '-6', 'rule', 'add', ...rule]);
  const locals =
    actions.v4 === actions.v6
      ? [[sids.v6, actions.v6]]
      : Object.entries({ [sids.v4]: actions.v4, [sids.v6]: actions.v6 });
  await chain.ip(node, [
    ...locals.map(
      ([sid, action]) => `route add ${sid}/128 encap seg6local action ${action} vrftable ${TABLE} dev ${VRF}`,
    ),
    `route add ${remote.v4} table ${TABLE} encap seg6 mode encap.red segs ${far.v4} dev ${UPLINK}`,
    `route add ${remote.v6} table ${TABLE} encap seg6 mode encap.red segs ${far.v6} dev ${UPLINK}`,
  ]);
}

function vrfPath(name: string, describe: string, actions: Sids, functions: Sids): Path {
  const sidsOf: SidsOf = (node) => {
    const locator = LOCATOR[node].replace('::/48', '');
    return { v4: `${locator}:${functions.v4}:64::`, v6: `${locator}:${functions.v6}:64::` };
  };
  return {
    name,
    describe,
    tcp: true,
    overhead: OUTER_HEADER_BYTES,
    async setUp(chain) {
      await half(chain, sidsOf, actions, {
        node: 'hv1',
        peer: 'hv2',
        gateway: { v4: INNER[4].genGateway, v6: INNER[6].genGateway },
        neighbour: { v4: INNER[4].gen, v6: INNER[6].gen },
        mac: MAC.gen,
        local: [],
        remote: { v4: INNER[4].sinkPrefix, v6: INNER[6].sinkPrefix },
      });
      await half(chain, sidsOf, actions, {
        node: 'hv2',
        peer: 'hv1',
        gateway: { v4: INNER[4].sinkGateway, v6: INNER[6].sinkGateway },
        neighbour: { v4: INNER[4].sinkLink, v6: INNER[6].sinkLink },
        mac: MAC.sink,
        local: [INNER[4].sinkPrefix, INNER[6].sinkPrefix],
        remote: { v4: INNER[4].genPrefix, v6: INNER[6].genPrefix },
      });
      return NOTHING_HELD;
    },
  };
}

export const vrfDt4 = vrfPath(
  'vrf-dt4-dt6',
  'kernel seg6 `encap.red` out of a VRF, then End.DT4 (IPv4) or End.DT6 (IPv6) with `vrftable`',
  { v4: 'End.DT4', v6: 'End.DT6' },
  { v4: '400', v6: '600' },
);

export const vrfDt46 = vrfPath(
  'vrf-dt46',
  'kernel seg6 `encap.red` out of a VRF, then End.DT46 with `vrftable`: what segue programs',
  { v4: 'End.DT46', v6: 'End.DT46' },
  { v4: '4600', v6: '4600' },
);
