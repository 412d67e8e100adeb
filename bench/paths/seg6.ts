/** The kernel's own SRv6 without VRF: H.Encaps by a lightweight tunnel, End.DX4 and End.DT6 at the far end. */
import { INNER, PORT, TUNNEL_SOURCE, UPLINK } from '../chain/names.js';
import { routeEndpoints } from './endpoints.js';
import { LARGE } from './fast-maps.js';
import { NOTHING_HELD } from './path.js';
import type { Chain } from '../chain/chain.js';
import type { Path } from './path.js';

/** RT_TABLE_MAIN: End.DT6 with `table` looks up there; End.DT4 has no such form and needs a VRF. */
const MAIN = 254;
const OUTER_HEADER_BYTES = 40;
/** An SRH with one segment (RFC 8754 section 2). */
const SRH_BYTES = 24;

const SID = {
  hv1: { dx4: 'fd00:5e:1:44::', dt6: 'fd00:5e:1:600::' },
  hv2: { dx4: 'fd00:5e:2:44::', dt6: 'fd00:5e:2:600::' },
} as const;

/**
 * End.DX4's next hop, an address that is only reached by a gateway. The kernel routes by it but takes the neighbour from the
 * route (net/ipv4/route.c, rt_nexthop()): with a next hop that is on the link it would ask ARP for the packet's own
 * destination, and all destinations but those that answer would be dropped.
 */
export const DX4_NEXT_HOP = '10.10.3.1';

type Mode = 'encap' | 'encap.red';

async function half(
  chain: Chain,
  mode: Mode,
  node: 'hv1' | 'hv2',
  local: { v4: string },
  remote: { node: 'hv1' | 'hv2'; v4: string; v6: string },
): Promise<void> {
  const { dx4, dt6 } = SID[node];
  await chain.run(node, ['ip', 'sr', 'tunsrc', 'set', TUNNEL_SOURCE[node]]);
  await chain.ip(node, [
    `route add ${DX4_NEXT_HOP}/32 via ${local.v4} dev ${PORT}`,
    `route add ${dx4}/128 encap seg6local action End.DX4 nh4 ${DX4_NEXT_HOP} dev ${PORT}`,
    `route add ${dt6}/128 encap seg6local action End.DT6 table ${MAIN} dev ${PORT}`,
    `route add ${remote.v4} encap seg6 mode ${mode} segs ${SID[remote.node].dx4} dev ${UPLINK}`,
    `route add ${remote.v6} encap seg6 mode ${mode} segs ${SID[remote.node].dt6} dev ${UPLINK}`,
  ]);
}

/** A route of its own to each address behind the sink, behind as many SIDs as segue's maps have of other nodes. */
async function manyEndpoints(chain: Chain, mode: Mode): Promise<void> {
  const sids = Array.from({ length: LARGE.nodes }, (_, node) => `${SID.hv2.dx4}${(node + 1).toString(16)}`);
  await chain.ip(
    'hv2',
    sids.map((sid) => `route add ${sid}/128 encap seg6local action End.DX4 nh4 ${DX4_NEXT_HOP} dev ${PORT}`),
  );
  await routeEndpoints(
    chain,
    'hv1',
    sids.map((sid) => `encap seg6 mode ${mode} segs ${sid} dev ${UPLINK}`),
  );
}

function seg6(name: string, mode: Mode): Path {
  const overhead = OUTER_HEADER_BYTES + (mode === 'encap' ? SRH_BYTES : 0);
  return {
    name,
    describe: `kernel seg6 \`${mode}\` with one SID, then End.DX4 (IPv4) or End.DT6 \`table\` (IPv6); no VRF`,
    tcp: true,
    overhead,
    async setUp(chain) {
      const gen = { v4: INNER[4].genPrefix, v6: INNER[6].genPrefix };
      const sink = { v4: INNER[4].sinkPrefix, v6: INNER[6].sinkPrefix };
      await half(chain, mode, 'hv1', { v4: INNER[4].gen }, { node: 'hv2', ...sink });
      await half(chain, mode, 'hv2', { v4: INNER[4].sinkLink }, { node: 'hv1', ...gen });
      if (chain.options.endpoints !== undefined) await manyEndpoints(chain, mode);
      return NOTHING_HELD;
    },
  };
}

export const seg6Encap = seg6('seg6-encap', 'encap');
export const seg6EncapRed = seg6('seg6-encap-red', 'encap.red');
