import { MAC, PORT, UPLINK, VM } from '../chain/names.js';
import { attachRedirect } from '../packets/programs.js';
import type { Redirect } from '../packets/programs.js';
import type { Path } from './path.js';

function bareRedirect(hook: Redirect['hook'], path: Omit<Path, 'overhead' | 'setUp'>): Path {
  return {
    ...path,
    overhead: 0,
    async setUp(chain) {
      // XDP can only redirect a frame out of a device that has NAPI at its other end.
      if (hook === 'xdp') await chain.offload('sink', VM, ['gro', 'on']);
      const hop = (node: 'hv1' | 'hv2', from: string, to: string, destination: string, source: string) =>
        attachRedirect({
          hook,
          toPeer: hook === 'tcx' && to === PORT,
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
}

/** What no data plane on these devices can be faster than. */
export const ceiling = bareRedirect('xdp', {
  name: 'ceiling',
  describe: 'bare XDP redirect at both hops with new MAC addresses: no lookup, no tunnel, no statistics',
  tcp: false,
});

/** The same of one that takes sk_buffs. */
export const ceilingTcx = bareRedirect('tcx', {
  name: 'ceiling-tcx',
  describe: 'the same at tcx, where packets of VMs and processes arrive without a copy',
  tcp: true,
});
