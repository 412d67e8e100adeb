/** The eBPF data plane: entries of its maps, and its programs at ports and uplinks. In kernel mode only the NDP responder. */
import { decidesFor } from '../gateway/zones.js';
import { addPathChange, pathWarnings, TRANSIT } from './paths.js';
import { bpfDomainSourceResource } from './domain-source-resource.js';
import { FastpathStore } from './fastpath.js';
import { bpfEncapResource } from './encap-resource.js';
import { deviceFeatureResource } from './feature-resource.js';
import { ebpfIntent } from './intent.js';
import { bpfMemberResource, bpfPrefixResource } from './member-resources.js';
import { bpfNodeResource } from './node-resource.js';
import {
  planFastLocalPort,
  planFastNode,
  planFastPair,
  planFastRemote,
  planFastRemotePort,
  planFastSource,
  planFastTenant,
} from './plan.js';
import { bpfPortResource } from './port-resource.js';
import { bpfProgramResource } from './program-resource.js';
import { bpfSidResource } from './sid-resource.js';
import { bpfSourceResource, bpfSourcePrefixResource } from './source-resources.js';
import { bpfTrustedResource } from './trusted-resource.js';
import { bpfUnderlayResource } from './underlay-resource.js';
import type { IntentView } from '../plan/view.js';
import type { Feature } from '../reconcile/feature.js';

declare module '../kernel/kernel.js' {
  interface KernelParts {
    /** The node's maps, programs and links. */
    fastpath: FastpathStore;
  }
}

export const ebpfFeature = {
  name: 'ebpf',
  intent: ebpfIntent,
  resources: {
    'bpf-node': bpfNodeResource,
    'bpf-trusted': bpfTrustedResource,
    'bpf-underlay': bpfUnderlayResource,
    'bpf-encap': bpfEncapResource,
    'bpf-domain-source': bpfDomainSourceResource,
    'bpf-port': bpfPortResource,
    'bpf-source': bpfSourceResource,
    'bpf-source-prefix': bpfSourcePrefixResource,
    'bpf-member': bpfMemberResource,
    'bpf-prefix': bpfPrefixResource,
    'bpf-sid': bpfSidResource,
    'device-feature': deviceFeatureResource,
    'bpf-program': bpfProgramResource,
  },
  plans: {
    node: planFastNode,
    tenant: planFastTenant,
    remote: planFastRemote,
    source: planFastSource,
    pair(view, pair, emit) {
      if (knowsMembers(view, pair.tenant)) planFastPair(view, pair, emit);
    },
    localPort: planFastLocalPort,
    remotePort(view, pair, port, emit) {
      if (knowsMembers(view, port.tenant)) planFastRemotePort(view, pair, port, emit);
    },
  },
  kernel: { fastpath: (options) => new FastpathStore(options) },
  units: [TRANSIT],
  affected: { path: addPathChange },
  warnings: pathWarnings,
} satisfies Feature;

/** Whether remote members of a tenant are planned: a network node needs them without having VRFs. */
function knowsMembers(view: IntentView, tenant: string): boolean {
  return view.localPorts.has(tenant) || decidesFor(view, tenant);
}
