import { INNER, UNDERLAY, UPLINK } from '../chain/names.js';
import { NOTHING_HELD } from './path.js';
import type { Chain } from '../chain/chain.js';
import type { Path } from './path.js';

const DEVICE = 'vxlan100';
const VNI = 100;
/** IANA's; the kernel's own default is 8472. */
const UDP_PORT = 4789;
/** Outer IPv6, UDP, VXLAN, inner Ethernet (RFC 7348). */
const OVERHEAD_BYTES = 40 + 8 + 8 + 14;

/** The network between the two ends of the tunnel. */
const ENDS = {
  hv1: { mac: '02:5e:00:00:01:01', v4: '192.168.99.1', v6: 'fd00:99::1' },
  hv2: { mac: '02:5e:00:00:01:02', v4: '192.168.99.2', v6: 'fd00:99::2' },
} as const;

async function half(
  chain: Chain,
  node: 'hv1' | 'hv2',
  peer: 'hv1' | 'hv2',
  remote: { v4: string; v6: string },
): Promise<void> {
  const { mac, v4, v6 } = ENDS[node];
  const far = ENDS[peer];
  await chain.ip(node, [
    `link add ${DEVICE} address ${mac} type vxlan id ${VNI} local ${UNDERLAY[6][node]} remote ${UNDERLAY[6][peer]} ` +
      `dstport ${UDP_PORT} nolearning udp6zerocsumtx udp6zerocsumrx dev ${UPLINK}`,
    `link set ${DEVICE} up`,
    `addr add ${v4}/24 dev ${DEVICE}`,
    `addr add ${v6}/64 dev ${DEVICE} nodad`,
    `neigh replace ${far.v4} lladdr ${far.mac} dev ${DEVICE} nud permanent`,
    `neigh replace ${far.v6} lladdr ${far.mac} dev ${DEVICE} nud permanent`,
    `route add ${remote.v4} via ${far.v4} dev ${DEVICE}`,
    `route add ${remote.v6} via ${far.v6} dev ${DEVICE}`,
  ]);
}

export const vxlan: Path = {
  name: 'vxlan',
  describe: 'kernel VXLAN over IPv6, routed into and out of the tunnel, no outer UDP checksum',
  tcp: true,
  overhead: OVERHEAD_BYTES,
  async setUp(chain) {
    await half(chain, 'hv1', 'hv2', { v4: INNER[4].sinkPrefix, v6: INNER[6].sinkPrefix });
    await half(chain, 'hv2', 'hv1', { v4: INNER[4].genPrefix, v6: INNER[6].genPrefix });
    return NOTHING_HELD;
  },
};
