import { INNER, PORT, UNDERLAY, UPLINK } from '../chain/names.js';
import { routeEndpoints } from './endpoints.js';
import { NOTHING_HELD } from './path.js';
import type { Path } from './path.js';

export const plain: Path = {
  name: 'plain',
  describe: 'plain kernel routing, IPv4 over IPv4 and IPv6 over IPv6, no tunnel',
  tcp: true,
  overhead: 0,
  async setUp(chain) {
    const families = [4, 6] as const;
    await chain.ip(
      'hv1',
      families.map((family) => `route add ${INNER[family].sinkPrefix} via ${UNDERLAY[family].hv2} dev ${UPLINK}`),
    );
    await chain.ip(
      'hv2',
      families.map((family) => `route add ${INNER[family].genPrefix} via ${UNDERLAY[family].hv1} dev ${UPLINK}`),
    );
    await routeEndpoints(chain, 'hv1', [`via ${UNDERLAY[4].hv2} dev ${UPLINK}`]);
    await routeEndpoints(chain, 'hv2', [`via ${INNER[4].sinkLink} dev ${PORT}`]);
    return NOTHING_HELD;
  },
};
