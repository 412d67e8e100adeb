/** What a node owes the underlay, and settings that are not one tenant's. */

export interface Sysctl {
  value: string;
  /** Set when somebody else may rely on it: the value found is remembered and put back by purge. */
  shared?: true;
  /** The device whose directory it lies in; the sysctl waits for it. */
  device?: string;
}

/** `lookup local` after l3mdev: the value is where it is. Shared: purge puts it back at 0. */
export interface LocalRule {
  priority: number;
}

/** The outer source, on lo. */
export interface SourceAddress {
  device: string;
  prefix: string;
  noprefixroute?: true;
}

/** `blackhole <locator>`: the route by which routing daemons of this node announce its locator. */
export interface Announcement {
  table: number;
  /** The locator. */
  prefix: string;
  /** Only found, never planned: the protocol of somebody else's route for the locator, which announces it in ours' place. */
  protocol?: number;
}

/** Outer source of all seg6 encapsulation in the namespace (`ip sr tunsrc`). */
export interface TunnelSource {
  address: string;
}

declare module '../plan/plan.js' {
  interface Resources {
    /** key: path below /proc/sys, `net/ipv4/ip_forward` */
    sysctl: Sysctl;
    /** key: `inet` or `inet6` */
    'local-rule': LocalRule;
    /** key: `tunsrc` */
    tunsrc: TunnelSource;
    /** key: `<table> <locator>` */
    announce: Announcement;
  }
}
