import { MAC, PORT, UPLINK, VM } from '../chain/names.js';
import { attachRedirect } from '../packets/programs.js';
import type { Path } from './path.js';

/** What no data plane on these devices can be faster than. */
export const ceiling: Path = {
  name: 'ceiling',
  describe: 'bare XDP redirect at both hops with new MAC addresses: no lookup, no tunnel, no statistics',
  tcp: false,
  overhead: 0,
  async setUp(chain) {
    // A frame can only be redirected out of a device that has NAPI at its other end.
    await chain.offload('sink', VM, ['gro', 'on']);
    const hop = (node: 'hv1' | 'hv2', from: string, to: string, destination: string, source: string) =>
      attachRedirect({
        netns: chain.netns(node),
        from: chain.ifindex(node, from),
        to: chain.ifindex(node, to),
        destination,
        source,
      });
    const attached = [
      hop('hv1', PORT, UPLINK, MAC.hv2Uplink, MAC.hv1Uplink),
      hop('hv1', UPLINK, PORT, MAC.gen, MAC.hv1Port),
      hop('hv2', UPLINK, PORT, MAC.sink, MAC.hv2Port),
      hop('hv2', PORT, UPLINK, MAC.hv1Uplink, MAC.hv2Uplink),
    ];
    return {
      tearDown() {
        for (const one of attached) one.close();
      },
    };
  },
};
