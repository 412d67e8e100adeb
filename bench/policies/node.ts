/** The network node that is measured. */
import { fileURLToPath } from 'node:url';
import { UPLINK } from '../entries/node.js';
import type { NodeConfig } from '../../src/intent/types.js';

// From build/bench/policies, where this runs.
process.env.SEGUE_BPF_OBJECTS ??= fileURLToPath(new URL('../../bpf', import.meta.url));

/** One network node by name, which each size has one of: in a namespace and with pins of its own. */
export interface Place {
  node: string;
  netns: string;
  pins: string;
  /** Of the intent. */
  file: string;
  policies: number;
}

export function nodeConfig({ node, netns, file }: Place): NodeConfig {
  return {
    ...{ node, netns, uplinks: [UPLINK], dataplane: 'hybrid', xdp: 'always', behaviours: ['dt46'] },
    ...{ intent: file, mtu: 1500 },
  };
}
