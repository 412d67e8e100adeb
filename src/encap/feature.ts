/** seg6 encapsulation by the kernel: next hops to other nodes, and the routes that use them. */
import { encapIntent } from './intent.js';
import { nexthopResource } from './nexthop-resource.js';
import { addPathChange, mtuWarnings, PathsView } from './paths.js';
import { planPair, planRemotePort } from './plan.js';
import { routeResource } from './route-resource.js';
import type { Feature } from '../reconcile/feature.js';

export const encapFeature = {
  name: 'encap',
  intent: encapIntent,
  resources: { nexthop: nexthopResource, route: routeResource },
  plans: {
    pair(view, pair, emit) {
      if (!view.ebpfOnly && view.localPorts.has(pair.tenant)) planPair(view, pair, emit);
    },
    remotePort(view, pair, port, emit) {
      if (!view.ebpfOnly && view.localPorts.has(port.tenant)) planRemotePort(view, pair, port, emit);
    },
  },
  view: { paths: (intent) => new PathsView(intent) },
  affected: { path: addPathChange },
  warnings: mtuWarnings,
} satisfies Feature;
