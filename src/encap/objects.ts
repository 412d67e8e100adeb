import type { TenantBehaviour } from './sid.js';

/** H.Encaps.Red towards a tenant's SID on a node, shared by several routes. */
export interface Nexthop {
  family: 4 | 6;
  /** The tenant's VRF device, in whose table the outer lookup starts. */
  device: string;
  mode: 'encap.red' | 'encap';
  /** In travel order; the last segment is the tenant's SID. */
  segments: readonly string[];
}

export interface Route {
  table: number;
  prefix: string;
  type: 'unicast' | 'blackhole' | 'unreachable';
  metric: number;
  device?: string;
  via?: string;
  /** Key of a next-hop object. */
  nexthop?: string;
  /** Set for a local SID. */
  local?: { action: TenantBehaviour; vrfTable: number };
  /** Only observed, never planned: a protocol other than segue's, or an encapsulation that is no local SID. */
  protocol?: number;
  foreignEncap?: string;
}

declare module '../plan/plan.js' {
  interface Resources {
    /** key: `<inet|inet6> <VRF device> <last segment>` */
    nexthop: Nexthop;
    /** key: `<table> <prefix>[ metric <n>]` */
    route: Route;
  }
}
