/** What the doctor finds. */
import type { Instance } from '../../agent/instance.js';
import type { Intent } from '../../intent/types.js';

export type CheckStatus = 'ok' | 'warn' | 'fail';

export interface Check {
  group:
    | 'kernel'
    | 'node'
    | 'sysctl'
    | 'uplink'
    | 'underlay'
    | 'gateway'
    | 'edge'
    | 'firewall'
    | 'port'
    | 'manager'
    | 'agent';
  /** Stable, for scripts: `kernel.vrf`, `uplink.mtu.eth0`. */
  name: string;
  status: CheckStatus;
  /** What was found, one line. */
  what: string;
  /** Why it matters and what to do; absent when all is well. */
  advice?: string;
}

/** What the checks work with. */
export interface CheckContext {
  instance: Instance;
  /** Scoped to the node; undefined when it cannot be read, with the reason. */
  intent: Intent | undefined;
  intentError: string | undefined;
  /** VRFs of ours exist, maps of the fast path, or rules: what apply sets must be set by now. */
  applied: boolean;
  /** `dataplane: ebpf`: what only the kernel's own forwarding needs is of no interest. */
  alone: boolean;
  /** nft is installed: without it nothing that it would list is known. */
  hasNft: boolean;
  /** Why what is pinned cannot be read. */
  unreadable: string | undefined;
}

export interface Diagnosis {
  node: string;
  ok: number;
  warn: number;
  fail: number;
  checks: Check[];
}

/** Adds checks of one group in few words. */
export class Findings {
  readonly checks: Check[] = [];
  readonly #group: Check['group'];

  constructor(group: Check['group']) {
    this.#group = group;
  }

  ok(name: string, what: string): void {
    this.#add(name, 'ok', what);
  }

  warn(name: string, what: string, advice: string): void {
    this.#add(name, 'warn', what, advice);
  }

  fail(name: string, what: string, advice: string): void {
    this.#add(name, 'fail', what, advice);
  }

  #add(name: string, status: CheckStatus, what: string, advice?: string): void {
    const check = { group: this.#group, name: `${this.#group}.${name}`, status, what };
    this.checks.push(advice === undefined ? check : { ...check, advice });
  }
}
