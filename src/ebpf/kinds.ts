/** The fast path's kinds, for the one engine. */
import { bpfDomainSourceKind } from './domain-source-kind.js';
import { bpfEncapKind } from './encap-kind.js';
import { deviceFeatureKind } from './feature-kind.js';
import { bpfMemberKind, bpfPrefixKind } from './member-kinds.js';
import { bpfNodeKind } from './node-kind.js';
import { bpfPortKind } from './port-kind.js';
import { bpfProgramKind } from './program-kind.js';
import { bpfSidKind } from './sid-kind.js';
import { bpfSourceKind, bpfSourcePrefixKind } from './source-kinds.js';
import { bpfTrustedKind } from './trusted-kind.js';
import { bpfUnderlayKind } from './underlay-kind.js';
import type { Kinds } from '../reconcile/engine.js';

export const FASTPATH_KINDS = {
  'bpf-node': bpfNodeKind,
  'bpf-trusted': bpfTrustedKind,
  'bpf-underlay': bpfUnderlayKind,
  'bpf-encap': bpfEncapKind,
  'bpf-domain-source': bpfDomainSourceKind,
  'bpf-port': bpfPortKind,
  'bpf-source': bpfSourceKind,
  'bpf-source-prefix': bpfSourcePrefixKind,
  'bpf-member': bpfMemberKind,
  'bpf-prefix': bpfPrefixKind,
  'bpf-sid': bpfSidKind,
  'device-feature': deviceFeatureKind,
  'bpf-program': bpfProgramKind,
} satisfies Kinds;
