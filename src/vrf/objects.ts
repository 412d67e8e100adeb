/** A tenant's VRF device. */
export interface Vrf {
  table: number;
  /** `segue:<tenant name>`, by which the device is recognised as segue's. */
  alias: string;
  /** Only observed, never planned. */
  down?: true;
}

export interface Rule {
  family: 4 | 6;
  priority: number;
  from?: string;
  to?: string;
  /** Device on which the packet arrived. */
  iif?: string;
  action: 'table' | 'unreachable' | 'blackhole' | 'prohibit';
  table?: number;
  /** Matches packets from any VRF. */
  l3mdev?: true;
  /** Ignores routes of the table unless their prefix is longer than this (`suppress_prefixlength`). */
  suppressPrefixLength?: number;
}

/** `from all lookup [l3mdev-table]`. */
export interface L3mdevRule {
  priority: number;
}

declare module '../plan/plan.js' {
  interface Resources {
    /** key: `<inet|inet6> <priority>[ from P][ to P][ iif D]` */
    rule: Rule;
    /** key: `inet` or `inet6` */
    'l3mdev-rule': L3mdevRule;
    /** key: device name, `sg-100` */
    vrf: Vrf;
  }
}
