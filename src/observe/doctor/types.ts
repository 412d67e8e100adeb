/** Findings of the doctor. */
import { FindingList } from '../../reconcile/findings.js';
import type { Instance } from '../../agent/instance.js';
import type { CheckGroup, FeatureFinding } from '../../reconcile/observation.js';
import type { Intent } from '../../intent/types.js';

export interface Check extends FeatureFinding {
  group: CheckGroup;
  /** Stable name for scripts: `kernel.vrf`, `uplink.mtu.eth0`. */
  name: string;
}

/** The input of the checks. */
export interface CheckContext {
  instance: Instance;
  /** Scoped to the node; undefined if it cannot be read. */
  intent: Intent | undefined;
  intentError: string | undefined;
  /** The kernel has VRFs, fast path maps, or rules of segue's: whatever apply sets must be set. */
  applied: boolean;
  /** `dataplane: ebpf`: settings that only matter to the kernel's forwarding are not checked. */
  alone: boolean;
  /** nft is installed; without it the ruleset is unknown. */
  hasNft: boolean;
  /** Why pinned objects cannot be read; undefined: they can. */
  unreadable: string | undefined;
}

export interface Diagnosis {
  node: string;
  ok: number;
  warn: number;
  fail: number;
  checks: Check[];
}

/** Adds the group to a finding. */
export function checkOf(group: CheckGroup, { name, ...rest }: FeatureFinding): Check {
  return { group, name: `${group}.${name}`, ...rest };
}

/** Collects the findings of one group. */
export class Findings extends FindingList {
  readonly #group: CheckGroup;

  constructor(group: CheckGroup) {
    super();
    this.#group = group;
  }

  get checks(): Check[] {
    return this.found.map((finding) => checkOf(this.#group, finding));
  }
}
