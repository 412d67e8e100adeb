/** The node that is measured, in hybrid mode: the kinds of the fast path alone, as a kernel without VRF has no others. */
import { fileURLToPath } from 'node:url';
import { bpfProgramKind } from '../../src/ebpf/program-kind.js';
import { FASTPATH_KINDS } from '../../src/ebpf/kinds.js';
import { SELF } from '../lib/workload.js';
import type { KindName } from '../../src/plan/plan.js';
import type { Kind } from '../../src/reconcile/kind.js';
import type { Kinds } from '../../src/reconcile/engine.js';
import type { NodeConfig } from '../../src/intent/types.js';

// From build/bench/entries, where this runs.
process.env.SEGUE_BPF_OBJECTS ??= fileURLToPath(new URL('../../bpf', import.meta.url));

export const UPLINK = 'up0';

export function nodeConfig(netns: string, intent: string): NodeConfig {
  return {
    node: SELF,
    netns,
    uplinks: [UPLINK],
    dataplane: 'hybrid',
    xdp: 'never',
    behaviours: ['dt46'],
    intent,
    mtu: 1500,
  };
}

/** A device that is never there: what hangs on it waits. */
const VRF_SUPPORT = 'no-vrf-here';

/** Programs at ports want the port in its VRF: they wait. */
export const ENTRY_KINDS: Kinds = {
  ...FASTPATH_KINDS,
  'bpf-program': {
    ...bpfProgramKind,
    devices: (value, key) =>
      value.program === 'port_tc' ? [VRF_SUPPORT] : (bpfProgramKind.devices?.(value, key) ?? []),
  },
};

/** Milliseconds that a kind's list and apply took, by the kind's name. */
export type KindTimes = Record<string, { list: number; apply: number }>;

/** The kinds with a stop-watch each. */
export function timedKinds(times: KindTimes): Kinds {
  const timed = Object.entries(ENTRY_KINDS as Record<string, Kind<KindName>>).map(([name, kind]) => {
    const of = (times[name] ??= { list: 0, apply: 0 });
    const watch = async <T>(what: 'list' | 'apply', use: () => T | Promise<T>): Promise<T> => {
      const started = performance.now();
      try {
        return await use();
      } finally {
        of[what] += performance.now() - started;
      }
    };
    return [
      name,
      {
        ...kind,
        list: (...args) => watch('list', () => kind.list(...args)),
        apply: (...args) => watch('apply', () => kind.apply(...args)),
      } satisfies Kind<KindName>,
    ];
  });
  return Object.fromEntries(timed) as Kinds;
}
