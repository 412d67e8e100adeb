/** The fast path's kinds, for the one engine. */
import { bpfDomainSourceResource } from './domain-source-resource.js';
import { bpfEncapResource } from './encap-resource.js';
import { deviceFeatureResource } from './feature-resource.js';
import { bpfMemberResource, bpfPrefixResource } from './member-resources.js';
import { bpfNodeResource } from './node-resource.js';
import { bpfPortResource } from './port-resource.js';
import { bpfProgramResource } from './program-resource.js';
import { bpfSidResource } from './sid-resource.js';
import { bpfSourceResource, bpfSourcePrefixResource } from './source-resources.js';
import { bpfTrustedResource } from './trusted-resource.js';
import { bpfUnderlayResource } from './underlay-resource.js';
import type { ResourceTable } from '../reconcile/engine.js';

export const FASTPATH_KINDS = {
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
} satisfies ResourceTable;
