/** The node that is measured, in hybrid mode: the kinds of the fast path alone, as a kernel without VRF has no others. */
import { fileURLToPath } from 'node:url';
import { bpfProgramResource } from '../../src/ebpf/program-resource.js';
import { ebpfFeature } from '../../src/ebpf/feature.js';
import { SELF } from '../lib/workload.js';
import type { ResourceName } from '../../src/plan/plan.js';
import type { Resource } from '../../src/reconcile/resource.js';
import type { ResourceTable } from '../../src/reconcile/resource.js';
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
export const ENTRY_RESOURCES: ResourceTable = {
  ...ebpfFeature.resources,
  'bpf-program': {
    ...bpfProgramResource,
    devices: (value, key) =>
      value.program === 'port_tc' ? [VRF_SUPPORT] : (bpfProgramResource.devices?.(value, key) ?? []),
  },
};

/** Milliseconds that a kind's list and apply took, by the kind's name. */
export type ResourceTimes = Record<string, { list: number; apply: number }>;

/** The kinds with a stop-watch each. */
export function timedResources(times: ResourceTimes): ResourceTable {
  const timed = Object.entries(ENTRY_RESOURCES as Record<string, Resource<ResourceName>>).map(([name, kind]) => {
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
      } satisfies Resource<ResourceName>,
    ];
  });
  return Object.fromEntries(timed) as ResourceTable;
}
