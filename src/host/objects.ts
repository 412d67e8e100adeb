/** Objects that the underlay needs, and settings that belong to no tenant. */

export interface Sysctl {
  value: string;
  /** Set if others may depend on it: the former value is saved, and restored by purge. */
  shared?: true;
  /** The device that the sysctl belongs to, and waits for. */
  device?: string;
}

/** `lookup local` behind l3mdev; the value is its priority. Shared: purge restores it at 0. */
export interface LocalRule {
  priority: number;
}

/** The outer source address on lo. */
export interface SourceAddress {
  device: string;
  prefix: string;
  noprefixroute?: true;
}

/** `blackhole <locator>`: the route that this node's routing daemons announce. */
export interface Announcement {
  table: number;
  /** The locator. */
  prefix: string;
  /** Only observed, never planned: protocol of a route of others that announces the locator instead. */
  protocol?: number;
}

/** Outer source of all seg6 encapsulations in the namespace (`ip sr tunsrc`). */
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
