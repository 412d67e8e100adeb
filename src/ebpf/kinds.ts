/** The fast path's kinds, for the one engine. */
import { bpfEncapKind } from './encap-kind.js';
import { bpfMemberKind, bpfPrefixKind } from './member-kinds.js';
import { bpfNodeKind } from './node-kind.js';
import { bpfPortKind } from './port-kind.js';
import { bpfProgramKind } from './program-kind.js';
import { bpfSidKind } from './sid-kind.js';
import { bpfSourceKind, bpfSourcePrefixKind } from './source-kinds.js';
import { bpfUnderlayKind } from './underlay-kind.js';
import type { Kinds } from '../reconcile/engine.js';

export const FASTPATH_KINDS = {
  'bpf-node': bpfNodeKind,
  'bpf-underlay': bpfUnderlayKind,
  'bpf-encap': bpfEncapKind,
  'bpf-port': bpfPortKind,
  'bpf-source': bpfSourceKind,
  'bpf-source-prefix': bpfSourcePrefixKind,
  'bpf-member': bpfMemberKind,
  'bpf-prefix': bpfPrefixKind,
  'bpf-sid': bpfSidKind,
  'bpf-program': bpfProgramKind,
} satisfies Kinds;
