/** segue's own engine on a kernel without VRF: the kinds nexthop and route, and of routes those that need no VRF. */
import { nexthopResource } from '../../src/encap/nexthop-resource.js';
import { routeResource } from '../../src/encap/route-resource.js';
import { SELF } from '../lib/workload.js';
import type { NodeConfig } from '../../src/intent/types.js';
import type { ResourceTable } from '../../src/reconcile/resource.js';

/** A device that is never there: what hangs on it waits. */
const VRF_SUPPORT = 'no-vrf-here';

export const NATIVE_RESOURCES: ResourceTable = {
  nexthop: nexthopResource,
  route: {
    ...routeResource,
    // End.DT46 wants a VRF's table. Routes to local VMs wait by themselves: their interfaces are not there.
    devices: (route, key) => (route.local !== undefined ? [VRF_SUPPORT] : (routeResource.devices?.(route, key) ?? [])),
  },
};

export function nodeConfig(netns: string, intent: string): NodeConfig {
  return {
    node: SELF,
    netns,
    uplinks: ['lo'],
    dataplane: 'kernel',
    xdp: 'never',
    behaviours: ['dt46'],
    intent,
    mtu: 1500,
  };
}
